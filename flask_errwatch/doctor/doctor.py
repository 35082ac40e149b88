"""`flask errwatch doctor`: looks at everything that alarms depend on, and changes nothing."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from flask_errwatch._text import described
from flask_errwatch.config import Config
from flask_errwatch.detectors import Catalogue
from flask_errwatch.doctor.findings import Finding, ok, problem, unseen, warning
from flask_errwatch.doctor.host import journal_findings, worker_finding
from flask_errwatch.doctor.notifications import telling_findings
from flask_errwatch.doctor.permissions import Caller, permission_findings
from flask_errwatch.doctor.probe import probe_finding
from flask_errwatch.doctor.recent_lines import (
    address_finding,
    addresses_of,
    heartbeat_finding,
    newest_lines,
)
from flask_errwatch.errors import AwsCallError
from flask_errwatch.provision.export import Role

if TYPE_CHECKING:
    from flask_errwatch._aws import Aws

#: Seconds to wait for the line of a probe.
PROBE_TIMEOUT = 60.0

#: What one check found, and where: each becomes a finding of its own when it fails.
_Check = tuple[str, Callable[[], Iterable[Finding]]]


def examine(
    aws: Aws,
    catalogue: Catalogue,
    config: Config,
    *,
    role: Role | None = None,
    url: str | None = None,
    probe_timeout: float = PROBE_TIMEOUT,
) -> Iterator[Finding]:
    """Every finding, as it is made. A check that fails is a finding too; nothing is raised.

    Args:
        aws: The account and region.
        catalogue: The app's detectors.
        config: The app's configuration.
        role: Which of the exported policies this identity is meant to have; None is either.
        url: The app's public URL: a failing request is sent there, as a probe.
        probe_timeout: Seconds to wait for the probe's line.
    """
    caller: Caller | None = None
    try:
        caller = Caller.of(aws)
    except AwsCallError as error:
        yield _nobody(error)
    except Exception as error:  # noqa: BLE001 - a finding, as promised
        yield _failed("credentials", error)
    checks: list[_Check] = (
        [] if caller is None else [*_in_aws(aws, caller, catalogue, config, role)]
    )
    if caller is not None and url is not None:
        checks.append(
            (
                "trusted proxies",
                lambda: [probe_finding(aws, config, url, timeout=probe_timeout)],
            )
        )
    checks += [
        ("worker", lambda: [worker_finding(os.environ, _is_installed)]),
        ("journal", lambda: journal_findings(config)),
    ]
    for subject, check in checks:
        yield from _checked(subject, check)


def _in_aws(
    aws: Aws, caller: Caller, catalogue: Catalogue, config: Config, role: Role | None
) -> Iterator[_Check]:
    yield "credentials", lambda: _identity(caller, config)
    yield (
        "permissions",
        lambda: permission_findings(aws, caller, catalogue, config, role),
    )
    yield "log group", lambda: log_group_findings(_log_group(aws, config.log_group), config)
    yield "topic", lambda: telling_findings(aws, config, caller.scope)
    yield "newest lines", lambda: _lines(aws, config)


def _checked(subject: str, check: Callable[[], Iterable[Finding]]) -> Iterator[Finding]:
    try:
        yield from check()
    except AwsCallError as error:
        yield unseen(subject, error)
    except Exception as error:  # noqa: BLE001 - a finding, as promised
        yield _failed(subject, error)


def _failed(subject: str, error: Exception) -> Finding:
    found = f"The check itself failed: {described(error)}."
    return problem(subject, found, "Look at it by hand, and please report this.")


def _nobody(error: AwsCallError) -> Finding:
    """Without an identity or a region no other call can be made: one problem, not ten."""
    subject = error.kind if error.kind in {"credentials", "region"} else "AWS"
    found = f"{error.action} failed with {error.code}: nothing in AWS was looked at."
    return problem(subject, found, error.remedy)


def _identity(caller: Caller, config: Config) -> Iterator[Finding]:
    yield ok("credentials", caller.arn, method="sts:GetCallerIdentity")
    said = "ERRWATCH_REGION" if config.region else "boto3's own choice"
    yield ok("region", f"{caller.scope.region}, by {said}.")


def _log_group(aws: Aws, name: str) -> dict[str, Any] | None:
    entries = aws.pages("logs", "describe_log_groups", "logGroups", logGroupNamePrefix=name)
    return next((each for each in entries if each["logGroupName"] == name), None)


def log_group_findings(entry: dict[str, Any] | None, config: Config) -> Iterator[Finding]:
    """Whether the log group stands, carries filters, and keeps lines as long as declared.

    Args:
        entry: As DescribeLogGroups lists it; None when it does not stand.
        config: The app's configuration.
    """
    if entry is None:
        found = f"{config.log_group} does not stand: nothing counts the lines."
        yield problem("log group", found, "Run `flask errwatch apply`.")
        return
    kind = entry.get("logGroupClass", "STANDARD")
    if kind == "STANDARD":
        yield ok("log group", f"{config.log_group} stands, of class STANDARD.")
    else:
        found = f"{config.log_group} is of class {kind}, which carries no metric filters."
        remedy = "A class cannot be changed: set ERRWATCH_LOG_GROUP to another name, and apply."
        yield problem("log group", found, remedy)
    days = entry.get("retentionInDays")
    if days == config.retention_days:
        yield ok("retention", f"{days} days.")
    else:
        kept = "for ever" if days is None else f"{days} days"
        found = f"Lines are kept {kept}, declared are {config.retention_days} days."
        remedy = "Run `flask errwatch apply`; another owner's group keeps what it has."
        yield warning("retention", found, remedy)


def _lines(aws: Aws, config: Config) -> Iterator[Finding]:
    lines = newest_lines(aws, config, time.time())
    yield heartbeat_finding(lines, config.heartbeat_seconds)
    yield address_finding(addresses_of(lines), config.trusted_proxies)


def _is_installed(module: str) -> bool:
    return find_spec(module) is not None
