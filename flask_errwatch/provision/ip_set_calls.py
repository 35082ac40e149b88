"""The calls that create and delete IP sets. None changes the addresses of a set. Pure."""

from __future__ import annotations

from flask_errwatch.provision.aws_call import AwsCall
from flask_errwatch.provision.resources import IpSet


def creation(desired: IpSet) -> AwsCall:
    """Returns the call that creates a set without addresses."""
    return AwsCall(
        service="wafv2",
        method="create_ip_set",
        arguments={
            "Name": desired.name,
            "Scope": desired.scope,
            "Description": desired.description,
            "IPAddressVersion": desired.family,
            "Addresses": [],
            "Tags": [{"Key": key, "Value": value} for key, value in desired.tags],
        },
        # Several workers may start at the same time.
        tolerated=frozenset({"WAFDuplicateItemException"}),
        region=desired.region,
    )


def deletion(actual: IpSet) -> AwsCall:
    """Returns the call that deletes a set, unless it was changed after it was read."""
    return AwsCall(
        service="wafv2",
        method="delete_ip_set",
        arguments={
            "Name": actual.name,
            "Scope": actual.scope,
            "Id": actual.id,
            "LockToken": actual.lock_token,
        },
        region=actual.region,
    )
