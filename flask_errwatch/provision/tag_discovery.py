"""Reads the tags of resources that are found without them: one call per resource.

It is done only for an app with `ERRWATCH_TAGS`: the owner of these resources shows without tags.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from flask_errwatch.errors import AwsCallError
from flask_errwatch.provision.actual import Actual
from flask_errwatch.provision.desired import Desired
from flask_errwatch.provision.from_aws import tag_pairs
from flask_errwatch.provision.resources import (
    AwsAlarm,
    Dashboard,
    InsightRule,
    IpSet,
    Resource,
)
from flask_errwatch.provision.scope import AwsScope

if TYPE_CHECKING:
    from flask_errwatch._aws import Aws

TaggedApart = AwsAlarm | InsightRule | Dashboard | IpSet


def with_tags(aws: Aws, desired: Desired, actual: Actual, scope: AwsScope) -> Actual:
    """Returns the actual resources with the tags of those that are declared and exist.

    If a service refuses to list tags, there is one note, and its other resources are not asked for.

    Args:
        aws: The account and region.
        desired: The resources that the app declares.
        actual: The resources that exist.
        scope: Partition, region and account.
    """
    declared = {(resource.kind, resource.key) for resource in desired.resources}
    refused: dict[str, str] = {}
    resources: list[Resource] = []
    tagged: set[tuple[str, str]] = set()
    for resource in actual.resources:
        found: Resource = resource
        key = (resource.kind, resource.key)
        if isinstance(resource, TaggedApart) and key in declared:
            service = "wafv2" if isinstance(resource, IpSet) else "cloudwatch"
            try:
                if service not in refused:
                    found = _with_tags(aws, resource, scope)
                    tagged.add(key)
            except AwsCallError as error:
                if not error.is_not_found:  # else it was deleted since, or an emulator lacks it
                    refused[service] = f"tags: {error}"
        resources.append(found)
    return replace(
        actual,
        resources=tuple(resources),
        tagged=frozenset(tagged),
        notes=(*actual.notes, *refused.values()),
    )


def _with_tags(aws: Aws, resource: TaggedApart, scope: AwsScope) -> Resource:
    match resource:
        case IpSet():
            waf = aws.in_region(resource.region)
            answer = waf.call("wafv2", "list_tags_for_resource", ResourceARN=resource.arn)
            tags = answer["TagInfoForResource"].get("TagList", ())
            return replace(resource, tags=tag_pairs(tags))
        case InsightRule():
            arn = scope.insight_rule_arn(resource.name)
        case Dashboard():
            arn = scope.dashboard_arn(resource.name)
        case _:
            arn = resource.arn or scope.alarm_arn(resource.name)
    answer = aws.call("cloudwatch", "list_tags_for_resource", ResourceARN=arn)
    return replace(resource, arn=arn, tags=tag_pairs(answer.get("Tags", ())))
