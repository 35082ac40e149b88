"""The calls that give existing resources their tags. None removes a tag. Pure."""

from __future__ import annotations

from flask_errwatch.provision.aws_call import AwsCall
from flask_errwatch.provision.resources import (
    AwsAlarm,
    Dashboard,
    InsightRule,
    IpSet,
    LogGroup,
    Pairs,
    QueryRole,
    Resource,
    Topic,
)


def tag_list(tags: Pairs) -> list[dict[str, str]]:
    """Returns tags as most services take them.

    Example:
        >>> tag_list((("app", "shop"),))
        [{'Key': 'app', 'Value': 'shop'}]
    """
    return [{"Key": key, "Value": value} for key, value in tags]


def tagging(desired: Resource, actual: Resource | None) -> tuple[AwsCall, ...]:
    """Returns the call that gives an existing resource the declared tags, if its kind has tags.

    Args:
        desired: The resource with its declared tags.
        actual: The existing one, with its ARN.
    """
    match desired, actual:
        case LogGroup(), LogGroup():
            group = {"resourceArn": actual.arn, "tags": dict(desired.tags)}
            return (AwsCall(service="logs", method="tag_resource", arguments=group),)
        case QueryRole(), QueryRole():
            role = {"RoleName": desired.name, "Tags": tag_list(desired.tags)}
            return (AwsCall(service="iam", method="tag_role", arguments=role),)
        case Topic(), Topic():
            service, arn = "sns", {"ResourceArn": actual.arn}
        case IpSet(), IpSet():
            service, arn = "wafv2", {"ResourceARN": actual.arn or ""}
        case _ if isinstance(actual, AwsAlarm | InsightRule | Dashboard):
            service, arn = "cloudwatch", {"ResourceARN": actual.arn or ""}
        case _:
            return ()
    region = desired.region if isinstance(desired, IpSet) else None
    arguments = {**arn, "Tags": tag_list(getattr(desired, "tags", ()))}
    return (AwsCall(service=service, method="tag_resource", arguments=arguments, region=region),)
