"""Reads the configuration: every key, its default and its check, into a `Config`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Literal, NamedTuple, TypeVar

from flask_errwatch import _parsers as parsers
from flask_errwatch._parsers import RefusedValueError, TrustedProxies
from flask_errwatch._urls import HIDDEN
from flask_errwatch.config import aws_values, values
from flask_errwatch.config.settings import Config, GenericName
from flask_errwatch.config.values import LONGEST_HEARTBEAT, MEBIBYTE
from flask_errwatch.errors import ConfigurationError, Problem

T = TypeVar("T")
#: Where the value of a key comes from.
Origin = Literal["app.config", "environment variable", "default"]


def load(settings: Mapping[str, object], environ: Mapping[str, str], *, app_name: str) -> Config:
    """Reads the `ERRWATCH_…` keys from `settings`, else from `environ`, else the default.

    Args:
        settings: The app's configuration, `app.config`.
        environ: The process environment.
        app_name: The app's name, for `ERRWATCH_APP_NAME`.

    Returns:
        The checked configuration.

    Raises:
        ConfigurationError: Lists all problems, not only the first.

    Example:
        >>> load({"ERRWATCH_RETENTION_DAYS": 30}, {}, app_name="shop").retention_days
        30
        >>> load({"ERRWATCH_RETENTION_DAYS": 8}, {}, app_name="shop")
        Traceback (most recent call last):
            ...
        flask_errwatch.errors.ConfigurationError: ERRWATCH_RETENTION_DAYS = 8: Use one of the \
