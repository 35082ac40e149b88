"""The public contract, written out: names, signatures, configuration keys, line, AWS resources.

Users, their dashboards and their alarms depend on every entry of these lists.
"""

from __future__ import annotations

import inspect
import json
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

import flask_errwatch
from flask_errwatch import ErrWatch
from flask_errwatch.config import Config, load
from flask_errwatch.testing import capture_events

ROOT = [
    *(
        "DEFAULT_DETECTORS",
        "SECURITY_DETECTORS",
        "Alarm",
        "AlreadyInitialisedError",
        "AnomalyAlarm",
        "AwsCallError",
    ),
    *("BusyAlarm", "Catalogue", "ConfigurationError", "Detector", "ErrWatch", "ErrWatchError"),
    *("NoAppError", "PatternSyntaxError", "Plan", "Problem", "RequestMetric", "SourceAlarm"),
    *("Stats", "UnknownDetectorError", "event_recorded"),
]

#: What each package exports besides its modules, which are internal.
PACKAGES: dict[str, list[str]] = {
    "_aws": [
        *("DELIVERY", "PROVISIONING", "Aws", "Client", "OnRetry", "Patience", "Response"),
        *("Variable", "call_error", "endpoint_variable", "is_aws_endpoint"),
        *("configured", "profile_variable", "region_origin", "region_variable"),
    ],
    "capture": [],
    "capture.redaction": [
        *("MARGIN", "MASK", "Effort", "Redactor", "RequestRedactor", "size_of"),
    ],
    "capture.suspicion": [
        *(
            "LONGEST",
            "STATUSES",
            "Match",
            "Site",
            "Suspicion",
            "classify",
            "own_words",
            "split_target",
        ),
    ],
    "cli": ["errwatch"],
    "config": [
        *("NAME_LENGTH", "RETENTION_DAYS", "Config", "Origin", "load", "misspelt_variables"),
        "read",
    ],
    "delivery": ["Delivery", "SinkChoice", "Stats"],
    "delivery.journal": [
        *("Destination", "Fingerprints", "FolderContents", "Journal", "JournalFolder"),
        *("JournalReader", "Line", "Orphan", "Position", "Record", "RecordSource"),
        *("UnusableFolderError", "Waiting", "can_be_created", "chosen_folder"),
        "create_app_folder",
        *("fingerprints_in_memory", "inspect_folder", "key_owner", "line_of", "open_journal"),
        *("other_folders", "waiting_in"),
    ],
    "detectors": [
        *("ACCESS_DENIED", "CRITICAL_ERROR", "DEFAULT_DETECTORS", "HEARTBEAT", "LINES_DROPPED"),
        *("LOGGED_ERROR", "LOGIN_FAILED", "LOGIN_SUCCEEDED", "OPERATIONAL_EVENTS", "OWASP"),
        *(
            "PROCESS_DIED",
            "SECURITY_DETECTORS",
            "SOURCE_BLOCKED",
            "SOURCE_UNBLOCKED",
            "Alarm",
            "Catalogue",
            "Detector",
            "Level",
        ),
        *("StatusClass", "event_pattern"),
    ],
    "doctor": [
        *(
            "STAGES",
            "CheckResults",
            "Drill",
            "DrillRefusedError",
            "Finding",
            "Pace",
            "Reporter",
            "ScanDrill",
        ),
        *(
            "Stage",
            "Verification",
            "VerificationError",
            "prepare_drill",
            "prepare_scan_drill",
            "run_checks",
            "scan_reporter",
            "verify",
        ),
    ],
    "lab": [
        *("TOPIC_WITH_SUBSCRIBER", "Clock", "Lab", "LabFailedError", "LabMissingError"),
        *("PortUnavailableError", "check_app_uses_lab", "create_web_acl"),
        *("create_what_others_own", "listen", "serve_app", "shell_exports"),
    ],
    "patterns": [
        *(
            "DelimitedPattern",
            "Event",
            "Field",
            "JsonEvent",
            "JsonPattern",
            "Pattern",
            "PatternSet",
        ),
        *("PatternSyntaxError", "Regex", "RegexPattern", "TermsPattern", "check_group", "field"),
        *("parse", "parse_json_condition", "read_event"),
    ],
    "provision": [
        *("AnomalyDetector", "AwsScope", "Change", "CompositeAlarm", "Dashboard", "Desired"),
        *("Difference", "InsightRule", "LogGroup", "MetricAlarm", "MetricFilter", "MetricQuery"),
        *("Plan", "QueryDefinition", "Resource", "Subscription", "Topic", "TopicPolicy"),
        "desired_resources",
    ],
    "provision.export": [
        *("ROLES", "Role", "dashboard_text", "iam_policy", "queries_document", "queries_text"),
        *("RULE_ACTIONS", "RuleAction", "cloudformation_rule", "console_rule", "terraform_rule"),
        *("to_cloudformation", "to_terraform"),
    ],
    "provision.resources": [
        *("FILTERS_PER_GROUP", "AlarmState", "AnomalyDetector", "AwsAlarm", "CompositeAlarm"),
        *("DataProtection", "Dashboard", "Family", "IpSet", "WafScope"),
        *("InsightRule", "LogAlarm", "LogGroup", "MetricAlarm", "MetricFilter", "MetricQuery"),
        "Pairs",
        *("QueryDefinition", "QueryRole", "Resource", "Subscription", "Topic", "TopicPolicy"),
    ],
    "replay": [],
    "replay.counts": [],
    "replay.documents": [],
    "replay.engines": [],
    "replay.formats": [],
    "replay.gathering": [],
    "replay.reading": [],
    "replay.sources": [
        *("ALWAYS", "LONGEST", "STDIN", "Log", "Logs", "NothingFoundError", "TimeRange"),
        *("TooLong", "UnreadableLogError", "WrongTimeError", "local_logs", "open_logs"),
    ],
    "replay.wrappers": [],
    "respond": ["lambda_handler"],
    "respond.alarm": [],
    "respond.answer": [],
    "respond.aws_lambda": [],
    "respond.blocking": [],
    "respond.ranking": [],
    "respond.reading": [],
    "respond.tail": [],
    "respond.views": [],
    "simulation": [
        *("HEARTBEAT_LINE", "MINUTE", "Advice", "AlarmCondition", "CompositeCondition"),
        *("ContributorTransition", "Datapoint", "FiredAlarm", "InputCoverage", "Judge"),
        *("JudgedAlarm", "JudgedDetector", "JudgedLog", "LineFilter", "LineKind", "LineKinds"),
        *("LineMatch", "Offence", "PEER_MARK"),
        *("LogAlarmCondition", "LogAlarmReport", "Metric", "MetricSeries", "NameCount", "Peak"),
        *("Report", "Sample", "Span", "StateValue", "Tally", "Transition", "Unjudged", "Worst"),
        *("advise", "judge_log", "split_judgeable"),
    ],
    "testing": ["START", "Firing", "Offender", "TrafficJudge", "capture_events"],
}

