"""The part of IAM that these tests need: which actions a call requires and a policy allows.

The table follows AWS's Service Authorization Reference, independently of the exported policies.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tests.provision.export.recorded import AwsCall

REGION, ACCOUNT = "eu-central-1", "123456789012"

#: AWS STS API Reference: no permissions are required to perform it.
FREE = {"sts:GetCallerIdentity"}


def _cloudwatch(kind: str) -> str:
    return f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:{kind}"


def _group(arguments: Mapping[str, Any]) -> str:
    return f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{arguments['logGroupName']}"


def _identified_group(arguments: Mapping[str, Any]) -> str:
    return _group({"logGroupName": arguments["logGroupIdentifier"]})


def _stream(arguments: Mapping[str, Any]) -> str:
    return f"{_group(arguments)}:log-stream:{arguments['logStreamName']}"


def _dashboard(name: str) -> str:
    return f"arn:aws:cloudwatch::{ACCOUNT}:dashboard/{name}"


def _for_names(key: str, arn: Callable[[str], str]) -> Callable[[Mapping[str, Any]], list[str]]:
    return lambda arguments: [arn(name) for name in arguments[key]]


def _alarm(name: str) -> str:
    return _cloudwatch(f"alarm:{name}")


def _mute_rule(name: str) -> str:
    return _cloudwatch(f"alarm-mute-rule:{name}")


def _tagged(arguments: Mapping[str, Any]) -> str:
    """The resource of a call on tags. The services spell the argument differently."""
    spellings = ("ResourceARN", "ResourceArn", "resourceArn")
    return next(str(arguments[name]) for name in spellings if name in arguments)


def _rule(name: str) -> str:
    return _cloudwatch(f"insight-rule/{name}")


def _topic(arguments: Mapping[str, Any]) -> str:
    return str(arguments.get("TopicArn") or f"arn:aws:sns:{REGION}:{ACCOUNT}:{arguments['Name']}")


def _waf(kind: str) -> Callable[[Mapping[str, Any]], str]:
    def arn(arguments: Mapping[str, Any]) -> str:
        is_global = arguments["Scope"] == "CLOUDFRONT"
        region, place = ("us-east-1", "global") if is_global else (REGION, "regional")
        name = f"{arguments['Name']}/{arguments.get('Id', 'any')}"
        return f"arn:aws:wafv2:{region}:{ACCOUNT}:{place}/{kind}/{name}"

    return arn


#: The resource of each method's action. The other actions have none.
_RESOURCE: dict[str, Callable[[Mapping[str, Any]], Any]] = {
    **dict.fromkeys(("create_log_stream", "put_log_events"), _stream),
    **dict.fromkeys(
        (
            *("create_log_group", "delete_log_group", "put_retention_policy"),
            "delete_retention_policy",
            *("describe_metric_filters", "put_metric_filter", "delete_metric_filter"),
            "filter_log_events",
        ),
        _group,
    ),
    **dict.fromkeys(
        (
            *("put_data_protection_policy", "get_data_protection_policy"),
            "delete_data_protection_policy",
        ),
        _identified_group,
    ),
    "logs list_tags_for_resource": lambda arguments: arguments["resourceArn"],
    "start_query": lambda arguments: [
        _group({"logGroupName": name}) for name in arguments["logGroupNames"]
    ],
    # The group of the query with that id. All queries of these tests are of one group.
    "get_query_results": lambda _: _group({"logGroupName": "shop"}),
    "put_log_alarm": lambda arguments: _alarm(arguments["AlarmName"]),
    **dict.fromkeys(
        (
            *("create_role", "delete_role", "get_role", "update_assume_role_policy"),
            *("put_role_policy", "get_role_policy", "delete_role_policy"),
        ),
        lambda arguments: f"arn:aws:iam::{ACCOUNT}:role/{arguments['RoleName']}",
    ),
    "put_metric_alarm": lambda arguments: _alarm(arguments["AlarmName"]),
    "delete_alarms": _for_names("AlarmNames", _alarm),
    "tag_resource": _tagged,
    "cloudwatch list_tags_for_resource": _tagged,
    "wafv2 list_tags_for_resource": _tagged,
    "put_alarm_mute_rule": lambda arguments: [
        _mute_rule(arguments["Name"]),
        *map(_alarm, arguments["MuteTargets"]["AlarmNames"]),
    ],
    "delete_alarm_mute_rule": lambda arguments: _mute_rule(arguments["AlarmMuteRuleName"]),
    "put_insight_rule": lambda arguments: _rule(arguments["RuleName"]),
    "delete_insight_rules": _for_names("RuleNames", _rule),
    "put_dashboard": lambda arguments: _dashboard(arguments["DashboardName"]),
    "get_dashboard": lambda arguments: _dashboard(arguments["DashboardName"]),
    "delete_dashboards": _for_names("DashboardNames", _dashboard),
    **dict.fromkeys(
        ("create_ip_set", "get_ip_set", "update_ip_set", "delete_ip_set"), _waf("ipset")
    ),
    "get_web_acl": _waf("webacl"),
    "sns list_tags_for_resource": lambda arguments: arguments["ResourceArn"],
    **dict.fromkeys(
        (
            *("create_topic", "delete_topic", "get_topic_attributes", "set_topic_attributes"),
            *("subscribe", "list_subscriptions_by_topic", "publish"),
        ),
        _topic,
    ),
}
#: The reference has no action DescribeAlarmContributors: an alarm is described.
_ACTIONS = {"describe_alarm_contributors": "describe_alarms"}
#: Actions of WAF whose names are not those of their methods in capitals.
_SPELLED = {"IpSet": "IPSet", "IpSets": "IPSets", "WebAcl": "WebACL", "WebAcls": "WebACLs"}
_UNSCOPED = {
    *("describe_alarm_contributors", "get_metric_data", "stop_query"),
    *("describe_log_groups", "describe_alarms", "describe_alarm_history", "put_composite_alarm"),
    *("put_anomaly_detector", "describe_anomaly_detectors", "delete_anomaly_detector"),
    *("describe_insight_rules", "list_dashboards", "test_metric_filter", "get_caller_identity"),
    *("put_query_definition", "describe_query_definitions", "delete_query_definition"),
    *("list_ip_sets", "list_web_acls", "list_alarm_mute_rules"),
}


def required(call: AwsCall) -> Iterator[tuple[str, str]]:
    """The actions that a call requires, each with its resource, or `*` if it has none."""
    method = _ACTIONS.get(call.method, call.method)
    name = "".join(word.capitalize() for word in method.split("_"))
    for written, spelled in _SPELLED.items():
        name = f"{name.removesuffix(written)}{spelled}" if name.endswith(written) else name
    resource_of = _RESOURCE.get(f"{call.service} {call.method}") or _RESOURCE.get(call.method)
    assert resource_of or call.method in _UNSCOPED, f"no resource is known for {call.method}"
    resources = resource_of(call.arguments) if resource_of else "*"
    for resource in resources if isinstance(resources, list) else [resources]:
        yield f"{call.service}:{name}", resource
        if call.method == "put_log_alarm":
            yield from _query_of(call.arguments)
        # Creating a resource with tags requires TagResource too.
        tags = call.arguments.get("tags") or call.arguments.get("Tags")
        if tags and call.method != "tag_resource":
            # A composite alarm is created under `*`, but tagged by its ARN.
            tagged = resource if resource != "*" else _alarm(call.arguments["AlarmName"])
            tagging = "TagRole" if call.service == "iam" else "TagResource"
            yield f"{call.service}:{tagging}", tagged


def _query_of(arguments: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What CloudFormation's handler of a log alarm needs beside the alarm."""
    queries = f"arn:aws:logs:{REGION}:{ACCOUNT}:scheduled-query:any"
    for action in ("Create", "Get", "Update", "Delete"):
        yield f"logs:{action}ScheduledQuery", queries
    yield "logs:TagResource", queries
    yield "logs:ListTagsForResource", queries
    yield "iam:PassRole", arguments["ScheduledQueryConfiguration"]["ScheduledQueryRoleARN"]


def allowed(document: Mapping[str, Any], action: str, resource: str) -> bool:
    """Whether a policy document allows an action on a resource."""
    return any(
        statement["Effect"] == "Allow"
        and action in _many(statement["Action"])
        and any(_matches(pattern, resource) for pattern in _many(statement["Resource"]))
        for statement in document["Statement"]
    )


def actions(document: Mapping[str, Any]) -> set[str]:
    """Every action that a policy document allows."""
    statements = document["Statement"]
    return {action for statement in statements for action in _many(statement["Action"])}


def _many(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def _matches(pattern: str, resource: str) -> bool:
    """Matches IAM's wildcards `*` and `?`. `${?}` is a literal question mark."""
    parts = re.split(r"(\$\{\?\}|\*|\?)", pattern)
    words = {"*": ".*", "?": ".", "${?}": r"\?"}
    return re.fullmatch("".join(words.get(p, re.escape(p)) for p in parts), resource) is not None
