"""The desired state as Terraform, in the shape that a person would write."""

from __future__ import annotations

from collections.abc import Iterator

from flask_errwatch.config import Config
from flask_errwatch.detectors import Catalogue
from flask_errwatch.provision.export.hcl import Block, Expression, number, rendered
from flask_errwatch.provision.export.portable import default_topic, portable
from flask_errwatch.provision.export.terraform_resources import ACTIONS, Resources

#: Where the words of a place are found. `id` is the region's name in every release of the AWS
#: provider, while `name` is deprecated in release 6.
_PLACE = {
    "partition": ("aws_partition", "partition"),
    "region": ("aws_region", "id"),
    "account": ("aws_caller_identity", "account_id"),
}
#: Contributor Insights rules are among its resources from here on.
_PROVIDER = ">= 5.96"


def terraform(catalogue: Catalogue, config: Config) -> str:
    """The app's resources as one Terraform file, formatted as `terraform fmt` would.

    Thresholds and the topic are variables; so are the URLs of web hooks, which carry secrets
    and have no default. An anomaly detector is not among the resources: the AWS provider has
    none, and CloudWatch makes it with the alarm.

    Args:
        catalogue: The app's detectors.
        config: The app's configuration.

    Example:
        >>> from flask_errwatch import config
        >>> from flask_errwatch.detectors import DEFAULT_DETECTORS
        >>> text = terraform(Catalogue(DEFAULT_DETECTORS), config.load({}, {}, app_name="shop"))
        >>> 'resource "aws_cloudwatch_log_metric_filter" "critical_error" {' in text
        True
    """
    desired = portable(catalogue, config)
    resources = Resources(desired)
    asked: set[str] = set()

    def reference(name: str) -> str:
        if name not in _PLACE:
            return resources.expression(name)
        asked.add(name)
        kind, attribute = _PLACE[name]
        return f"data.{kind}.current.{attribute}"

    settings = rendered((_settings(desired.app_name),), str)
    variables = rendered(tuple(_variables(resources, default_topic(config))), str)
    # Before the data sources: it tells which of them are needed.
    body = rendered((*_locals(resources), *resources.blocks()), reference)
    data = rendered(
        tuple(Block("data", (_PLACE[name][0], "current")) for name in _PLACE if name in asked), str
    )
    return "\n".join(part for part in (settings, variables, data, body) if part)


def _settings(app_name: str) -> Block:
    source = {"source": "hashicorp/aws", "version": _PROVIDER}
    required = Block("required_providers", (), {"aws": source})
    said = f"What flask-errwatch watches the app {app_name} with; made by its export."
    return Block("terraform", (), {"required_version": ">= 1.5"}, (required,), comment=said)


def _variables(resources: Resources, topic: str | None) -> Iterator[Block]:
    if resources.asks_for_topic:
        said = "Topic that is told when an alarm goes off and when it is over; null means none."
        yield _variable("sns_topic_arn", said, "string", topic or Expression("null"))
    for alarm in resources.alarms:
        if alarm.threshold is not None:
            said = f"Threshold of the alarm {alarm.name}."
            default = Expression(number(alarm.threshold))
            yield _variable(resources.threshold(alarm), said, "number", default)
    for hook in resources.hooks:
        said = f"URL of the subscription {hook.label}; it may carry a secret."
        arguments = {"description": said, "type": Expression("string"), "sensitive": True}
        yield Block("variable", (resources.endpoint(hook),), arguments)


def _variable(name: str, description: str, kind: str, default: object) -> Block:
    arguments = {"description": description, "type": Expression(kind), "default": default}
    return Block("variable", (name,), arguments)


def _locals(resources: Resources) -> Iterator[Block]:
    topic = resources.expression("topic")
    only = f"[{topic}]"
    if resources.asks_for_topic:
        only = f"{topic} == null ? [] : {only}"
    elif resources.topic is None:
        return
    yield Block("locals", (), {ACTIONS.removeprefix("local."): Expression(only)})