METHODS = {
    "__init__": "(self, app=None, *, detectors=DEFAULT_DETECTORS)",
    "before_emit": "(self, hook)",
    "bootstrap_alarms": "(self, app=None, *, dry_run=False)",
    "enrich": "(self, hook)",
    "flush": "(self, timeout=5.0, *, app=None)",
    "init_app": "(self, app)",
    "plan": "(self, app=None)",
    "report": "(self, detector, /, *, app=None, error=None, **data)",
    "stats": "(self, app=None)",
    "watch": "(self, name, *, app=None)",
    "wrap": "(self, wsgi_callable, *, app=None)",
}

DECLARATIONS = {
    "Detector": "(*, name, event=None, statuses=(), exceptions=(), answered_exceptions=(), "
    "level='warning', alarm=<factory>, "
    "description='', runbook_url=None, where=None, value=None)",
    "Alarm": "(*, threshold=None, period=None, evaluation_periods=1, datapoints_to_alarm=None, "
    "statistic='Sum', comparison_operator='GreaterThanThreshold', "
    "treat_missing_data='notBreaching', notify=True)",
    "AnomalyAlarm": "(*, band=2, period=None, evaluation_periods=1, datapoints_to_alarm=None, "
    "statistic='Sum', treat_missing_data='notBreaching')",
    "BusyAlarm": "(*, requests, minimum_requests, errors=<factory>)",
    "SourceAlarm": "(*, threshold, period, value=None, site_threshold=None, site_period=None)",
    "RequestMetric": "(*, namespace, name, dimensions=(), statistic='Sum')",
}

