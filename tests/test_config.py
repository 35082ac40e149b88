"""Configuration: the sources of a value, and the messages of refused values."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from flask_errwatch import (
    Alarm,
    ConfigurationError,
    Detector,
    ErrWatch,
    ErrWatchError,
    NoAppError,
    UnknownDetectorError,
)
from flask_errwatch._parsers import is_metric_name
from flask_errwatch.config import RETENTION_DAYS, Config, load
from tests.wsgi_driver import watched


def loaded(**settings: object) -> Config:
    return load({f"ERRWATCH_{key}": value for key, value in settings.items()}, {}, app_name="shop")


def refused(**settings: object) -> str:
    with pytest.raises(ConfigurationError) as caught:
        loaded(**settings)
    return str(caught.value)


def test_every_default() -> None:
    """Every default is that of the contract."""
    assert loaded() == Config(
        app_name="shop",
        log_group="shop",
        environment=None,
        release=None,
        sinks=None,
        namespace="Application Logs",
        retention_days=90,
        data_protection=False,
        alarm_threshold=10,
        alarm_period=300,
        detectors={},
        sns_topic=None,
        sns_topics={},
        ok_actions=True,
        tags={},
        subscriptions=(),
        quiet_periods=1,
        notify="each",
        region=None,
        endpoint_url=None,
        send_interval=2.0,
        journal_dir=None,
        journal_max_bytes=67_108_864,
        shutdown_timeout=5.0,
        trusted_proxies=0,
        client_header="X-Forwarded-For",
        redact_keys=(),
        redact_email=False,
        privacy="off",
        privacy_key=None,
        user=False,
        login_endpoints=(),
        logged_errors=(),
        watch_commands=False,
        watch_threads=False,
        collapse_seconds=0.0,
        heartbeat_seconds=60.0,
        silence_alarm=False,
        track_requests=False,
        process_alarm=False,
        ignored_paths=(),
        expected_agents=(),
        per_source_alarms={},
        source_alarms="each",
        log_alarm_role=None,
        defaults="0.2",
        dashboard=False,
        saved_queries=False,
        waf_scope=None,
        waf_proxies=0,
        never_block=(),
        url=None,
        report_topic=None,
        auto_block=False,
    )


@pytest.mark.parametrize(
    ("given_", "expected"),
    [
        *((value, True) for value in (True, "1", "true", " Yes ", "on")),
        *((value, False) for value in (False, "", "0", "false", "NO", "off")),
    ],
)
def test_booleans(given_: object, expected: bool) -> None:  # noqa: FBT001 - a table's column
    """A bool, or the words that environments use."""
    assert loaded(DASHBOARD=given_).dashboard is expected


@pytest.mark.parametrize("value", ["maybe", 1, 0.0, ["true"]])
def test_a_boolean_of_another_type_is_refused(value: object) -> None:
    """A number or a list is a mistake."""
    assert "Use true or false" in refused(SAVED_QUERIES=value)


@pytest.mark.parametrize(
    ("given_", "expected"),
    [
        ("not-found-error", {"not-found-error": None}),
        ("a, b", {"a": None, "b": None}),
        (["a", "b"], {"a": None, "b": None}),
        ({"a": 5, "b": None}, {"a": 5, "b": None}),
        (' {"a": 2.5}', {"a": 2.5}),
        ("", {}),
    ],
)
def test_per_source_alarms(given_: object, expected: dict[str, float | None]) -> None:
    """Names only, or a number for each."""
    assert loaded(PER_SOURCE_ALARMS=given_).per_source_alarms == expected


@pytest.mark.parametrize("value", ["{", {"a": -1}, {"a": "many"}, {5: 1}, 5, [5]])
def test_per_source_alarms_of_another_type_are_refused(value: object) -> None:
    """Other values are refused, with the key."""
    assert "ERRWATCH_PER_SOURCE_ALARMS" in refused(PER_SOURCE_ALARMS=value)


def test_the_app_goes_before_the_environment() -> None:
    """`app.config` first, then the environment, then the default."""
    environ = {"ERRWATCH_RELEASE": "from-env", "ERRWATCH_ENVIRONMENT": "from-env"}
    config = load({"ERRWATCH_RELEASE": "from-app"}, environ, app_name="shop")
    assert (config.release, config.environment) == ("from-app", "from-env")


def test_an_empty_environment_variable_is_not_set() -> None:
    """Compose files set unset variables to an empty string."""
    config = load({}, {"ERRWATCH_REGION": "", "ERRWATCH_SNS_TOPIC": ""}, app_name="shop")
    assert (config.region, config.sns_topic) == (None, None)


def test_the_log_group_follows_the_app_name() -> None:
    """The log group has the app's name by default."""
    assert loaded(APP_NAME="till").log_group == "till"
    assert loaded(APP_NAME="till", LOG_GROUP="/flask/till").log_group == "/flask/till"


