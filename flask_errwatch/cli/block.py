"""`flask errwatch block | unblock | blocked`: parse, call, print."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click
from flask.cli import with_appcontext

from flask_errwatch._parsers import Network, RefusedValueError, TrustedProxies
from flask_errwatch._text import counted, one_line
from flask_errwatch.cli.context import app_and_aws, aws_options, show_target
from flask_errwatch.cli.options import duration, json_option
from flask_errwatch.cli.respond import Progress, investigator
from flask_errwatch.respond.blocking.brakes import OVERRIDABLE, Brake

if TYPE_CHECKING:
    from flask_errwatch._aws import Aws
    from flask_errwatch.config import Config
    from flask_errwatch.respond.blocking.blocker import Blocker, CallerFacts
    from flask_errwatch.respond.blocking.plans import Request
    from flask_errwatch.respond.blocking.seen import Answers
    from flask_errwatch.respond.investigation import Investigator

_log = click.Path(exists=True, dir_okay=False, path_type=Path)
_yes = click.option("--yes", is_flag=True, help="Do it. Without, it is only shown.")


@click.command()
@click.argument("addresses", metavar="ADDRESS…", nargs=-1)
@click.option("--from-alarm", "alarm", metavar="NAME", help="The sources that `why` accuses.")
@click.option(
    "--for", "seconds", metavar="TIME", callback=duration, help="How long, such as 24h or 7d."
)
@click.option("--reason", metavar="TEXT", help="Why, for the others who read `blocked`.")
@click.option(
    "--override",
    "overrides",
    type=click.Choice([str(brake) for brake in OVERRIDABLE]),
    multiple=True,
    help="Block in spite of this brake. It is recorded.",
)
@click.option("--url", help="The app's public URL, for a probe of the proxy rule.")
@click.option("--access-log", "logs", type=_log, multiple=True, help="Compare errors with answers.")
@_yes
@aws_options
@with_appcontext
def block(
    *,
    addresses: tuple[str, ...],
    alarm: str | None,
    seconds: float | None,
    reason: str | None,
    overrides: tuple[str, ...],
    url: str | None,
    logs: tuple[Path, ...],
    yes: bool,
) -> None:
    """Block sources in AWS WAF, for a time. Shows what it would do, unless you give --yes.

    An ADDRESS may be a network. "-" reads them from standard input, one a line.
    """
    from flask_errwatch.cli.console import show
    from flask_errwatch.respond.blocking.blocker import check_config
    from flask_errwatch.respond.blocking.text import note_lines, plan_lines
    from flask_errwatch.respond.blocking.web_acls import rule_notes

    state, aws = app_and_aws()
    check_config(state.config)
    if alarm is not None and addresses:
        raise click.UsageError("Give addresses or --from-alarm, not both.")
    blocker = _blocker(aws, state.config)
    show_target(aws)
    with Progress() as progress:
        request = (
            _request_for(addresses)
            if alarm is None
            else _request_from(alarm, investigator(time.time(), progress, yes=yes, logs=logs))
        )
        request = replace(
            request,
            reason=reason or request.reason,
            seconds=seconds,
            overrides=frozenset(map(Brake, overrides)),
        )
        progress("the probe, the lines and the IP sets")
        caller = _caller_facts(aws, state.config, url, logs)
        plan, reading = blocker.plan_block(request, caller)
        notes = rule_notes(aws, state.config, reading.sets_of(plan.networks))
    show(*plan_lines(plan), *note_lines(notes))
    if plan.blocks and yes:
        blocker.block(plan, reading)
        show(f"Done: {counted(len(plan.blocks), 'block')}.")
    else:
        show("Nothing was changed: give --yes." if plan.blocks else "Nothing is blocked.")
    if plan.stopped:
        raise click.exceptions.Exit(1)


@click.command()
@click.argument("addresses", metavar="ADDRESS…", nargs=-1)
@click.option("--expired", is_flag=True, help="All whose time is over.")
@_yes
@aws_options
@with_appcontext
def unblock(*, addresses: tuple[str, ...], expired: bool, yes: bool) -> None:
    """Remove addresses that this app blocked. Shows what it would do, unless you give --yes."""
    from flask_errwatch.cli.console import show
    from flask_errwatch.respond.blocking.text import unblock_lines

    if expired and addresses:
        raise click.UsageError("Give addresses or --expired, not both.")
    state, aws = app_and_aws()
    networks = [] if expired else _networks(addresses)
    show_target(aws)
    blocker = _blocker(aws, state.config)
    plan, reading = blocker.plan_expired() if expired else blocker.plan_unblock(networks)
    show(*unblock_lines(plan))
    ended = len(plan.removed) + len(plan.closed)
    if ended and yes:
        blocker.unblock(plan, reading)
        show(f"Done: {counted(ended, 'block')} ended.")
    else:
        show("Nothing was changed: give --yes." if ended else "Nothing is to be unblocked.")
    if not plan.is_whole:
        raise click.exceptions.Exit(1)


@click.command()
@json_option
@aws_options
@with_appcontext
def blocked(*, as_json: bool) -> None:
    """Show what is blocked, until when, by whom, and whether lines still arrive."""
    from flask_errwatch.cli.console import show
    from flask_errwatch.respond.blocking.arrivals import with_arrivals
    from flask_errwatch.respond.blocking.entry_states import entry_states
    from flask_errwatch.respond.blocking.text import entry_document, entry_lines, note_lines
    from flask_errwatch.respond.blocking.web_acls import rule_notes

    state, aws = app_and_aws()
    reading = _blocker(aws, state.config).read()
    found = with_arrivals(entry_states(reading), aws, state.config, reading.now)
    notes = rule_notes(aws, state.config, [one for one in reading.sets if one.entries])
    if as_json:
        click.echo(entry_document(found, notes))
    else:
        kept = state.config.retention_days
        show_target(aws)
        show(*entry_lines(found, kept_days=kept), *note_lines(notes))


def _request_for(addresses: Iterable[str]) -> Request:
    from flask_errwatch.respond.blocking.plans import Request

    return Request(networks={network: {} for network in _networks(addresses)}, reason="")


def _request_from(alarm: str, investigator: Investigator) -> Request:
    """A request to block the sources that the verdict about an alarm accuses."""
    from flask_errwatch.respond.blocking.from_alarm import accused
    from flask_errwatch.respond.blocking.plans import Request
    from flask_errwatch.respond.investigation import Question

    story = investigator.story(Question(name=alarm))
    reason = str(story.verdict.kind)
    return Request(networks=accused(story), reason=reason, alarm=story.alarm)


def _blocker(aws: Aws, config: Config) -> Blocker:
    from flask_errwatch.respond.blocking.blocker import Blocker
    from flask_errwatch.respond.blocking.ip_sets import IpSets

    return Blocker(aws, IpSets.of(aws, config), config)


def _caller_facts(aws: Aws, config: Config, url: str | None, logs: Sequence[Path]) -> CallerFacts:
    """The addresses of the person who blocks, what the probe shows, and the access logs."""
    from flask_errwatch.doctor.checks import PROBE_TIMEOUT
    from flask_errwatch.doctor.probe import send_probe
    from flask_errwatch.respond.blocking.blocker import CallerFacts

    own = {"SSH_CONNECTION": os.environ.get("SSH_CONNECTION", "").partition(" ")[0]}
    is_proven = False
    address = url or config.url
    if address is not None:
        probe = send_probe(aws, config, address, timeout=PROBE_TIMEOUT)
        is_proven = probe.is_proof
        own["the probe"] = probe.address or ""
        if not is_proven:
            click.echo(one_line(f"{probe.finding.text} {probe.finding.remedy or ''}"), err=True)
    return CallerFacts(
        own=dict(_known(own)),
        is_proven=is_proven,
        answers=_requests_of(logs, config.trusted_proxies) if logs else None,
    )


def _requests_of(logs: Sequence[Path], trusted: TrustedProxies) -> Answers:
    """The requests of access logs in a window."""
    from flask_errwatch.replay.answers import read_requests

    names = [str(log) for log in logs]
    return lambda window: read_requests(names, window, trusted)


def _known(addresses: Mapping[str, str]) -> Iterator[tuple[str, Network]]:
    from flask_errwatch.respond.blocking.networks import read_network

    for name, address in addresses.items():
        try:
            yield name, read_network(address)
        except RefusedValueError:
            continue  # it is not set, or not an address


def _networks(addresses: Iterable[str]) -> list[Network]:
    """The networks that are given, also by standard input."""
    from flask_errwatch.respond.blocking.networks import listed, read_network

    networks = []
    for argument in addresses:
        for text in listed(_standard_input()) if argument == "-" else (argument,):
            try:
                networks.append(read_network(text))
            except RefusedValueError as error:
                message = f"{one_line(text, 60)!r} is not an address. {error}"
                raise click.ClickException(message) from error
    if not networks:
        raise click.ClickException("No address was given.")
    return networks


def _standard_input() -> list[str]:
    try:
        return sys.stdin.read().removeprefix("\ufeff").splitlines()
    except UnicodeDecodeError as error:
        raise click.ClickException("Standard input is not in UTF-8: convert it.") from error