#: The key `ERRWATCH_X` of each, and its default for an app `shop`.
DEFAULTS: dict[str, object] = {
    "APP_NAME": "shop",
    "LOG_GROUP": "shop",
    "ENVIRONMENT": None,
    "RELEASE": None,
    "SINKS": None,
    "NAMESPACE": "Application Logs",
    "RETENTION_DAYS": 90,
    "DATA_PROTECTION": False,
    "ALARM_THRESHOLD": 10,
    "ALARM_PERIOD": 300,
    "DETECTORS": {},
    "SNS_TOPIC": None,
    "SNS_TOPICS": {},
    "OK_ACTIONS": True,
    "TAGS": {},
    "SUBSCRIPTIONS": (),
    "QUIET_PERIODS": 1,
    "NOTIFY": "each",
    "REGION": None,
    "ENDPOINT_URL": None,
    "SEND_INTERVAL": 2.0,
    "JOURNAL_DIR": None,
    "JOURNAL_MAX_BYTES": 67_108_864,
    "SHUTDOWN_TIMEOUT": 5.0,
    "TRUSTED_PROXIES": 0,
    "CLIENT_HEADER": "X-Forwarded-For",
    "REDACT_KEYS": (),
    "REDACT_EMAIL": False,
    "PRIVACY": "off",
    "PRIVACY_KEY": None,
    "USER": False,
    "LOGIN_ENDPOINTS": (),
    "LOGGED_ERRORS": (),
    "WATCH_COMMANDS": False,
    "WATCH_THREADS": False,
    "IGNORED_PATHS": (),
    "EXPECTED_AGENTS": (),
    "COLLAPSE_SECONDS": 0,
    "HEARTBEAT_SECONDS": 60,
    "SILENCE_ALARM": False,
    "TRACK_REQUESTS": False,
    "PROCESS_ALARM": False,
    "PER_SOURCE_ALARMS": {},
    "SOURCE_ALARMS": "each",
    "LOG_ALARM_ROLE": None,
    "DEFAULTS": "0.2",
    "DASHBOARD": False,
    "SAVED_QUERIES": False,
    "WAF_SCOPE": None,
    "WAF_PROXIES": 0,
    "NEVER_BLOCK": (),
    "URL": None,
    "REPORT_TOPIC": None,
    "AUTO_BLOCK": False,
}

#: Every key of a line of schema 1, in its order. `peer_ip` stands where there is no `client_ip`.
LINE = [
    *("event", "detector", "level", "timestamp", "schema", "id", "status", "method", "path"),
    *("route", "endpoint", "client_ip", "client_ip_source", "client_ip_trust"),
    *("forwarded_claim", "user", "user_agent"),
    *("agent", "referrer", "path_class", "suspicion", "request_id"),
    *("trace_id", "duration_ms", "exception", "data", "app", "environment", "release", "host"),
    *("pid", "process", "seq"),
]
EXCEPTION = ["type", "message", "where", "frames", "fingerprint", "handled", "new"]