@pytest.mark.parametrize(
    ("key", "given_", "field", "expected"),
    [
        ("SINKS", "stdout, memory", "sinks", ("stdout", "memory")),
        ("SINKS", ["cloudwatch"], "sinks", ("cloudwatch",)),
        ("SINKS", "none", "sinks", ()),
        ("RETENTION_DAYS", "3653", "retention_days", 3653),
        ("ALARM_THRESHOLD", "2.5", "alarm_threshold", 2.5),
        ("ALARM_PERIOD", "3600", "alarm_period", 3600),
        ("SEND_INTERVAL", "0.5", "send_interval", 0.5),
        ("HEARTBEAT_SECONDS", 0, "heartbeat_seconds", 0),
        ("JOURNAL_MAX_BYTES", 1_048_576, "journal_max_bytes", 1_048_576),
        ("TRUSTED_PROXIES", "2", "trusted_proxies", 2),
        (
            "TRUSTED_PROXIES",
            "10.0.0.0/8, 2001:db8::/32",
            "trusted_proxies",
            (ip_network("10.0.0.0/8"), ip_network("2001:db8::/32")),
        ),
        ("TRUSTED_PROXIES", " none", "trusted_proxies", "none"),
        (
            "TRUSTED_PROXIES",
            "::ffff:10.0.0.0/104, 192.0.2.9",
            "trusted_proxies",
            (ip_network("10.0.0.0/8"), ip_network("192.0.2.9")),
        ),
        (
            "TRUSTED_PROXIES",
            "64:ff9b::a00:0/104, 64:ff9b::/96, 64:ff9b:1::/48",
            "trusted_proxies",
            (ip_network("10.0.0.0/8"), ip_network("0.0.0.0/0"), ip_network("64:ff9b:1::/48")),
        ),
        (
            "TRUSTED_PROXIES",
            ["aws:vpc", "2001:db8::/32"],
            "trusted_proxies",
            (
                *map(ip_network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")),
                *map(ip_network, ("100.64.0.0/10", "2001:db8::/32")),
            ),
        ),
        (
            "CLIENT_HEADER",
            "CloudFront-Viewer-Address",
            "client_header",
            "CloudFront-Viewer-Address",
        ),
        ("IGNORED_PATHS", "/Old/, *.php", "ignored_paths", ("/old/", "*.php")),
        ("EXPECTED_AGENTS", ["Uptime-Kuma"], "expected_agents", ("uptime-kuma",)),
        ("REDACT_KEYS", {"iban", "dob"}, "redact_keys", ("dob", "iban")),
        (
            "DETECTORS",
            '{"not-found-error": {"threshold": 50}}',
            "detectors",
            {"not-found-error": {"threshold": 50}},
        ),
        ("DETECTORS", "", "detectors", {}),
        ("ENDPOINT_URL", "http://127.0.0.1:5000", "endpoint_url", "http://127.0.0.1:5000"),
        ("REGION", "us-gov-west-1", "region", "us-gov-west-1"),
        ("SNS_TOPIC", "on-call", "sns_topic", "on-call"),
        ("WAF_SCOPE", "cloudfront", "waf_scope", "cloudfront"),
        ("WAF_SCOPE", "", "waf_scope", None),
        ("WAF_PROXIES", "2", "waf_proxies", 2),
        (
            "NEVER_BLOCK",
            "192.0.2.7, 2001:db8::/32, 203.0.113.66/24,file:/etc/offices.txt",
            "never_block",
            ("192.0.2.7", "2001:db8::/32", "203.0.113.66/24", "file:/etc/offices.txt"),
        ),
        ("NEVER_BLOCK", ["file:a, b.json"], "never_block", ("file:a, b.json",)),
        ("URL", "https://shop.example", "url", "https://shop.example"),
        (
            "REPORT_TOPIC",
            "arn:aws:sns:eu-central-1:123456789012:reports",
            "report_topic",
            "arn:aws:sns:eu-central-1:123456789012:reports",
        ),
    ],
)
def test_a_value_from_python_or_the_environment(
    key: str, given_: object, field: str, expected: object
) -> None:
    """Python values and strings are both parsed."""
    assert getattr(loaded(**{key: given_}), field) == expected


def test_subscriptions_of_every_kind() -> None:
    """Mail, phone, web and AWS's own endpoints."""
    given_ = (
        "mailto:ops@example.com,sms:+4915112345678,https://example.com/hook,"
        "http://127.0.0.1:8000/,arn:aws:lambda:eu-central-1:123456789012:function:page"
    )
    arn = "arn:aws:sns:eu-central-1:123456789012:on-call"
    config = loaded(SNS_TOPIC=arn, SUBSCRIPTIONS=given_)
    assert config.subscriptions == tuple(given_.split(","))
    assert config.sns_topic == arn


@pytest.mark.parametrize(
    ("key", "value", "remedy"),
    [
        ("APP_NAME", "", "Use a string that is not empty."),
        ("APP_NAME", "   ", "Use a string that is not empty."),
        ("APP_NAME", 7, "Use a string that is not empty."),
        ("APP_NAME", "a" * 300, "at most 240 printable"),
        ("APP_NAME", "shop:till", "none of them ':', '*', '$'"),
        ("APP_NAME", "shop\ntill", "printable ASCII"),
        ("LOG_GROUP", "my shop", "A-Z a-z 0-9 _ - / . #"),
        ("LOG_GROUP", "aws/shop", "does not start with 'aws/'"),
        ("LOG_GROUP", "a" * 513, "1 to 512 characters"),
        ("ENVIRONMENT", "a\x00b", "at most 256 printable"),
        ("RELEASE", "1" * 257, "at most 256 printable"),
        (
            "SINKS",
            "disk",
            "Use 'cloudwatch', 'stdout' and 'memory', each at most once, or only 'none'.",
        ),
        ("SINKS", "none,memory", "or only 'none'"),
        ("SINKS", "memory,memory", "each at most once"),
        ("SINKS", "", "Use 'cloudwatch', 'stdout' and 'memory'"),
        ("SINKS", 5, "Use a list, or a comma-separated string."),
        ("NAMESPACE", "AWS/Logs", "does not start with 'AWS/'"),
        ("NAMESPACE", "a:b", "none of them ':'"),
        ("RETENTION_DAYS", 8, "such as 7 or 14, or 'never'."),
        ("RETENTION_DAYS", 0, "such as 1, or"),
        ("RETENTION_DAYS", 9999, "such as 3653, or"),
        ("RETENTION_DAYS", "soon", "Use a whole number."),
        ("RETENTION_DAYS", True, "Use a whole number."),
        ("ALARM_THRESHOLD", -1, "at least 0"),
        ("ALARM_THRESHOLD", "nan", "at least 0"),
        ("ALARM_PERIOD", 90, "a multiple of 60 seconds, from 60 to 86400"),
        ("ALARM_PERIOD", 86_460, "from 60 to 86400"),
        ("DETECTORS", "{", "It is not valid JSON"),
        ("DETECTORS", [], "a mapping per detector"),
        ("DETECTORS", {"not-found-error": 5}, "a mapping per detector"),
        ("SNS_TOPIC", "on call", "a topic name of 1 to 256 characters"),
        ("REGION", "Frankfurt", "such as 'eu-central-1'"),
        ("ENDPOINT_URL", "localhost:5000", "Use a URL"),
        ("ENDPOINT_URL", "http://localhost:port", "Use a URL"),
        ("ENDPOINT_URL", "http://local host", "Use a URL"),
        ("SEND_INTERVAL", 0, "at least 0.05 and at most 3600"),
        ("JOURNAL_DIR", 5, "Use a string"),
        ("JOURNAL_MAX_BYTES", 1000, "at least 1048576 (1 MiB)"),
        ("TRUSTED_PROXIES", 33, "from 0 to 32"),
        ("TRUSTED_PROXIES", 1.5, "from 0 to 32"),
        ("TRUSTED_PROXIES", "::/0", "::/0 holds all IPv4 addresses."),
        ("TRUSTED_PROXIES", "10.0.0.0/8,::/80", "Use smaller IPv6 networks"),
        ("TRUSTED_PROXIES", "64:ff9b::/64", "holds all IPv4 addresses."),
        ("TRUSTED_PROXIES", "aws:elb", "'aws:cloudfront' or 'aws:vpc'"),
        ("TRUSTED_PROXIES", "none,10.0.0.0/8", "or 'none' where there is no proxy"),
        ("CLIENT_HEADER", "X_Forwarded_For", "letters, digits and '-'"),
        ("CLIENT_HEADER", "X-Mine:", "letters, digits and '-'"),
        ("TRUSTED_PROXIES", "10.0.0.300/8", "their networks, such as '10.0.0.0/8'"),
        ("REDACT_KEYS", b"iban", "Use a list"),
        ("HEARTBEAT_SECONDS", float("inf"), "at least 0"),
        ("IGNORED_PATHS", "old/", "begin with '/'"),
        ("IGNORED_PATHS", "/old/,/*", "would hide all scans"),
        ("EXPECTED_AGENTS", "bot", "at least 4 characters"),
        ("WAF_SCOPE", "REGIONAL", "Use one of: regional, cloudfront."),
        ("WAF_PROXIES", -1, "from 0 to 32"),
        ("WAF_PROXIES", "one", "from 0 to 32"),
        ("WAF_PROXIES", True, "from 0 to 32"),
        ("NEVER_BLOCK", "office", "'office' is not an entry: use addresses, networks"),
        ("NEVER_BLOCK", "192.0.2.0/33", "'192.0.2.0/33' is not an entry"),
        ("NEVER_BLOCK", "010.0.0.1", "'010.0.0.1' is not an entry"),
        ("NEVER_BLOCK", "file:", "'file:' is not an entry"),
        ("NEVER_BLOCK", ["file:a\x1b[2J"], "is not an entry"),
        ("NEVER_BLOCK", [7], "Use a string for every entry"),
        ("URL", "shop.example", "Use a URL"),
        ("REPORT_TOPIC", "reports", "the complete ARN of a topic"),
        ("AUTO_BLOCK", True, "set ERRWATCH_WAF_SCOPE"),
    ],
)
def test_an_invalid_value(key: str, value: object, remedy: str) -> None:
    """A refused value is reported with its key, and the message contains the remedy."""
    message = refused(**{key: value})
    assert message.startswith(f"ERRWATCH_{key} = ")
    assert remedy in message


@pytest.mark.parametrize(
    "address",
    [
        "ops@example.com",
        "mailto:ops",
        "sms:0151",
        "ftp://example.com",
        "https://",
        "arn:aws:s3:::x",
    ],
)
def test_an_invalid_subscription(address: str) -> None:
    """A subscription without a scheme, or with an unknown one, is refused with examples."""
    message = refused(SNS_TOPIC="on-call", SUBSCRIPTIONS=[address])
    assert message.startswith("ERRWATCH_SUBSCRIPTIONS = ")
    assert "'http" in message


def test_a_subscription_without_a_topic() -> None:
    """Without a topic no one would be notified, so the subscription is refused."""
    assert "set ERRWATCH_SNS_TOPIC" in refused(SUBSCRIPTIONS=["mailto:ops@example.com"])


def test_automatic_blocks_with_the_sets() -> None:
    """With IP sets the function for alarms may block; a refused scope is one problem, not two."""
    assert loaded(AUTO_BLOCK="1", WAF_SCOPE="regional").auto_block is True
    assert "ERRWATCH_AUTO_BLOCK" not in refused(AUTO_BLOCK="1", WAF_SCOPE="global")


def test_a_misspelt_key() -> None:
    """A key that does not exist is refused, and a similar one is suggested."""
    assert "This key does not exist. Did you mean ERRWATCH_RETENTION_DAYS?" in refused(
        RETENTION_DAY=90
    )
    assert "docs/configuration.md lists all keys." in refused(XYZXYZXYZ=1)


def test_a_foreign_environment_variable_is_ignored() -> None:
    """Container platforms set variables such as `ERRWATCH_PORT`."""
    environ = {"ERRWATCH_PORT": "tcp://10.0.0.1:80"}
    assert load({}, environ, app_name="shop").app_name == "shop"


def test_all_problems_at_once() -> None:
    """One error lists all problems of configuration and detectors, each with its evidence."""
    app = Flask("shop")
    app.config.update(
        ERRWATCH_SINKS="disk",
        ERRWATCH_RETENTION_DAYS=8,
        ERRWATCH_SUBSCRIPTIONS=["nowhere"],
        ERRWATCH_APP_NAME="",
        ERRWATCH_DETECTORS={"no-such": {}, "client-error": {"threshold": "many"}},
    )
    with pytest.raises(ErrWatchError) as caught:
        ErrWatch(app)
    assert [(problem.key, problem.value) for problem in caught.value.problems] == [
        ("ERRWATCH_APP_NAME", ""),
        ("ERRWATCH_SINKS", "disk"),
        ("ERRWATCH_RETENTION_DAYS", 8),
        ("ERRWATCH_SUBSCRIPTIONS", ["nowhere"]),
        ("ERRWATCH_DETECTORS['no-such']", "no-such"),
        ("ERRWATCH_DETECTORS['client-error']['threshold']", "many"),
    ]
    assert all(problem.remedy.endswith((".", "…")) for problem in caught.value.problems)
    assert len(str(caught.value).splitlines()) == 6
    assert "errwatch" not in app.extensions


def test_an_app_name_that_is_too_long_is_one_problem() -> None:
    """One bad name is one problem, not one for each name derived from it."""
    app = Flask("shop")
    app.config["ERRWATCH_APP_NAME"] = "a" * 300
    with pytest.raises(ConfigurationError) as caught:
        ErrWatch(app)
    (problem,) = caught.value.problems
    assert problem.key == "ERRWATCH_APP_NAME"
    assert "(300 characters)" in str(problem)


def test_the_name_of_a_detectors_resources_is_checked() -> None:
    """CloudWatch refuses names above 255 characters: found before any call."""
    app = Flask("shop")
    app.config["ERRWATCH_APP_NAME"] = "a" * 240
    with pytest.raises(ConfigurationError, match="shorten the app name to 230") as caught:
        ErrWatch(app)
    assert {problem.key for problem in caught.value.problems} == {"ERRWATCH_APP_NAME"}


def test_an_unknown_detector_in_a_report() -> None:
    """The error lists the names of the catalogue."""
    app = Flask("shop")
    errwatch = watched(app)
    with pytest.raises(UnknownDetectorError, match=r"'login-failed'.*critical-error, auth"):
        errwatch.report("login-failed")


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ({"threshold": -1}, "threshold"),
        ({"threshold": "5"}, "threshold"),
        ({"threshold": True}, "threshold"),
        ({"period": 90}, "period"),
        ({"period": 300.0}, "period"),
        ({"evaluation_periods": 0}, "evaluation_periods"),
        ({"evaluation_periods": True}, "evaluation_periods"),
        ({"datapoints_to_alarm": 2}, "datapoints_to_alarm"),
        ({"evaluation_periods": 3, "datapoints_to_alarm": 0}, "datapoints_to_alarm"),
        ({"statistic": "p99"}, "statistic"),
        ({"comparison_operator": ">"}, "comparison_operator"),
        ({"treat_missing_data": ["missing"]}, "treat_missing_data"),
        ({"period": 300, "evaluation_periods": 289}, "evaluation_periods"),
        ({"period": 86_400, "evaluation_periods": 8}, "evaluation_periods"),
    ],
)
def test_an_alarm_that_cloudwatch_would_refuse(settings: dict[str, Any], key: str) -> None:
    """Values that PutMetricAlarm would refuse are refused in the declaration."""
    with pytest.raises(ConfigurationError) as caught:
        Alarm(**settings)
    assert [problem.key for problem in caught.value.problems] == [key]


