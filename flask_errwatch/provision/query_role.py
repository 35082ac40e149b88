"""Declares the role of log alarms: its name, trust and permissions. Pure."""

from __future__ import annotations

import hashlib
import re

from flask_errwatch.config import Config
from flask_errwatch.provision.resources import QueryRole
from flask_errwatch.provision.resources.canonical_json import canonical
from flask_errwatch.provision.resources.tags import all_tags
from flask_errwatch.provision.scope import AwsScope

#: The name of the role's inline policy.
POLICY_NAME = "query-lines"

#: What IAM refuses in a role's name.
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9+=,.@_-]")
#: The longest name has 64 characters (IAM API Reference, CreateRole), of which a region takes up to
#: 20 and the words between 12.
_LONGEST_APP = 32
_HASH = 8


def role_name(app_name: str, region: str) -> str:
    """Returns the name of an app's role in a region, which an export has as a token.

    An app's name that IAM would refuse is changed, and marked with a hash so that it stays unique.

    Example:
        >>> role_name("shop", "eu-central-1")
        'shop-log-alarms-eu-central-1'
        >>> role_name("the shop", "eu-central-1")
        'the_shop-9965c668-log-alarms-eu-central-1'
    """
    plain = _NOT_IN_NAMES.sub("_", app_name)
    if plain != app_name or len(plain) > _LONGEST_APP:
        digest = hashlib.sha256(app_name.encode()).hexdigest()[:_HASH]
        plain = f"{plain[: _LONGEST_APP - _HASH - 1]}-{digest}"
    return f"{plain}-log-alarms-{region}"


def query_role(config: Config, scope: AwsScope) -> QueryRole:
    """Returns the role that may query the lines of one log group, for scheduled queries alone.

    Args:
        config: The app's configuration.
        scope: Partition, region and account.
    """
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "logs.amazonaws.com"},
                "Action": "sts:AssumeRole",
                "Condition": {
                    "StringEquals": {"aws:SourceAccount": scope.account},
                    "ArnLike": {"aws:SourceArn": scope.arn("logs", "scheduled-query:*")},
                },
            }
        ],
    }
    permissions = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": ["logs:GetQueryResults", "logs:StartQuery"],
                "Resource": f"{scope.log_group_arn(config.log_group)}:*",
            },
            # These two take no resource (Service Authorization Reference).
            {
                "Effect": "Allow",
                "Action": ["logs:DescribeLogGroups", "logs:StopQuery"],
                "Resource": "*",
            },
        ],
    }
    name = role_name(config.app_name, scope.region)
    return QueryRole(
        name=name,
        arn=scope.role_arn(name),
        trust=canonical(trust),
        permissions=canonical(permissions),
        tags=all_tags(config),
    )