#: Name, event and whether there is an alarm, for each detector of an app `shop`.
#: Per detector: pattern, value, threshold (None for no alarm on its metric), whether it notifies.
DETECTORS = [
    ("critical-error", '{ $.event = "Critical Error" }', "1", 10, True),
    (
        "authentication-error",
        (
            '{ ($.event = "Authentication Error") && '
            '($.referrer != "same" || ($.method != "GET" && $.method != "HEAD")) }'
        ),
        *("1", 10, True),
    ),
    ("bad-request-error", '{ $.event = "Bad Request Error" }', "1", 10, False),
    ("not-found-error", '{ $.event = "Not Found Error" }', "1", 10, False),
    ("method-not-allowed-error", '{ $.event = "Method Not Allowed Error" }', "1", 10, False),
    ("rate-limit-error", '{ $.event = "Rate Limit Error" }', "1", 10, True),
    ("client-error", '{ $.event = "Client Error" }', "1", None, False),
    ("scan", "{ $.suspicion > 0 }", "$.suspicion", None, False),
    ("failure-flood", "{ $.status >= 400 && $.status < 500 }", "1", 40, True),
]

TAGS = [{"Key": "managed-by", "Value": "flask-errwatch"}, {"Key": "app", "Value": "shop"}]
#: The SNS topic, if the template is deployed with one.
NOTIFY = {"Fn::If": ["HasTopic", [{"Ref": "SnsTopicArn"}], {"Ref": "AWS::NoValue"}]}


def signature_of(function: Any) -> str:
    """The signature without annotations, which name internal types."""
    signature = inspect.signature(function)
    parameters = [
        parameter.replace(annotation=inspect.Parameter.empty)
        for parameter in signature.parameters.values()
    ]
    bare = signature.replace(parameters=parameters, return_annotation=inspect.Signature.empty)
    return str(bare).replace(str(flask_errwatch.DEFAULT_DETECTORS), "DEFAULT_DETECTORS")


def test_the_names_of_the_root() -> None:
    """`from flask_errwatch import …` has these names and no others, and each exists."""
    assert flask_errwatch.__all__ == ROOT
    assert [name for name in ROOT if not hasattr(flask_errwatch, name)] == []


@pytest.mark.parametrize(("package", "names"), PACKAGES.items())
def test_the_names_of_a_package(package: str, names: list[str]) -> None:
    """A package exports these names and no others, and each exists."""
    module = import_module(f"flask_errwatch.{package}")
    assert sorted(getattr(module, "__all__", [])) == sorted(names)
    assert [name for name in names if not hasattr(module, name)] == []


def test_every_package_is_listed() -> None:
    """A new package needs its entry above."""
    root = Path(flask_errwatch.__file__).parent
    packages = {".".join(path.parent.relative_to(root).parts) for path in root.rglob("__init__.py")}
    assert packages - {""} == {*PACKAGES}


def test_the_methods_of_the_extension() -> None:
    """`ErrWatch` has these methods with these parameters and defaults."""
    methods = {
        name: signature_of(method)
        for name, method in inspect.getmembers(ErrWatch, inspect.isfunction)
        if name == "__init__" or not name.startswith("_")
    }
    assert methods == METHODS


@pytest.mark.parametrize(("name", "signature"), DECLARATIONS.items())
def test_the_fields_of_a_declaration(name: str, signature: str) -> None:
    """A declaration has these fields, keyword-only, with these defaults."""
    assert signature_of(getattr(flask_errwatch, name)) == signature


def test_every_configuration_key_and_its_default() -> None:
    """These are all keys, with these defaults."""
    config = load({f"ERRWATCH_{key}": None for key in DEFAULTS}, {}, app_name="shop")
    assert {key: getattr(config, key.lower()) for key in DEFAULTS} == DEFAULTS
    assert {name.upper() for name in Config.__annotations__} == {*DEFAULTS}


