"""Records the library's AWS calls where all of them pass, at `Aws.call`.

moto answers them. For what moto lacks (query definitions, composite alarms, log alarms, anomaly
detectors, data protection policies, an alarm's history, queries and TestMetricFilter) the recorder
answers,
after botocore has validated the arguments against the service's model, and `shapes` the maxima.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore.validate import ParamValidator

from flask_errwatch._aws import Aws
from flask_errwatch.patterns import parse
from tests.provision.shapes import violations


@dataclass(frozen=True, kw_only=True)
class AwsCall:
    """A call of a service."""

    service: str
    method: str
    arguments: Mapping[str, Any]


@dataclass
class Recorder:
    """The calls, in order."""

    calls: list[AwsCall] = field(default_factory=list)
    _queries: dict[str, dict[str, Any]] = field(default_factory=dict)
    _policies: dict[str, str] = field(default_factory=dict)
    _models: list[dict[str, Any]] = field(default_factory=list)
    _mutes: list[str] = field(default_factory=list)
    #: The log alarms by their names, as DescribeAlarms returns them.
    log_alarms: dict[str, dict[str, Any]] = field(default_factory=dict)
    #: The contributors in ALARM of each log alarm.
    contributors: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    #: The status of every query of Logs Insights.
    query_status: str = "Complete"

    def wrap(self, call: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
        """The function, which now records each call before making it."""

        def recording(aws: Aws, service: str, method: str, /, **arguments: Any) -> dict[str, Any]:
            self.calls.append(AwsCall(service=service, method=method, arguments=arguments))
            answer: Callable[..., dict[str, Any] | None] | None = getattr(self, f"_{method}", None)
            if answer is None:
                return call(aws, service, method, **arguments)
            self._check(aws, service, method, arguments)
            response = answer(**arguments)
            return call(aws, service, method, **arguments) if response is None else response

        return recording

    def of(self, method: str) -> list[Mapping[str, Any]]:
        """The arguments of every call of a method."""
        return [call.arguments for call in self.calls if call.method == method]

    def pop_calls(self) -> list[AwsCall]:
        """Returns and forgets the calls so far."""
        calls, self.calls = self.calls, []
        return calls

    def _check(self, aws: Aws, service: str, method: str, arguments: Mapping[str, Any]) -> None:
        model = aws.client(service).meta.service_model
        name = "".join(word.capitalize() for word in method.split("_"))
        shape = model.operation_model(name).input_shape
        report = ParamValidator().validate(arguments, shape)
        assert not report.has_errors(), report.generate_report()
        assert [*violations(arguments, shape)] == []

    def _put_query_definition(self, **arguments: Any) -> dict[str, Any]:
        key = arguments.get("queryDefinitionId") or f"id-{len(self._queries)}"
        self._queries[key] = {**arguments, "queryDefinitionId": key}
        return {"queryDefinitionId": key}

    def _describe_query_definitions(self, **arguments: Any) -> dict[str, Any]:
        prefix = arguments.get("queryDefinitionNamePrefix", "")
        listed = [query for query in self._queries.values() if query["name"].startswith(prefix)]
        return {"queryDefinitions": listed}

    def _delete_query_definition(self, **arguments: Any) -> dict[str, Any]:
        del self._queries[arguments["queryDefinitionId"]]
        return {"success": True}

    def _put_data_protection_policy(self, **arguments: Any) -> dict[str, Any]:
        self._policies[arguments["logGroupIdentifier"]] = arguments["policyDocument"]
        return {}

    def _get_data_protection_policy(self, **arguments: Any) -> dict[str, Any]:
        policy = self._policies.get(arguments["logGroupIdentifier"])
        return {} if policy is None else {"policyDocument": policy}

    def _delete_data_protection_policy(self, **arguments: Any) -> dict[str, Any]:
        del self._policies[arguments["logGroupIdentifier"]]
        return {}

    def _put_composite_alarm(self, **_: Any) -> dict[str, Any]:
        return {}

    def _put_log_alarm(self, **arguments: Any) -> dict[str, Any]:
        name = arguments["AlarmName"]
        existing = self.log_alarms.get(name, {"StateValue": "INSUFFICIENT_DATA"})
        arn = f"arn:aws:cloudwatch:eu-central-1:123456789012:alarm:{name}"
        state = {key: value for key, value in existing.items() if key.startswith("State")}
        self.log_alarms[name] = {**arguments, **state, "AlarmArn": arn}
        return {}

    def _describe_alarms(self, **arguments: Any) -> dict[str, Any] | None:
        if arguments.get("AlarmTypes") != ["LogAlarm"]:
            return None
        prefix, names = arguments.get("AlarmNamePrefix", ""), arguments.get("AlarmNames")
        listed = [
            alarm
            for name, alarm in self.log_alarms.items()
            if name.startswith(prefix) and (names is None or name in names)
        ]
        return {"LogAlarms": listed}

    def _describe_alarm_contributors(self, **arguments: Any) -> dict[str, Any]:
        return {"AlarmContributors": self.contributors.get(arguments["AlarmName"], [])}

    def _delete_alarms(self, **arguments: Any) -> dict[str, Any] | None:
        names = arguments["AlarmNames"]
        if not self.log_alarms.keys() & set(names):
            return None
        (name,) = names  # CloudWatch deletes one log alarm a call
        del self.log_alarms[name]
        return {}

    def _tag_resource(self, **arguments: Any) -> dict[str, Any] | None:
        arn = str(arguments.get("ResourceARN", ""))
        is_refused_by_moto = ":insight-rule/" in arn or ":dashboard/" in arn
        return {} if is_refused_by_moto or arn.rpartition(":alarm:")[2] in self.log_alarms else None

    def _put_anomaly_detector(self, **arguments: Any) -> dict[str, Any]:
        self._models.append(arguments["SingleMetricAnomalyDetector"])
        return {}

    def _describe_anomaly_detectors(self, **_: Any) -> dict[str, Any]:
        listed = [{"SingleMetricAnomalyDetector": model, **model} for model in self._models]
        return {"AnomalyDetectors": listed}

    def _delete_anomaly_detector(self, **arguments: Any) -> dict[str, Any]:
        self._models.remove(arguments["SingleMetricAnomalyDetector"])
        return {}

    def _put_alarm_mute_rule(self, **arguments: Any) -> dict[str, Any]:
        self._mutes.append(arguments["Name"])
        return {}

    def _list_alarm_mute_rules(self, **_: Any) -> dict[str, Any]:
        prefix = "arn:aws:cloudwatch:eu-central-1:123456789012:alarm-mute-rule:"
        listed = [
            {"AlarmMuteRuleArn": f"{prefix}{name}", "Status": "ACTIVE"} for name in self._mutes
        ]
        return {"AlarmMuteRuleSummaries": listed}

    def _delete_alarm_mute_rule(self, **arguments: Any) -> dict[str, Any]:
        self._mutes.remove(arguments["AlarmMuteRuleName"])
        return {}

    def _start_query(self, **_: Any) -> dict[str, Any]:
        return {"queryId": "query"}

    def _get_query_results(self, **_: Any) -> dict[str, Any]:
        cells = [{"field": "lines", "value": "1"}, {"field": "client_ip", "value": "192.0.2.7"}]
        return {"status": self.query_status, "results": [cells]}

    def _stop_query(self, **_: Any) -> dict[str, Any]:
        return {"success": True}

    def _describe_alarm_history(self, **_: Any) -> dict[str, Any]:
        return {"AlarmHistoryItems": []}

    def _test_metric_filter(self, **arguments: Any) -> dict[str, Any]:
        pattern = parse(arguments["filterPattern"])
        lines = arguments["logEventMessages"]
        return {"matches": [{"eventMessage": line} for line in lines if pattern.matches(line)]}
