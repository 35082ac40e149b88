"""`Config`: the checked configuration of one app."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from flask_errwatch._lambda import LOG_GROUPS
from flask_errwatch._parsers import Secret, TrustedProxies


class GenericName(str):
    """The name of an app that Flask took from a module such as `app`, and that many apps have."""

    __slots__ = ()


# A dataclass of so many fields would take 0.6 ms more of every import, a twentieth of it.
class Config(NamedTuple):
    """The checked configuration of an app, created by `load`.

    Attributes:
        app_name: Prefix of every AWS name, by default that of the Flask app, `app.name`.
        log_group: Log group of the lines, by default called as the app.
        environment: Tag in every line, or None.
        release: Tag in every line, or None.
        sinks: Where lines go. None means `memory` while the app is testing, `stdout` while it is
            in debug mode and in AWS Lambda, else `cloudwatch`.
        namespace: Metric namespace.
        retention_days: Retention of the log group, in days. None means that lines never expire.
        data_protection: Whether CloudWatch Logs masks secrets in the log group.
        alarm_threshold: Threshold of every alarm that has none.
        alarm_period: Period of every alarm that has none, in seconds.
        detectors: Overrides per detector, such as `{"not-found-error": {"threshold": 50}}`.
        sns_topic: Topic name (created) or ARN (used), or None.
        sns_topics: Topic name or ARN for the alarms of detectors of a level, by the level.
        ok_actions: Whether alarms notify of their return to OK.
        tags: Tags of everything that takes tags, beside those that identify the owner.
        subscriptions: Who is notified: endpoints with their scheme, such as `mailto:…`.
        quiet_periods: Periods without a breach after which an alarm that one period makes fire
            returns to OK.
        notify: Whether each alarm notifies (`each`), or one composite alarm of the app (`app`).
        region: AWS region, or None for boto3's default.
        endpoint_url: AWS endpoint, or None for boto3's default.
        send_interval: Longest time that a line waits before it is sent, in seconds.
        journal_dir: Folder of the journal, or None for the first one that can be used.
        journal_max_bytes: Bound of the app's whole journal folder, in bytes.
        shutdown_timeout: Longest time that a stopping process waits to send, in seconds.
        trusted_proxies: Networks of the trusted proxies, such as `10.0.0.0/8`, their number (0:
            nothing is known), or `none` where there is no proxy.
        client_header: The header in which trusted proxies name the client.
        redact_keys: Secret keys in addition to the built-in list.
        redact_email: Whether e-mail addresses are masked too.
        privacy: Whether lines have addresses and users as keyed hashes (`hashed`) or not (`off`).
        privacy_key: The key of these hashes, a secret of at least 16 characters.
        user: Whether lines have the id of the user who is signed in by Flask-Login.
        login_endpoints: Endpoints to which people post their passwords, such as `auth.login`.
        logged_errors: Loggers whose records at ERROR or above become events. `root` means all.
        watch_commands: Whether the commands of `app.cli` are watched.
        watch_threads: Whether threads are watched.
        ignored_paths: Patterns of paths that are oddities of the site, in lower case.
        expected_agents: Parts of the user agents of the site's own monitors, in lower case.
        collapse_seconds: Time within which events that are alike share a line. 0 means never.
        heartbeat_seconds: Time between two heartbeats of a process. 0 means none.
        silence_alarm: Whether an alarm fires when no heartbeat arrives.
        track_requests: Whether each process notes its requests, for the line of one that dies.
        process_alarm: Whether an alarm fires when a process died.
        per_source_alarms: Detectors with an alarm on their busiest client address, and its
            threshold in lines. None means half of the detector's threshold.
        source_alarms: Whether alarms on one source watch each client address (`each`), all of
            them together (`site`), or are not created (`off`).
        log_alarm_role: ARN of the role with which CloudWatch queries the lines for log alarms.
            None means Contributor Insights rules instead.
        defaults: The version whose default catalogue the app has.
        dashboard: Whether a dashboard is provisioned.
        saved_queries: Whether the Logs Insights queries are saved.
        waf_scope: Scope of the IP sets of AWS WAF, `regional` or `cloudfront`. None means no sets.
        waf_proxies: Number of proxies between the clients and WAF, which decides the address that
            its rules compare.
        never_block: Addresses, networks and `file:PATH` entries that are never blocked, as given.
        url: The app's public URL, for the probe that checks the trusted proxies. None means none.
        report_topic: ARN of the topic for reports of alarms, or None.
        auto_block: Whether the function for alarms blocks, instead of only reporting.
    """

    app_name: str
    log_group: str
    environment: str | None
    release: str | None
    sinks: tuple[str, ...] | None
    namespace: str
    retention_days: int | None
    data_protection: bool
    alarm_threshold: float
    alarm_period: int
    detectors: Mapping[str, Mapping[str, object]]
    sns_topic: str | None
    sns_topics: Mapping[str, str]
    ok_actions: bool
    tags: Mapping[str, str]
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
    login_endpoints: tuple[str, ...]
    logged_errors: tuple[str, ...]
    watch_commands: bool
    watch_threads: bool
    ignored_paths: tuple[str, ...]
    expected_agents: tuple[str, ...]
    collapse_seconds: float
    heartbeat_seconds: float
    silence_alarm: bool
    track_requests: bool
    process_alarm: bool
    per_source_alarms: Mapping[str, float | None]
    source_alarms: str
    log_alarm_role: str | None
    defaults: str
    dashboard: bool
    saved_queries: bool
    waf_scope: str | None
    waf_proxies: int
    never_block: tuple[str, ...]
    url: str | None
    report_topic: str | None
    auto_block: bool

    @property
    def has_own_name(self) -> bool:
        """Whether the app's name is one that other apps are unlikely to have."""
        return not isinstance(self.app_name, GenericName)

    @property
    def has_topic_arn(self) -> bool:
        """Whether the topic is configured by its ARN, and so is not one to create."""
        return self.sns_topic is not None and self.sns_topic.startswith("arn:")

    @property
    def topics(self) -> tuple[str, ...]:
        """The names and ARNs of all topics that are configured, each once."""
        default = () if self.sns_topic is None else (self.sns_topic,)
        return tuple(dict.fromkeys((*default, *self.sns_topics.values())))

    @property
    def why_no_heartbeats(self) -> str | None:
        """Why the app's processes emit no heartbeats where they are deployed; None if they do."""
        if self.log_group.startswith(LOG_GROUPS):
            return "a function of AWS Lambda has none, since it is frozen between two requests"
        sinks = self.sinks or ()
        if "stdout" in sinks and "cloudwatch" not in sinks:
            return "only the sink 'cloudwatch' has them"
        return "they are turned off" if self.heartbeat_seconds == 0 else None


#: All keys. Each field has one.
KEYS = frozenset(f"ERRWATCH_{field.upper()}" for field in Config._fields)