def test_the_longest_alarms() -> None:
    """A day for periods below an hour, a week for others."""
    assert Alarm(period=300, evaluation_periods=288).period == 300
    assert Alarm(period=3600, evaluation_periods=168).period == 3600


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ({"name": "Login Failed"}, "name"),
        ({"name": "login--failed"}, "name"),
        ({"name": ""}, "name"),
        ({"name": "a" * 101}, "name"),
        ({"name": None}, "name"),
        ({"event": 'Login "Failed"'}, "event"),
        ({"event": "Login Failed "}, "event"),
        ({"event": "x" * 101}, "event"),
        ({"event": "Heartbeat"}, "event"),
        ({"event": "Lines Dropped"}, "event"),
        ({"statuses": [200]}, "statuses"),
        ({"statuses": [600]}, "statuses"),
        ({"statuses": ["3xx"]}, "statuses"),
        ({"statuses": [True]}, "statuses"),
        ({"statuses": 404}, "statuses"),
        ({"statuses": "4xx"}, "statuses"),
        ({"level": "fatal"}, "level"),
        ({"alarm": {"threshold": 5}}, "alarm"),
        ({"description": "x" * 501}, "description"),
        ({"description": None}, "description"),
        ({"runbook_url": "wiki/errors"}, "runbook_url"),
        ({"runbook_url": "https://example.com/" + "x" * 400}, "runbook_url"),
    ],
)
def test_an_invalid_detector(settings: dict[str, Any], key: str) -> None:
    """A detector is checked in its declaration, and each invalid field is named."""
    with pytest.raises(ConfigurationError) as caught:
        Detector(**{"name": "login-failed", "event": "Login Failed", **settings})
    assert [problem.key for problem in caught.value.problems] == [key]


