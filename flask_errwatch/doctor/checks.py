"""`flask errwatch doctor`: checks everything that alarms depend on, and changes nothing."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator
from importlib.util import find_spec
from typing import TYPE_CHECKING

from flask_errwatch._aws import region_origin
from flask_errwatch._text import counted, described
from flask_errwatch.config import Config
from flask_errwatch.detectors import Catalogue
from flask_errwatch.doctor.destinations import destination_findings, sinks_finding
from flask_errwatch.doctor.emulation import emulator_of
from flask_errwatch.doctor.findings import Finding, not_checked, ok, problem, warning
from flask_errwatch.doctor.heartbeats import heartbeat_finding
from flask_errwatch.doctor.host import journal_findings, middleware_finding, worker_finding
from flask_errwatch.doctor.line_findings import (
    collapse_finding,
    hashed_finding,
    trusted_proxies_finding,
)
from flask_errwatch.doctor.notifications import notification_findings
from flask_errwatch.doctor.permissions import permission_findings
from flask_errwatch.doctor.probe import probe_finding
from flask_errwatch.doctor.recent_lines import clients, newest_lines
from flask_errwatch.doctor.waf import overdue_findings, waf_findings
from flask_errwatch.errors import AwsCallError
from flask_errwatch.provision.discovery import find_alarms, find_log_group
from flask_errwatch.provision.export import Role
from flask_errwatch.provision.from_aws import Entry
from flask_errwatch.provision.refresh import Caller, read_desired
from flask_errwatch.provision.service_groups import creation_remedy, owner_of

if TYPE_CHECKING:
    from flask_errwatch._aws import Aws
    from flask_errwatch.delivery import SinkChoice

#: Seconds to wait for the line of a probe.
PROBE_TIMEOUT = 60.0

#: A subject, and the check of it. If the check raises, that is a finding of the subject.
_Check = tuple[str, Callable[[], Iterable[Finding]]]


def run_checks(
    aws: Aws,
    catalogue: Catalogue,
    config: Config,
    *,
    wsgi_app: object,
    sinks: SinkChoice | None = None,
    role: Role | None = None,
    url: str | None = None,
    probe_timeout: float = PROBE_TIMEOUT,
) -> Iterator[Finding]:
    """Yields every finding as soon as it is known. A failed check is a finding. Nothing is raised.

    Args:
        aws: The account and region.
        catalogue: The app's detectors.
        config: The app's configuration.
        wsgi_app: The app's `wsgi_app`.
        sinks: Where the app's lines go. None means that it is not reported.
        role: Which of the exported policies this identity should have. None checks both.
        url: The app's public URL, to which one failing request is sent as a probe.
        probe_timeout: Seconds to wait for the probe's line.
    """
    caller: Caller | None = None
    try:
        caller = Caller.identify(aws)
    except AwsCallError as error:
        yield _no_identity(error, config.sinks if sinks is None else sinks.names)
    except Exception as error:  # noqa: BLE001 - a finding, as promised
        yield _failed("credentials", error)
    checks: list[_Check] = (
        [] if caller is None else [*_aws_checks(aws, caller, catalogue, config, role)]
    )
    if caller is not None and url is not None:
        checks.append(
            (
                "trusted proxies",
                lambda: [probe_finding(aws, config, url, timeout=probe_timeout)],
            )
        )
    account = None if caller is None else caller.scope.account
    checks += [
        ("middleware", lambda: [middleware_finding(wsgi_app)]),
        ("worker", lambda: [worker_finding(os.environ, _is_installed)]),
        ("journal", lambda: journal_findings(config, sinks and sinks.names)),
        ("lines for elsewhere", lambda: destination_findings(config, account)),
    ]
    if sinks is not None:
        chosen = sinks
        checks.append(("sinks", lambda: [sinks_finding(chosen)]))
    for subject, check in checks:
        yield from _run(subject, check)


def _aws_checks(
    aws: Aws, caller: Caller, catalogue: Catalogue, config: Config, role: Role | None
) -> Iterator[_Check]:
    emulator = emulator_of(aws)
    yield "credentials", lambda: _identity_findings(caller, config)
    yield (
        "permissions",
        lambda: (
            permission_findings(aws, caller, catalogue, config, role)
            if emulator is None
            else [ok("permissions", f"The emulator at {emulator} checks none.")]
        ),
    )
    yield "log group", lambda: log_group_findings(find_log_group(aws, config.log_group), config)
    yield "alarms", lambda: [_alarms_finding(aws, caller, catalogue, config)]
    yield "topic", lambda: notification_findings(aws, config, caller.scope)
    yield "newest lines", lambda: _line_findings(aws, config, is_emulated=emulator is not None)
    yield "IP sets", lambda: waf_findings(aws, config)
    yield "overdue blocks", lambda: overdue_findings(aws, config)


def _run(subject: str, check: Callable[[], Iterable[Finding]]) -> Iterator[Finding]:
    try:
        yield from check()
    except AwsCallError as error:
        yield not_checked(subject, error)
    except Exception as error:  # noqa: BLE001 - a finding, as promised
        yield _failed(subject, error)


def _failed(subject: str, error: Exception) -> Finding:
    message = f"The check itself failed: {described(error)}."
    return problem(subject, message, "Check it by hand, and please report this.")


#: What is missing where no identity was found, and why.
_MISSING = {
    "NoCredentialsError": ("No AWS credentials were found", "credentials"),
    "NoRegionError": ("No AWS region is configured", "a region"),
}
_WITHOUT_AWS = "`flask errwatch lab` needs no account."


def _no_identity(error: AwsCallError, sinks: tuple[str, ...] | None) -> Finding:
    """Without an identity or a region no other call can succeed: one finding, not ten.

    It is only a warning where the process sends nothing to CloudWatch by itself.
    """
    subject = error.kind if error.kind in {"credentials", "region"} else "AWS"
    failed, wanted = _MISSING.get(error.code, (error.outcome, "an AWS that answers"))
    message = f"{failed}: nothing in AWS was checked"
    if sinks is not None and "cloudwatch" not in sinks:
        names = ", ".join(sinks) or "none"
        message = f"{message}. The app itself needs no AWS with the sinks {names}."
        remedy = f"`apply` and the other commands need {wanted}. {error.remedy}"
        return warning(subject, message, f"{remedy} {_WITHOUT_AWS}")
    message = f"{message}, and lines wait in the journal."
    remedy = f"{error.remedy} During development, ERRWATCH_SINKS=stdout needs no AWS, and"
    return problem(subject, message, f"{remedy} {_WITHOUT_AWS}")


def _identity_findings(caller: Caller, config: Config) -> Iterator[Finding]:
    yield ok("credentials", caller.arn, method="sts:GetCallerIdentity")
    source = "ERRWATCH_REGION" if config.region else region_origin(os.environ)
    yield ok("region", f"{caller.scope.region}, by {source}.")


def log_group_findings(entry: Entry | None, config: Config) -> Iterator[Finding]:
    """Whether the log group exists, supports metric filters and has the declared retention.

    Args:
        entry: As DescribeLogGroups lists it, or None when it does not exist.
        config: The app's configuration.
    """
    if entry is None:
        message = f"{config.log_group} does not exist: lines are not counted."
        yield problem("log group", message, creation_remedy(config.log_group))
        return
    log_class = entry.get("logGroupClass", "STANDARD")
    if log_class == "STANDARD":
        yield ok("log group", f"{config.log_group} exists, with class STANDARD.")
    else:
        message = f"{config.log_group} has class {log_class}, which has no metric filters."
        remedy = "A class cannot be changed: set ERRWATCH_LOG_GROUP to another name, and apply."
        yield problem("log group", message, remedy)
    days = entry.get("retentionInDays")
    actual = "never expire" if days is None else f"expire after {days} days"
    owner = owner_of(config.log_group)
    if owner is not None:
        yield ok("retention", f"Lines {actual}. The log group belongs to {owner}: set it there.")
    elif days == config.retention_days:
        yield ok("retention", "Lines never expire." if days is None else f"{days} days.")
    else:
        kept = config.retention_days
        declared = "'never' is" if kept is None else f"{kept} days are"
        message = f"Lines {actual}; {declared} declared."
        remedy = "Run `flask errwatch apply`; another owner's group keeps what it has."
        if days is None:
            remedy = (
                "Run `flask errwatch apply --force`, which deletes older lines, or declare 'never'."
            )
        yield warning("retention", message, remedy)


def _alarms_finding(aws: Aws, caller: Caller, catalogue: Catalogue, config: Config) -> Finding:
    """Whether every declared alarm exists. Whether it is as declared is what `status` reads."""
    desired = read_desired(aws, catalogue, config, caller.scope, [])
    declared = [alarm.name for alarm in desired.every_alarm]
    actual = {alarm.name for alarm in find_alarms(aws, AlarmNamePrefix=f"{config.app_name}-")}
    missing = [name for name in declared if name not in actual]
    remedy = "Run `flask errwatch apply`."
    if not missing:
        return ok("alarms", f"{counted(len(declared), 'alarm')}, as many as declared.")
    if len(missing) == len(declared):
        return problem("alarms", "None of the app's alarms exists.", remedy)
    verb = "is" if len(missing) == 1 else "are"
    message = f"{len(missing)} of {counted(len(declared), 'alarm')} {verb} missing:"
    return problem("alarms", message, remedy, items=missing)


def _line_findings(aws: Aws, config: Config, *, is_emulated: bool) -> Iterator[Finding]:
    now = time.time()
    lines = newest_lines(aws, config, now)
    if config.heartbeat_seconds and config.why_no_heartbeats:
        yield ok("heartbeat", f"None is expected: {config.why_no_heartbeats}.")
    else:
        yield heartbeat_finding(lines, config.heartbeat_seconds, now=now)
    if config.privacy == "hashed":
        yield hashed_finding()
    else:
        yield trusted_proxies_finding(
            *(clients(lines), config.trusted_proxies, config.client_header), is_emulated=is_emulated
        )
    yield collapse_finding(lines, config.collapse_seconds)


def _is_installed(module: str) -> bool:
    return find_spec(module) is not None
