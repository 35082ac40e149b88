"""`flask errwatch doctor | drill`: each command parses, calls and prints."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click
from flask import current_app
from flask.cli import with_appcontext

from flask_errwatch.extension import AppState, ErrWatch, state_of

if TYPE_CHECKING:
    from flask_errwatch._aws import Aws
    from flask_errwatch.provision.export import Role

_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.command()
@_json
@click.option(
    "--role",
    type=click.Choice(["runtime", "deploy"]),
    help="What this identity is meant to do; otherwise both are looked at.",
)
@click.option("--url", help="The app's public URL: one request is sent there that is answered 404.")
@with_appcontext
def doctor(*, as_json: bool, role: Role | None, url: str | None) -> None:
    """Look whether all is as it must be, and say what to do; changes nothing."""
    from flask_errwatch.doctor import Checkup, examine

    state, aws = _app_and_aws()
    found = []
    for finding in examine(aws, state.catalogue, state.config, role=role, url=url):
        found.append(finding)
        if not as_json:
            click.echo(str(finding))
    whole = Checkup(tuple(found))
    click.echo(json.dumps(whole.to_dict(), indent=2) if as_json else whole.summary)
    if not whole.is_sound:
        raise click.exceptions.Exit(1)


@click.command()
@_json
@click.option("--detector", help="Whose alarm shall go off; otherwise the least severe one's.")
@click.option(
    "--timeout",
    type=click.FloatRange(1, 86_400),
    help="Seconds that it may take; otherwise the alarm's periods and five minutes.",
)
@click.option("--yes", is_flag=True, help="Do not ask.")
@with_appcontext
def drill(*, as_json: bool, detector: str | None, timeout: float | None, yes: bool) -> None:
    """Let an alarm go off with marked events, and say when each station had them."""
    from flask_errwatch.doctor import prepared
    from flask_errwatch.doctor.drill import Sender
    from flask_errwatch.doctor.drill_stages import NAMES

    state, aws = _app_and_aws()
    made = prepared(aws, state.catalogue, state.config, detector=detector, timeout=timeout)
    click.echo(str(made), err=as_json)
    if not yes:
        click.confirm("Begin?", abort=True, err=as_json)
    app = current_app._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001 - Flask's documented way
    sender = Sender(
        report=lambda name, data: ErrWatch().report(name, app=app, **data),
        stats=state.delivery.stats,
    )
    click.echo(f"At most {made.timeout:g} s …", err=True)
    stations = []
    for number, station in enumerate(made.run(aws, state.config, sender), start=1):
        stations.append(station)
        told = f"[{number}/{len(NAMES)}] {station.name}: {station}"
        click.echo(told, err=as_json)
    if as_json:
        listed = [each.to_dict() for each in stations]
        click.echo(json.dumps({"drill": made.id, "stations": listed}, indent=2))
    if any(each.outcome != "arrived" for each in stations):
        raise click.exceptions.Exit(1)


def _app_and_aws() -> tuple[AppState, Aws]:
    from flask_errwatch._aws import Aws, Patience

    state = state_of(current_app)
    config = state.config
    # A person waits, and a failure is an answer here: fewer attempts than for a change.
    patience = Patience(connect=5, read=20, attempts=3)
    return state, Aws(region=config.region, endpoint_url=config.endpoint_url, patience=patience)