numbers of days that CloudWatch Logs accepts, such as 7 or 14, or 'never'.
    """
    reading = read(settings, environ, app_name=app_name)
    if reading.problems:
        raise ConfigurationError(*reading.problems)
    return reading.config


class Reading(NamedTuple):
    """A configuration that was read.

    Attributes:
        config: The configuration. A refused key has its default.
        problems: What was refused.
        origins: Where the value of each key comes from, by the name of the key.
    """

    config: Config
    problems: tuple[Problem, ...]
    origins: Mapping[str, Origin]


def read(settings: Mapping[str, object], environ: Mapping[str, str], *, app_name: str) -> Reading:
    """Like `load`, but returns the problems. A refused key has its default.

    A caller that checks more against the configuration can then report all problems together.
    """
    read = _Reader(settings, environ)
    nothing_known: TrustedProxies = 0
    days: int | None = 90
    name = read("APP_NAME", app_name, aws_values.app_name, check_default=True)
    if not read.is_given("APP_NAME") and aws_values.is_generic(name):
        name = GenericName(name)
    if read.problems:
        name = "app"  # a placeholder, or every name derived from it would be reported too
    config = Config(
        app_name=name,
        log_group=read("LOG_GROUP", name, aws_values.log_group, check_default=True),
        environment=read("ENVIRONMENT", None, parsers.optional(values.tag)),
        release=read("RELEASE", None, parsers.optional(values.tag)),
        sinks=read("SINKS", None, values.sinks),
        namespace=read("NAMESPACE", "Application Logs", aws_values.namespace),
        retention_days=read("RETENTION_DAYS", days, aws_values.retention),
        data_protection=read("DATA_PROTECTION", default=False, parse=parsers.boolean),
        alarm_threshold=read("ALARM_THRESHOLD", 10.0, parsers.number(minimum=0)),
        alarm_period=read("ALARM_PERIOD", 300, parsers.period),
        detectors=read("DETECTORS", {}, values.overrides),
        sns_topic=read("SNS_TOPIC", None, parsers.optional(aws_values.topic)),
        sns_topics=read("SNS_TOPICS", {}, aws_values.topics),
        ok_actions=read("OK_ACTIONS", default=True, parse=parsers.boolean),
        tags=read("TAGS", {}, aws_values.tags),
        subscriptions=read("SUBSCRIPTIONS", (), parsers.list_of(aws_values.subscription)),
        quiet_periods=read("QUIET_PERIODS", 1, values.quiet_periods),
        notify=read("NOTIFY", "each", parsers.one_of(("each", "app"))),
        region=read("REGION", None, parsers.optional(aws_values.region)),
        endpoint_url=read("ENDPOINT_URL", None, parsers.optional(parsers.url)),
        send_interval=read("SEND_INTERVAL", 2.0, parsers.number(minimum=0.05, maximum=3600)),
        journal_dir=read("JOURNAL_DIR", None, parsers.optional(parsers.string)),
        journal_max_bytes=read("JOURNAL_MAX_BYTES", 64 * MEBIBYTE, values.journal_bytes),
        shutdown_timeout=read("SHUTDOWN_TIMEOUT", 5.0, parsers.number(minimum=0, maximum=300)),
        trusted_proxies=read("TRUSTED_PROXIES", nothing_known, values.trusted_proxies),
        client_header=read("CLIENT_HEADER", "X-Forwarded-For", values.header_name),
        redact_keys=read("REDACT_KEYS", (), parsers.list_of(parsers.string)),
        redact_email=read("REDACT_EMAIL", default=False, parse=parsers.boolean),
        privacy=read("PRIVACY", "off", parsers.one_of(("off", "hashed"))),
        privacy_key=read("PRIVACY_KEY", None, parsers.optional(values.secret)),
        user=read("USER", default=False, parse=parsers.boolean),
        login_endpoints=read("LOGIN_ENDPOINTS", (), parsers.list_of(parsers.string)),
        logged_errors=read("LOGGED_ERRORS", (), values.loggers),
        watch_commands=read("WATCH_COMMANDS", default=False, parse=parsers.boolean),
        watch_threads=read("WATCH_THREADS", default=False, parse=parsers.boolean),
        ignored_paths=read("IGNORED_PATHS", (), parsers.list_of(values.path_pattern)),
        expected_agents=read("EXPECTED_AGENTS", (), parsers.list_of(values.agent_part)),
        collapse_seconds=read("COLLAPSE_SECONDS", 0.0, parsers.number(minimum=0, maximum=60)),
        heartbeat_seconds=read("HEARTBEAT_SECONDS", 60.0, parsers.number(minimum=0)),
        silence_alarm=read("SILENCE_ALARM", default=False, parse=parsers.boolean),
        track_requests=read("TRACK_REQUESTS", default=False, parse=parsers.boolean),
        process_alarm=read("PROCESS_ALARM", default=False, parse=parsers.boolean),
        per_source_alarms=read("PER_SOURCE_ALARMS", {}, values.thresholds),
        dashboard=read("DASHBOARD", default=False, parse=parsers.boolean),
        source_alarms=read("SOURCE_ALARMS", "each", parsers.one_of(("each", "site", "off"))),
        log_alarm_role=read("LOG_ALARM_ROLE", None, parsers.optional(aws_values.role)),
        defaults=read("DEFAULTS", "0.2", parsers.one_of(("0.2", "0.1"))),
        saved_queries=read("SAVED_QUERIES", default=False, parse=parsers.boolean),
        waf_scope=read("WAF_SCOPE", None, parsers.optional(parsers.one_of(values.WAF_SCOPES))),
        waf_proxies=read("WAF_PROXIES", 0, values.proxies),
        never_block=read("NEVER_BLOCK", (), parsers.list_of(values.never_blocked)),
        url=read("URL", None, parsers.optional(parsers.url)),
        report_topic=read("REPORT_TOPIC", None, parsers.optional(aws_values.topic_arn)),
        auto_block=read("AUTO_BLOCK", default=False, parse=parsers.boolean),
    )
    _check_together(config, read)
    read.refuse_unknown()
    return Reading(config, tuple(read.problems), read.origins)


def _check_together(config: Config, read: _Reader) -> None:
    """Refuses values that do not go together."""
    if config.silence_alarm and config.heartbeat_seconds and config.why_no_heartbeats:
        remedy = f"The alarm counts heartbeats, and {config.why_no_heartbeats}: turn the alarm off."
        read.refuse("SILENCE_ALARM", config.silence_alarm, remedy)
    elif config.silence_alarm and not 0 < config.heartbeat_seconds <= LONGEST_HEARTBEAT:
        remedy = (
            "The alarm counts heartbeats: set ERRWATCH_HEARTBEAT_SECONDS above 0 and to at most "
            f"{LONGEST_HEARTBEAT}, or turn the alarm off."
        )
        read.refuse("SILENCE_ALARM", config.silence_alarm, remedy)
    _check_topics(config, read)
    if config.auto_block and config.waf_scope is None and not read.is_refused("WAF_SCOPE"):
        remedy = "It needs the IP sets of AWS WAF: set ERRWATCH_WAF_SCOPE, or turn this off."
        read.refuse("AUTO_BLOCK", config.auto_block, remedy)
    has_key = config.privacy_key is not None or read.is_refused("PRIVACY_KEY")
    if config.privacy == "hashed" and not has_key:
        remedy = "The hashes need a key: set ERRWATCH_PRIVACY_KEY to a secret string."
        read.refuse("PRIVACY", config.privacy, remedy)
    if config.data_protection and config.log_group.startswith("/aws/"):
        remedy = (
            "The log group belongs to an AWS service and is left as it is: turn this off, and use "
            "an account policy (aws logs put-account-policy) if its events shall be masked."
        )
        read.refuse("DATA_PROTECTION", config.data_protection, remedy)


def _check_topics(config: Config, read: _Reader) -> None:
    """Refuses subscriptions without a topic, and topics that no alarm could notify."""
    is_refused = read.is_refused("SNS_TOPIC") or read.is_refused("SNS_TOPICS")
    if config.subscriptions and not config.topics and not is_refused:
        remedy = "A subscription needs a topic: set ERRWATCH_SNS_TOPIC to a name or an ARN."
        read.refuse("SUBSCRIPTIONS", config.subscriptions, remedy)
    if config.sns_topics and config.notify == "app":
        remedy = (
            "With ERRWATCH_NOTIFY 'app' one alarm notifies for all levels: use 'each', or only "
            "ERRWATCH_SNS_TOPIC."
        )
        read.refuse("SNS_TOPICS", config.sns_topics, remedy)


class _Reader:
    """Looks up and parses keys, and collects all problems."""

    def __init__(self, settings: Mapping[str, object], environ: Mapping[str, str]) -> None:
        self.problems: list[Problem] = []
        self._settings = settings
        self._environ = environ
        self.origins: dict[str, Origin] = {}

    def __call__(
        self, name: str, default: T, parse: Callable[[object], T], *, check_default: bool = False
    ) -> T:
        key = f"ERRWATCH_{name}"
        self.origins[key] = "default"
        if self._settings.get(key) is not None:
            value: object = self._settings[key]
            self.origins[key] = "app.config"
        elif key in self._environ:
            value = self._environ[key]
            self.origins[key] = "environment variable"
        elif check_default:
            value = default
        else:
            return default
        try:
            return parse(value)
        except RefusedValueError as refused:
            self.refuse(name, value, str(refused))
            return default

    def is_given(self, name: str) -> bool:
        """Whether the key has a value, other than its default."""
        key = f"ERRWATCH_{name}"
        return self._settings.get(key) is not None or key in self._environ

    def is_refused(self, name: str) -> bool:
        """Whether the value of the key was refused."""
        return any(problem.key == f"ERRWATCH_{name}" for problem in self.problems)

    def refuse(self, name: str, value: object, remedy: str) -> None:
        shown = HIDDEN if name == "PRIVACY_KEY" else value
        self.problems.append(Problem(key=f"ERRWATCH_{name}", value=shown, remedy=remedy))

    def refuse_unknown(self) -> None:
        """Adds a problem for each unknown key, which would otherwise be ignored silently.

        Only the app's settings are checked. Container platforms set environment variables such as
        `ERRWATCH_PORT`.
        """
        for key in self._settings:
            if key.startswith("ERRWATCH_") and key not in self.origins:
                similar = get_close_matches(key, sorted(self.origins), n=1, cutoff=0.75)
                hint = (
                    f"Did you mean {similar[0]}?"
                    if similar
                    else "docs/configuration.md lists all keys."
                )
                remedy = f"This key does not exist. {hint}"
                # It may be a misspelling of the name of a secret.
                value = HIDDEN if "KEY" in key else self._settings[key]
                self.problems.append(Problem(key=key, value=value, remedy=remedy))
