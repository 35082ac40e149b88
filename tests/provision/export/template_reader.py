"""Reads a CloudFormation template back into plain values, as a deployment would resolve it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

PLACE = {
    "AWS::Partition": "aws",
    "AWS::Region": "eu-central-1",
    "AWS::AccountId": "123456789012",
}
_ABSENT = object()
#: What `Ref` gives of each type (CloudFormation, resource reference, return values).
_REF = {
    "AWS::Logs::LogGroup": "LogGroupName",
    "AWS::CloudWatch::Alarm": "AlarmName",
    "AWS::CloudWatch::CompositeAlarm": "AlarmName",
}


@dataclass(frozen=True)
class Template:
    """A template and the values given to its parameters."""

    document: Mapping[str, Any]
    given: Mapping[str, object] = field(default_factory=dict)

    def of_type(self, kind: str) -> list[dict[str, Any]]:
        """The properties of every resource of a type, resolved."""
        return [
            self.value(each["Properties"])
            for each in self.document["Resources"].values()
            if each["Type"] == kind
        ]

    def value(self, raw: Any) -> Any:
        """A value with its functions carried out."""
        if isinstance(raw, list):
            return [found for each in raw if (found := self.value(each)) is not _ABSENT]
        if not isinstance(raw, dict):
            return raw
        if len(raw) == 1:
            (name, argument), *_ = raw.items()
            if name == "Ref":
                return self._ref(argument)
            if name == "Fn::Sub":
                return self._sub(argument)
            if name == "Fn::If":
                condition, yes, no = argument
                return self.value(yes if self._holds(condition) else no)
            assert not name.startswith("Fn::"), name
        found = {key: self.value(each) for key, each in raw.items()}
        return {key: each for key, each in found.items() if each is not _ABSENT}

    def _ref(self, name: str) -> Any:
        if name == "AWS::NoValue":
            return _ABSENT
        if name in PLACE:
            return PLACE[name]
        if name in self.document["Parameters"]:
            return self.given.get(name, self.document["Parameters"][name].get("Default"))
        resource = self.document["Resources"][name]
        if resource["Type"] == "AWS::SNS::Topic":
            return f"arn:aws:sns:eu-central-1:123456789012:{resource['Properties']['TopicName']}"
        return self.value(resource["Properties"][_REF[resource["Type"]]])

    def _sub(self, text: str) -> str:
        def found(match: re.Match[str]) -> str:
            name = match[1]
            return f"${{{name[1:]}}}" if name.startswith("!") else str(self._ref(name))

        return re.sub(r"\$\{([^}]*)\}", found, text)

    def _holds(self, condition: str) -> bool:
        assert condition == "HasTopic"
        assert self.document["Conditions"] == {
            "HasTopic": {"Fn::Not": [{"Fn::Equals": [{"Ref": "SnsTopicArn"}, ""]}]}
        }
        return bool(self._ref("SnsTopicArn"))


def template(text: str, **given: object) -> Template:
    """A template from its text."""
    return Template(json.loads(text), given)
