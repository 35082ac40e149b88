"""Exports the desired state as a CloudFormation template in JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping

from flask_errwatch._parsers import DYNAMIC
from flask_errwatch.config import Config
from flask_errwatch.detectors import Catalogue
from flask_errwatch.errors import ConfigurationError, Problem
from flask_errwatch.provision.desired import Desired
from flask_errwatch.provision.export.cloudformation_resources import (
    CLOUDFRONT_CONDITION,
    CloudFormationResources,
    json_number,
)
from flask_errwatch.provision.export.linked_resources import Parameter
from flask_errwatch.provision.export.portable import map_json, portable_state, topic_arn
from flask_errwatch.provision.resources.waf import CLOUDFRONT_REGION
from flask_errwatch.provision.tokens import has_tokens, only_token, replace_tokens

_PSEUDO_PARAMETERS = {
    "partition": "AWS::Partition",
    "region": "AWS::Region",
    "account": "AWS::AccountId",
}


def to_cloudformation(catalogue: Catalogue, config: Config, *, create_role: bool = False) -> str:
    """The app's resources as one CloudFormation template, without findings of `cfn-lint`.

    Thresholds, the topic and the URLs of web hooks are parameters. URLs contain secrets and have no
    default. The log group is kept when the stack is deleted.

    Args:
        catalogue: The app's detectors.
        config: The app's configuration.
        create_role: Whether the role of log alarms is among the resources.

    Raises:
        ConfigurationError: When a text would be a dynamic reference of CloudFormation.

    Example:
        >>> from flask_errwatch import config
        >>> from flask_errwatch.detectors import DEFAULT_DETECTORS
        >>> shop = config.load({}, {}, app_name="shop")
        >>> template = json.loads(to_cloudformation(Catalogue(DEFAULT_DETECTORS), shop))
        >>> template["Resources"]["CriticalErrorFilter"]["Type"]
        'AWS::Logs::MetricFilter'
    """
    desired = portable_state(catalogue, config, create_role=create_role)
    resources = CloudFormationResources(desired)
    template: dict[str, object] = {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": f"Resources with which flask-errwatch monitors the app {desired.app_name}.",
        "Parameters": {
            parameter.name: _parameter(parameter)
            for parameter in resources.parameters(topic_arn(config))
        },
    }
    conditions = _conditions(desired, resources)
    if conditions:
        template["Conditions"] = conditions
    descriptions = resources.descriptions()
    template["Resources"] = with_references(descriptions, resources)
    _refuse_dynamic_references(template)
    return json.dumps(template, indent=2, ensure_ascii=False) + "\n"


def _conditions(desired: Desired, resources: CloudFormationResources) -> dict[str, object]:
    conditions: dict[str, object] = {}
    if resources.topic_origin == "parameter":
        has_topic = {"Fn::Not": [{"Fn::Equals": [{"Ref": resources.topic_parameter}, ""]}]}
        conditions["HasTopic"] = has_topic
    if any(ip_set.region for ip_set in desired.ip_sets):
        is_there = {"Fn::Equals": [{"Ref": "AWS::Region"}, CLOUDFRONT_REGION]}
        conditions[CLOUDFRONT_CONDITION] = is_there
    return conditions


def _refuse_dynamic_references(template: Mapping[str, object]) -> None:
    """Refuses a template in which CloudFormation would resolve a part of a text of ours.

    Declarations with such a text are refused where they are read. This holds for all others.
    """

    def check(value: object) -> object:
        if isinstance(value, str) and DYNAMIC in value:
            remedy = f"Leave out {DYNAMIC!r}: CloudFormation would resolve it at deployment."
            raise ConfigurationError(Problem(key="exported text", value=value, remedy=remedy))
        return value

    map_json(template, check)


def _parameter(parameter: Parameter) -> dict[str, object]:
    description: dict[str, object] = {
        "Type": "Number" if parameter.is_number else "String",
        "Description": parameter.description,
    }
    if parameter.is_secret:
        return {**description, "NoEcho": True}
    default = "" if parameter.default is None else parameter.default
    return {
        **description,
        "Default": default if isinstance(default, str) else json_number(default),
    }


def with_references(document: object, resources: CloudFormationResources) -> object:
    """The document with CloudFormation's references in place of tokens."""
    references = {**_PSEUDO_PARAMETERS, **resources.links}

    def change(value: object) -> object:
        if not isinstance(value, str) or not has_tokens(value):
            return value
        name = only_token(value)
        if name is not None:
            resource, dot, attribute = references[name].partition(".")
            return {"Fn::GetAtt": [resource, attribute]} if dot else {"Ref": resource}
        text = replace_tokens(
            value,
            escape=lambda part: part.replace("${", "${!"),
            reference=lambda name: f"${{{references[name]}}}",
        )
        return {"Fn::Sub": text}

    return map_json(document, change)
