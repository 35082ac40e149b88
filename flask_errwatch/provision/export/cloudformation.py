"""The desired state as a CloudFormation template, in JSON: the standard library writes it."""

from __future__ import annotations

import json
from collections.abc import Mapping

from flask_errwatch.config import Config
from flask_errwatch.detectors import Catalogue
from flask_errwatch.provision.export.cloudformation_resources import Resources
from flask_errwatch.provision.export.portable import default_topic, portable, walked
from flask_errwatch.provision.tokens import has_tokens, only_token, translated

_PLACE = {"partition": "AWS::Partition", "region": "AWS::Region", "account": "AWS::AccountId"}


def cloudformation(catalogue: Catalogue, config: Config) -> str:
    """The app's resources as one CloudFormation template, without a finding of `cfn-lint`.

    Thresholds and the topic are parameters; so are the URLs of web hooks, which carry secrets
    and have no default. The log group is kept when the stack is deleted.

    Args:
        catalogue: The app's detectors.
        config: The app's configuration.

    Example:
        >>> from flask_errwatch import config
        >>> from flask_errwatch.detectors import DEFAULT_DETECTORS
        >>> text = cloudformation(Catalogue(DEFAULT_DETECTORS), config.load({}, {}, app_name="a"))
        >>> json.loads(text)["Resources"]["CriticalErrorFilter"]["Type"]
        'AWS::Logs::MetricFilter'
    """
    desired = portable(catalogue, config)
    resources = Resources(desired)
    template: dict[str, object] = {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": f"What flask-errwatch watches the app {desired.app_name} with.",
        "Parameters": _parameters(resources, default_topic(config)),
    }
    if resources.asks_for_topic:
        has_topic = {"Fn::Not": [{"Fn::Equals": [{"Ref": "SnsTopicArn"}, ""]}]}
        template["Conditions"] = {"HasTopic": has_topic}
    made = _referring(resources.described(), {**_PLACE, **resources.links})
    return json.dumps({**template, "Resources": made}, indent=2, ensure_ascii=False) + "\n"


def _parameters(resources: Resources, topic: str | None) -> dict[str, object]:
    parameters: dict[str, object] = {}
    if resources.asks_for_topic:
        parameters["SnsTopicArn"] = {
            "Type": "String",
            "Description": "Topic that is told when an alarm goes off and when it is over; "
            "empty means none.",
            "Default": topic or "",
        }
    for alarm in resources.alarms:
        if alarm.threshold is not None:
            whole = alarm.threshold.is_integer()
            parameters[resources.threshold(alarm)] = {
                "Type": "Number",
                "Description": f"Threshold of the alarm {alarm.name}.",
                "Default": int(alarm.threshold) if whole else alarm.threshold,
            }
    for hook in resources.hooks:
        parameters[resources.endpoint(hook)] = {
            "Type": "String",
            "Description": f"URL of the subscription {hook.label}; it may carry a secret.",
            "NoEcho": True,
        }
    return parameters


def _referring(document: object, references: Mapping[str, str]) -> object:
    """The document with the language's own references in place of tokens."""

    def change(value: object) -> object:
        if not isinstance(value, str) or not has_tokens(value):
            return value
        name = only_token(value)
        if name is not None:
            return _reference(references[name])
        text = translated(value, _plain, lambda found: f"${{{references[found]}}}")
        return {"Fn::Sub": text}

    return walked(document, change)


def _reference(target: str) -> dict[str, object]:
    resource, _, attribute = target.partition(".")
    return {"Fn::GetAtt": [resource, attribute]} if attribute else {"Ref": resource}


def _plain(text: str) -> str:
    """A part of a `Fn::Sub` in which nothing is a variable."""
    return text.replace("${", "${!")
