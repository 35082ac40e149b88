"""IAM as far as these tests need it: which actions a call asks for, and what a policy allows.

The table follows AWS's Service Authorization Reference; the policies' own writer is not asked.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tests.provision.export.recorded import Made

REGION, ACCOUNT = "eu-central-1", "123456789012"

#: AWS STS API Reference: no permissions are required to perform it.
FREE = {"sts:GetCallerIdentity"}


def _cloudwatch(kind: str) -> str:
    return f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:{kind}"


def _group(made: Mapping[str, Any]) -> str:
    return f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{made['logGroupName']}"


def _stream(made: Mapping[str, Any]) -> str:
    return f"{_group(made)}:log-stream:{made['logStreamName']}"


def _dashboard(name: str) -> str:
    return f"arn:aws:cloudwatch::{ACCOUNT}:dashboard/{name}"


def _each(key: str, arn: Callable[[str], str]) -> Callable[[Mapping[str, Any]], list[str]]:
    return lambda made: [arn(name) for name in made[key]]


def _alarm(name: str) -> str:
    return _cloudwatch(f"alarm:{name}")


def _rule(name: str) -> str:
    return _cloudwatch(f"insight-rule/{name}")


def _topic(made: Mapping[str, Any]) -> str:
    return str(made.get("TopicArn") or f"arn:aws:sns:{REGION}:{ACCOUNT}:{made['Name']}")


#: The resource that a method's action is judged on; the others take none.
_RESOURCE: dict[str, Callable[[Mapping[str, Any]], Any]] = {
    **dict.fromkeys(("create_log_stream", "put_log_events"), _stream),
    **dict.fromkeys(
        (
            *("create_log_group", "delete_log_group", "put_retention_policy"),
            *("describe_metric_filters", "put_metric_filter", "delete_metric_filter"),
            "filter_log_events",
        ),
        _group,
    ),
    "logs list_tags_for_resource": lambda made: made["resourceArn"],
    "put_metric_alarm": lambda made: _alarm(made["AlarmName"]),
    "delete_alarms": _each("AlarmNames", _alarm),
    "tag_resource": lambda made: made["ResourceARN"],
    "put_insight_rule": lambda made: _rule(made["RuleName"]),
    "delete_insight_rules": _each("RuleNames", _rule),
    "put_dashboard": lambda made: _dashboard(made["DashboardName"]),
    "get_dashboard": lambda made: _dashboard(made["DashboardName"]),
    "delete_dashboards": _each("DashboardNames", _dashboard),
    "sns list_tags_for_resource": lambda made: made["ResourceArn"],
    **dict.fromkeys(
        (
            *("create_topic", "delete_topic", "get_topic_attributes", "set_topic_attributes"),
            *("subscribe", "list_subscriptions_by_topic"),
        ),
        _topic,
    ),
}
_UNSCOPED = {
    *("describe_log_groups", "describe_alarms", "describe_alarm_history", "put_composite_alarm"),
    *("put_anomaly_detector", "describe_anomaly_detectors", "delete_anomaly_detector"),
    *("describe_insight_rules", "list_dashboards", "test_metric_filter", "get_caller_identity"),
    *("put_query_definition", "describe_query_definitions", "delete_query_definition"),
}


def asked(made: Made) -> Iterator[tuple[str, str]]:
    """The actions that a call asks for, each with its resource; `*` where it takes none."""
    name = "".join(word.capitalize() for word in made.method.split("_"))
    find = _RESOURCE.get(f"{made.service} {made.method}") or _RESOURCE.get(made.method)
    assert find or made.method in _UNSCOPED, f"say which resource {made.method} takes"
    found = find(made.arguments) if find else "*"
    resources = found if isinstance(found, list) else [found]
    for resource in resources:
        yield f"{made.service}:{name}", resource
        # Tags given at the creation ask for the tagging too.
        given = made.arguments.get("tags") or made.arguments.get("Tags")
        if given and made.method != "tag_resource":
            # A composite alarm is put under `*`, and tagged by its own ARN.
            tagged = resource if resource != "*" else _alarm(made.arguments["AlarmName"])
            yield f"{made.service}:TagResource", tagged


def allowed(document: Mapping[str, Any], action: str, resource: str) -> bool:
    """Whether a policy document allows an action on a resource."""
    return any(
        each["Effect"] == "Allow"
        and action in _many(each["Action"])
        and any(_matches(pattern, resource) for pattern in _many(each["Resource"]))
        for each in document["Statement"]
    )


def actions(document: Mapping[str, Any]) -> set[str]:
    """Every action that a policy document allows."""
    return {action for each in document["Statement"] for action in _many(each["Action"])}


def _many(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def _matches(pattern: str, resource: str) -> bool:
    """IAM's wildcards: `*` and `?`; `${?}` is a question mark that means itself."""
    parts = re.split(r"(\$\{\?\}|\*|\?)", pattern)
    words = {"*": ".*", "?": ".", "${?}": r"\?"}
    return re.fullmatch("".join(words.get(p, re.escape(p)) for p in parts), resource) is not None
