"""Reads the configuration: every key, its default and its check, into a frozen `Config`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import NamedTuple, TypeVar

from flask_errwatch import _parsers as parsers
from flask_errwatch._lambda import LOG_GROUPS
from flask_errwatch._parsers import RefusedValueError, Secret, TrustedProxies
from flask_errwatch.errors import ConfigurationError, Problem

T = TypeVar("T")

MEBIBYTE = 1_048_576
SINKS = ("cloudwatch", "stdout", "memory")

#: Days that CloudWatch Logs accepts (AWS API Reference, PutRetentionPolicy, retentionInDays).
RETENTION_DAYS = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731),
    *(1096, 1827, 2192, 2557, 2922, 3288, 3653),
)

#: Longest name of a metric, an alarm or a namespace (AWS API Reference).
NAME_LENGTH = 255
#: Leaves room for `-` and a short detector name. The whole name is checked with the detectors.
_APP_NAME_LENGTH = 240
#: Longest heartbeat interval, in seconds, that an alarm can watch: five of them fit into an alarm's
#: longest period, a day (AWS API Reference, PutMetricAlarm, Period).
LONGEST_HEARTBEAT = 17_280
#: Periods of a minute in a day, the longest window of an alarm with such periods.
_MOST_PERIODS = 1440
#: Shown in place of a secret.
_HIDDEN = "[hidden]"
# Compiled at their first use: the import stays cheap.
_LOG_GROUP = r"(?!aws/)[A-Za-z0-9_\-/.#]{1,512}"
_TOPIC = r"[A-Za-z0-9_-]{1,256}|arn:[a-z-]+:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]{1,256}"
_REGION = r"[a-z]{2,}(-[a-z]+)+-\d+"


# A dataclass of so many fields would take 0.6 ms more of every import, a twentieth of it.
class Config(NamedTuple):
    """The checked configuration of an app, created by `load`.

    Attributes:
        app_name: Prefix of every AWS name.
        log_group: Log group of the lines.
        environment: Tag in every line, or None.
        release: Tag in every line, or None.
        sinks: Where lines go. None means `memory` while the app is testing, `stdout` in AWS
            Lambda, else `cloudwatch`.
        namespace: Metric namespace.
        retention_days: Retention of the log group, in days.
        data_protection: Whether CloudWatch Logs masks secrets in the log group.
        alarm_threshold: Threshold of every alarm that has none.
        alarm_period: Period of every alarm that has none, in seconds.
        detectors: Overrides per detector name, unchecked.
        sns_topic: Topic name (created) or ARN (used), or None.
        subscriptions: Endpoints with their scheme, such as `mailto:…`.
        quiet_periods: Periods without a breach after which an alarm that one period makes fire
            returns to OK.
        notify: Whether each alarm notifies (`each`), or one composite alarm of the app (`app`).
        region: AWS region, or None for boto3's default.
        endpoint_url: AWS endpoint, or None for boto3's default.
        send_interval: Longest time that a line waits before it is sent, in seconds.
        journal_dir: Folder of the journal, or None for a private one in the temporary folder.
        journal_max_bytes: Bound of the app's whole journal folder, in bytes.
        shutdown_timeout: Longest time that a stopping process waits to send, in seconds.
        trusted_proxies: Number of trusted proxies (0: nothing is known), their networks, or `none`.
        client_header: The header in which trusted proxies name the client.
        redact_keys: Secret keys in addition to the built-in list.
        redact_email: Whether e-mail addresses are masked too.
        privacy: Whether lines have addresses and users as keyed hashes (`hashed`) or not (`off`).
        privacy_key: The key of these hashes.
        user: Whether lines have the id of the user who is signed in by Flask-Login.
        logged_errors: Loggers whose records at ERROR or above become events. `root` means all.
        watch_commands: Whether the commands of `app.cli` are watched.
        watch_threads: Whether threads are watched.
        collapse_seconds: Time within which events that are alike share a line. 0 means never.
        heartbeat_seconds: Time between two heartbeats of a process. 0 means none.
        silence_alarm: Whether an alarm fires when no heartbeat arrives.
        track_requests: Whether each process notes its requests, for the line of one that dies.
        process_alarm: Whether an alarm fires when a process died.
        per_source_alarms: Detectors with an alarm on their busiest client address, and its
            threshold in lines. None means half of the detector's threshold.
        dashboard: Whether a dashboard is provisioned.
        saved_queries: Whether the Logs Insights queries are saved.
    """

    app_name: str
    log_group: str
    environment: str | None
    release: str | None
    sinks: tuple[str, ...] | None
    namespace: str
    retention_days: int
    data_protection: bool
    alarm_threshold: float
    alarm_period: int
    detectors: Mapping[str, Mapping[str, object]]
    sns_topic: str | None
    subscriptions: tuple[str, ...]
    quiet_periods: int
    notify: str
    region: str | None
    endpoint_url: str | None
    send_interval: float
    journal_dir: str | None
    journal_max_bytes: int
    shutdown_timeout: float
    trusted_proxies: TrustedProxies
    client_header: str
    redact_keys: tuple[str, ...]
    redact_email: bool
    privacy: str
    privacy_key: Secret | None
    user: bool
    logged_errors: tuple[str, ...]
    watch_commands: bool
    watch_threads: bool
    collapse_seconds: float
    heartbeat_seconds: float
    silence_alarm: bool
    track_requests: bool
    process_alarm: bool
    per_source_alarms: Mapping[str, float | None]
    dashboard: bool
    saved_queries: bool

    @property
    def has_topic_arn(self) -> bool:
        """Whether the topic is configured by its ARN, and so is not one to create."""
        return self.sns_topic is not None and self.sns_topic.startswith("arn:")

    @property
    def why_no_heartbeats(self) -> str | None:
        """Why the app's processes emit no heartbeats where they are deployed; None if they do."""
        if self.log_group.startswith(LOG_GROUPS):
            return "a function of AWS Lambda has none, since it is frozen between two requests"
        sinks = self.sinks or ()
        if "stdout" in sinks and "cloudwatch" not in sinks:
            return "only the sink 'cloudwatch' has them"
        return "they are turned off" if self.heartbeat_seconds == 0 else None


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
numbers of days that CloudWatch Logs accepts, such as 7 or 14.
    """
    config, problems = read(settings, environ, app_name=app_name)
    if problems:
        raise ConfigurationError(*problems)
    return config


def read(
    settings: Mapping[str, object], environ: Mapping[str, str], *, app_name: str
) -> tuple[Config, tuple[Problem, ...]]:
    """Like `load`, but returns the problems. A refused key has its default.

    A caller that checks more against the configuration can then report all problems together.
    """
    read = _Reader(settings, environ)
    nothing_known: TrustedProxies = 0
    name = read("APP_NAME", app_name, _app_name, check_default=True)
    if read.problems:
        name = "app"  # a placeholder, or every name derived from it would be reported too
    config = Config(
        app_name=name,
        log_group=read("LOG_GROUP", name, _log_group, check_default=True),
        environment=read("ENVIRONMENT", None, parsers.optional(parsers.tag)),
        release=read("RELEASE", None, parsers.optional(parsers.tag)),
        sinks=read("SINKS", None, _sinks),
        namespace=read("NAMESPACE", "Application Logs", _namespace),
        retention_days=read("RETENTION_DAYS", 90, _retention),
        data_protection=read("DATA_PROTECTION", default=False, parse=parsers.boolean),
        alarm_threshold=read("ALARM_THRESHOLD", 10.0, parsers.number(minimum=0)),
        alarm_period=read("ALARM_PERIOD", 300, parsers.period),
        detectors=read("DETECTORS", {}, parsers.overrides),
        sns_topic=read("SNS_TOPIC", None, parsers.optional(_topic)),
        subscriptions=read("SUBSCRIPTIONS", (), parsers.list_of(parsers.subscription)),
        quiet_periods=read("QUIET_PERIODS", 1, _quiet_periods),
        notify=read("NOTIFY", "each", parsers.one_of(("each", "app"))),
        region=read("REGION", None, parsers.optional(_region)),
        endpoint_url=read("ENDPOINT_URL", None, parsers.optional(parsers.url)),
        send_interval=read("SEND_INTERVAL", 2.0, parsers.number(minimum=0.05, maximum=3600)),
        journal_dir=read("JOURNAL_DIR", None, parsers.optional(parsers.string)),
        journal_max_bytes=read("JOURNAL_MAX_BYTES", 64 * MEBIBYTE, _journal_bytes),
        shutdown_timeout=read("SHUTDOWN_TIMEOUT", 5.0, parsers.number(minimum=0, maximum=300)),
        trusted_proxies=read("TRUSTED_PROXIES", nothing_known, parsers.trusted_proxies),
        client_header=read("CLIENT_HEADER", "X-Forwarded-For", parsers.header_name),
        redact_keys=read("REDACT_KEYS", (), parsers.list_of(parsers.string)),
        redact_email=read("REDACT_EMAIL", default=False, parse=parsers.boolean),
        privacy=read("PRIVACY", "off", parsers.one_of(("off", "hashed"))),
        privacy_key=read("PRIVACY_KEY", None, parsers.optional(parsers.secret)),
        user=read("USER", default=False, parse=parsers.boolean),
        logged_errors=read("LOGGED_ERRORS", (), parsers.loggers),
        watch_commands=read("WATCH_COMMANDS", default=False, parse=parsers.boolean),
        watch_threads=read("WATCH_THREADS", default=False, parse=parsers.boolean),
        collapse_seconds=read("COLLAPSE_SECONDS", 0.0, parsers.number(minimum=0, maximum=60)),
        heartbeat_seconds=read("HEARTBEAT_SECONDS", 60.0, parsers.number(minimum=0)),
        silence_alarm=read("SILENCE_ALARM", default=False, parse=parsers.boolean),
        track_requests=read("TRACK_REQUESTS", default=False, parse=parsers.boolean),
        process_alarm=read("PROCESS_ALARM", default=False, parse=parsers.boolean),
        per_source_alarms=read("PER_SOURCE_ALARMS", {}, parsers.thresholds),
        dashboard=read("DASHBOARD", default=False, parse=parsers.boolean),
        saved_queries=read("SAVED_QUERIES", default=False, parse=parsers.boolean),
    )
    if config.silence_alarm and config.heartbeat_seconds and config.why_no_heartbeats:
        remedy = f"The alarm counts heartbeats, and {config.why_no_heartbeats}: turn the alarm off."
        read.refuse("SILENCE_ALARM", config.silence_alarm, remedy)
    elif config.silence_alarm and not 0 < config.heartbeat_seconds <= LONGEST_HEARTBEAT:
        remedy = (
            "The alarm counts heartbeats: set ERRWATCH_HEARTBEAT_SECONDS above 0 and to at most "
            f"{LONGEST_HEARTBEAT}, or turn the alarm off."
        )
        read.refuse("SILENCE_ALARM", config.silence_alarm, remedy)
    if config.subscriptions and config.sns_topic is None and not read.is_refused("SNS_TOPIC"):
        remedy = "A subscription needs a topic: set ERRWATCH_SNS_TOPIC to a name or an ARN."
        read.refuse("SUBSCRIPTIONS", config.subscriptions, remedy)
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
    read.refuse_unknown()
    return config, tuple(read.problems)


class _Reader:
    """Looks up and parses keys, and collects all problems."""

    def __init__(self, settings: Mapping[str, object], environ: Mapping[str, str]) -> None:
        self.problems: list[Problem] = []
        self._settings = settings
        self._environ = environ
        self._known: set[str] = set()

    def __call__(
        self, name: str, default: T, parse: Callable[[object], T], *, check_default: bool = False
    ) -> T:
        key = f"ERRWATCH_{name}"
        self._known.add(key)
        if self._settings.get(key) is not None:
            value: object = self._settings[key]
        elif key in self._environ:
            value = self._environ[key]
        elif check_default:
            value = default
        else:
            return default
        try:
            return parse(value)
        except RefusedValueError as refused:
            self.refuse(name, value, str(refused))
            return default

    def is_refused(self, name: str) -> bool:
        """Whether the value of the key was refused."""
        return any(problem.key == f"ERRWATCH_{name}" for problem in self.problems)

    def refuse(self, name: str, value: object, remedy: str) -> None:
        shown = _HIDDEN if name == "PRIVACY_KEY" else value
        self.problems.append(Problem(key=f"ERRWATCH_{name}", value=shown, remedy=remedy))

    def refuse_unknown(self) -> None:
        """Adds a problem for each unknown key, which would otherwise be ignored silently.

        Only the app's settings are checked. Container platforms set environment variables such as
        `ERRWATCH_PORT`.
        """
        for key in self._settings:
            if key.startswith("ERRWATCH_") and key not in self._known:
                similar = get_close_matches(key, sorted(self._known), n=1, cutoff=0.75)
                hint = (
                    f"Did you mean {similar[0]}?"
                    if similar
                    else "docs/configuration.md lists all keys."
                )
                remedy = f"This key does not exist. {hint}"
                # It may be a misspelling of the name of a secret.
                value = _HIDDEN if "KEY" in key else self._settings[key]
                self.problems.append(Problem(key=key, value=value, remedy=remedy))


def _app_name(value: object) -> str:
    name = parsers.string(value)
    if len(name) > _APP_NAME_LENGTH or not parsers.is_metric_name(name):
        raise RefusedValueError(
            "It is the prefix of every metric filter, metric and alarm: use at most "
            f"{_APP_NAME_LENGTH} characters, none of them ':', '*', '$' or a control character."
        )
    return name


def _log_group(value: object) -> str:
    name = parsers.string(value)
    if not re.fullmatch(_LOG_GROUP, name):
        raise RefusedValueError(
            "A log group name has 1 to 512 characters of A-Z a-z 0-9 _ - / . # and does not "
            "start with 'aws/': set ERRWATCH_LOG_GROUP (its default is ERRWATCH_APP_NAME)."
        )
    return name


def _namespace(value: object) -> str:
    name = parsers.string(value)
    if len(name) > NAME_LENGTH or not parsers.is_metric_name(name) or name.startswith("AWS/"):
        raise RefusedValueError(
            f"A namespace has 1 to {NAME_LENGTH} characters, none of them ':', '*', '$' or a "
            "control character, and does not start with 'AWS/'."
        )
    return name


def _sinks(value: object) -> tuple[str, ...]:
    names = parsers.list_of(parsers.string)(value)
    if names == ("none",):
        return ()
    unknown = [name for name in names if name not in SINKS]
    if unknown or not names or len(set(names)) != len(names):
        raise RefusedValueError(
            "Use 'cloudwatch', 'stdout' and 'memory', each at most once, or only 'none'."
        )
    return names


def _retention(value: object) -> int:
    days = parsers.integer(value)
    if days not in RETENTION_DAYS:
        nearest = [
            *[allowed for allowed in RETENTION_DAYS if allowed < days][-1:],
            *[allowed for allowed in RETENTION_DAYS if allowed > days][:1],
        ]
        raise RefusedValueError(
            "Use one of the numbers of days that CloudWatch Logs accepts, such as "
            f"{' or '.join(map(str, nearest))}."
        )
    return days


def _journal_bytes(value: object) -> int:
    size = parsers.integer(value)
    if size < MEBIBYTE:
        raise RefusedValueError(f"Use a number of bytes of at least {MEBIBYTE} (1 MiB).")
    return size


def _quiet_periods(value: object) -> int:
    number = parsers.integer(value)
    if not 1 <= number <= _MOST_PERIODS:
        raise RefusedValueError(f"Use a whole number from 1 to {_MOST_PERIODS}.")
    return number


def _topic(value: object) -> str:
    topic = parsers.string(value)
    if not re.fullmatch(_TOPIC, topic):
        raise RefusedValueError(
            "Use a topic name of 1 to 256 characters of A-Z a-z 0-9 _ -, or a complete topic ARN."
        )
    return topic


def _region(value: object) -> str:
    region = parsers.string(value)
    if not re.fullmatch(_REGION, region):
        raise RefusedValueError("Use the name of an AWS region, such as 'eu-central-1'.")
    return region