def test_the_keys_of_a_line() -> None:
    """A line with everything has these keys in this order, and its schema is 1."""
    app = Flask("shop")
    app.config.update(ERRWATCH_ENVIRONMENT="test", ERRWATCH_RELEASE="1.0")
    errwatch = ErrWatch(app)
    errwatch.enrich(lambda _event: {"tenant": "acme"})
    app.add_url_rule("/crash", "crash", lambda: str(1 // 0))
    headers = {
        "User-Agent": "curl/8",
        "X-Forwarded-For": "192.0.2.9",
        "X-Request-Id": "abc",
        "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    }
    with capture_events() as events:
        app.test_client().get("/crash", headers=headers, environ_overrides={"REMOTE_USER": "ann"})
    [event] = events
    assert list(event) == LINE
    assert list(event["exception"]) == EXCEPTION
    assert event["schema"] == 1


def test_the_aws_resources_of_an_app(tmp_path: Path) -> None:
    """An app `shop` with defaults gets these names and values, all of them in one template."""
    (tmp_path / "shop.py").write_text(
        "from flask import Flask\n"
        "from flask_errwatch import ErrWatch\n"
        "app = Flask('shop')\n"
        "ErrWatch(app)\n"
    )
    command = ["-m", "flask", "--app", "shop", "errwatch", "export", "cloudformation"]
    exported = subprocess.run(
        [sys.executable, *command], cwd=tmp_path, capture_output=True, check=True
    )
    template = json.loads(exported.stdout)
    resources: dict[str, list[dict[str, Any]]] = {}
    for resource in template["Resources"].values():
        resources.setdefault(resource["Type"], []).append(resource["Properties"])
    defaults = {name: entry["Default"] for name, entry in template["Parameters"].items()}
    assert resources.pop("AWS::Logs::LogGroup") == [
        {
            "LogGroupName": "shop",
            "LogGroupClass": "STANDARD",
            "RetentionInDays": 90,
            "Tags": TAGS,
        }
    ]
    assert resources.pop("AWS::Logs::MetricFilter") == [
        {
            "FilterName": f"shop-{name}",
            "LogGroupName": {"Ref": "ShopLogGroup"},
            "FilterPattern": pattern,
            "MetricTransformations": [
                {
                    "MetricNamespace": "Application Logs",
                    "MetricName": f"shop-{name}",
                    "MetricValue": value,
                    "Unit": "Count",
                    "DefaultValue": 0,
                }
            ],
        }
        for name, pattern, value, _, _ in DETECTORS
    ]
    alarms = resources.pop("AWS::CloudWatch::Alarm")
    for alarm in alarms:
        del alarm["AlarmDescription"]  # for people
        alarm["Threshold"] = defaults[alarm["Threshold"]["Ref"]]
    (scan,) = (alarm for alarm in alarms if "Metrics" in alarm)
    assert scan == {
        "AlarmName": "shop-scan-one-source",
        "Metrics": [
            {
                "Id": "busiest",
                "Label": "lines of the busiest client address",
                "Expression": 'FILL(INSIGHT_RULE_METRIC("shop-scan-one-source", '
                '"MaxContributorValue"), 0)',
                "Period": 600,
                "ReturnData": True,
            }
        ],
        "EvaluationPeriods": 1,
        "ComparisonOperator": "GreaterThanThreshold",
        "Threshold": 16,
        "TreatMissingData": "notBreaching",
        "AlarmActions": NOTIFY,
        "Tags": TAGS,
    }
    assert [alarm for alarm in alarms if alarm is not scan] == [
        {
            "AlarmName": f"shop-{name}",
            "Namespace": "Application Logs",
            "MetricName": f"shop-{name}",
            "Statistic": "Sum",
            "Period": 300,
            "EvaluationPeriods": 1,
            "ComparisonOperator": "GreaterThanThreshold",
            "Threshold": threshold,
            "TreatMissingData": "notBreaching",
            **({"AlarmActions": NOTIFY, "OKActions": NOTIFY} if notifies else {}),
            "Tags": TAGS,
        }
        for name, _, _, threshold, notifies in DETECTORS
        if threshold is not None
    ]
    assert resources.pop("AWS::CloudWatch::InsightRule") == [
        {
            "RuleName": "shop-scan-one-source",
            "RuleState": "ENABLED",
            "RuleBody": (
                '{"AggregateOn":"Sum","Contribution":{"Filters":'
                '[{"GreaterThan":0,"Match":"$.suspicion"}],"Keys":["$.client_ip"],'
                '"ValueOf":"$.suspicion"},"LogFormat":"JSON","LogGroupNames":["shop"],'
                '"Schema":{"Name":"CloudWatchLogRule","Version":1}}'
            ),
            "Tags": TAGS,
        }
    ]
    assert resources == {}