def test_methods_that_cannot_find_the_app() -> None:
    """With no or several apps and no context, every method's error shows how to pass the app."""
    errwatch = ErrWatch()
    with pytest.raises(NoAppError, match="init_app was called for 0 apps"):
        errwatch.stats()
    for name in ("one", "two"):
        app = Flask(name)
        app.config["ERRWATCH_SINKS"] = "memory"
        errwatch.init_app(app)
    for call in (
        errwatch.stats,
        errwatch.flush,
        errwatch.plan,
        errwatch.bootstrap_alarms,
        lambda: errwatch.report("client-error"),
        lambda: errwatch.watch("job").__enter__(),
    ):
        with pytest.raises(NoAppError, match="init_app was called for 2 apps"):
            call()


def test_an_app_that_was_not_initialised() -> None:
    """The error names the app."""
    with pytest.raises(NoAppError, match="app = 'stranger': Call ErrWatch"):
        ErrWatch().stats(Flask("stranger"))


@given(
    st.dictionaries(
        st.sampled_from(
            [
                f"ERRWATCH_{key}"
                for key in (
                    *("APP_NAME", "LOG_GROUP", "ENVIRONMENT", "RELEASE", "SINKS", "NAMESPACE"),
                    *("RETENTION_DAYS", "ALARM_THRESHOLD", "ALARM_PERIOD", "DETECTORS"),
                    *("SNS_TOPIC", "SUBSCRIPTIONS", "REGION", "ENDPOINT_URL", "SEND_INTERVAL"),
                    *("JOURNAL_DIR", "JOURNAL_MAX_BYTES", "TRUSTED_PROXIES", "REDACT_KEYS"),
                    *("HEARTBEAT_SECONDS", "SHUTDOWN_TIMEOUT", "WAF_SCOPE", "WAF_PROXIES"),
                    *("NEVER_BLOCK", "URL", "REPORT_TOPIC", "AUTO_BLOCK"),
                )
            ]
        ),
        st.one_of(
            st.none(),
            st.booleans(),
            st.integers(),
            st.floats(),
            st.text(),
            st.binary(),
            st.lists(st.text() | st.integers()),
            st.sets(st.integers() | st.text()),
            st.dictionaries(st.text(), st.integers() | st.text()),
        ),
    )
)
def test_any_value_is_parsed_or_refused(settings: dict[str, object]) -> None:
    """For any value: a `Config`, or one `ConfigurationError`."""
    try:
        config = load(settings, {}, app_name="shop")
    except ConfigurationError as error:
        keys = {problem.key for problem in error.problems}
        assert keys
        assert keys <= {*settings, "ERRWATCH_LOG_GROUP"}
    else:
        assert config.retention_days in RETENTION_DAYS


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        *(("shop-login failed.5%", True), ("a b~", True)),
        *(("Bestellung-fällt-aus", False), ("é b", False), ("商店", False)),
        *(("", False), ("a:b", False), ("a*", False), ("$a", False), ("é:", False), ("é*$", False)),
        *(("a\tb", False), ("a\x7f", False), ("\x00", False), ("é\x85", False), ("\ud800", False)),
    ],
)
def test_what_is_a_metric_name(name: str, is_one: bool) -> None:  # noqa: FBT001 - the expected value
    """Printable ASCII without `:` `*` `$` (PutMetricFilter, PutMetricData)."""
    assert is_metric_name(name) is is_one


@pytest.mark.parametrize("key", ["ERRWATCH_DETECTORS", "ERRWATCH_PER_SOURCE_ALARMS"])
def test_json_that_is_nested_too_deeply_is_refused(key: str) -> None:
    """An environment variable never ends the start with a RecursionError."""
    nested = '{"a":' * 100_000 + "1" + "}" * 100_000
    with pytest.raises(ConfigurationError, match=key):
        load({}, {key: nested}, app_name="shop")
