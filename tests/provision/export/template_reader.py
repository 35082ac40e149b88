"""Reads a CloudFormation template into plain values, resolved as a deployment would."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

PSEUDO_PARAMETERS = {
    "AWS::Partition": "aws",
    "AWS::Region": "eu-central-1",
    "AWS::AccountId": "123456789012",
}
_ABSENT = object()
#: The property that `Ref` returns for each type (CloudFormation, resource reference).
_REF = {
    "AWS::Logs::LogGroup": "LogGroupName",
    "AWS::CloudWatch::Alarm": "AlarmName",
    "AWS::CloudWatch::CompositeAlarm": "AlarmName",
}


@dataclass(frozen=True)
class Template:
    """A template and the values of its parameters."""

    document: Mapping[str, Any]
    parameters: Mapping[str, object] = field(default_factory=dict)

    def of_type(self, kind: str) -> list[dict[str, Any]]:
        """The properties of every resource of a type, resolved."""
        return [
            self.value(resource["Properties"])
            for resource in self.document["Resources"].values()
            if resource["Type"] == kind
        ]

    def value(self, raw: Any) -> Any:
        """A value with its intrinsic functions evaluated."""
        if isinstance(raw, list):
            return [value for member in raw if (value := self.value(member)) is not _ABSENT]
        if not isinstance(raw, dict):
            return raw
        if len(raw) == 1:
            (name, argument), *_ = raw.items()
            if name == "Ref":
                return self._ref(argument)
            if name == "Fn::Sub":
                return self._sub(argument)
            if name == "Fn::GetAtt":
                return self._attribute(*argument)
            if name == "Fn::If":
                condition, yes, no = argument
                return self.value(yes if self._holds(condition) else no)
            assert not name.startswith("Fn::"), name
        values = {key: self.value(member) for key, member in raw.items()}
        return {key: value for key, value in values.items() if value is not _ABSENT}

    def _ref(self, name: str) -> Any:
        if name == "AWS::NoValue":
            return _ABSENT
        if name in PSEUDO_PARAMETERS:
            return PSEUDO_PARAMETERS[name]
        if name in self.document["Parameters"]:
            return self.parameters.get(name, self.document["Parameters"][name].get("Default"))
        resource = self.document["Resources"][name]
        if resource["Type"] == "AWS::SNS::Topic":
            return f"arn:aws:sns:eu-central-1:123456789012:{resource['Properties']['TopicName']}"
        return self.value(resource["Properties"][_REF[resource["Type"]]])

    def _attribute(self, name: str, attribute: str) -> str:
        role = self.document["Resources"][name]
        assert (role["Type"], attribute) == ("AWS::IAM::Role", "Arn")
        return f"arn:aws:iam::123456789012:role/{self.value(role['Properties']['RoleName'])}"

    def _sub(self, text: str) -> str:
        def substitute(match: re.Match[str]) -> str:
            name = match[1]
            return f"${{{name[1:]}}}" if name.startswith("!") else str(self._ref(name))

        return re.sub(r"\$\{([^}]*)\}", substitute, text)

    def _holds(self, condition: str) -> bool:
        assert condition == "HasTopic"
        assert self.document["Conditions"] == {
            "HasTopic": {"Fn::Not": [{"Fn::Equals": [{"Ref": "SnsTopicArn"}, ""]}]}
        }
        return bool(self._ref("SnsTopicArn"))


def template(text: str, **parameters: object) -> Template:
    """The template of a text, with values of its parameters."""
    return Template(json.loads(text), parameters)
