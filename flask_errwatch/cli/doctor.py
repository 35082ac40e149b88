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
    help="The role that this identity should have; without it both are checked.",
)
@click.option("--url", help="The app's public URL: one request is sent there that is answered 404.")
@with_appcontext
def doctor(*, as_json: bool, role: Role | None, url: str | None) -> None:
    """Check what alarms depend on, without changing anything, and show remedies."""
    from flask_errwatch.doctor import CheckResults, run_checks

    state, aws = _app_and_aws()
    findings = []
    for finding in run_checks(aws, state.catalogue, state.config, role=role, url=url):
        findings.append(finding)
        if not as_json:
            click.echo(str(finding))
    results = CheckResults(tuple(findings))
    click.echo(json.dumps(results.to_dict(), indent=2) if as_json else results.summary)
    if not results.is_sound:
        raise click.exceptions.Exit(1)


@click.command()
@_json
@click.option("--detector", help="The detector to drill; without it the least severe one.")
@click.option(
    "--timeout",
    type=click.FloatRange(1, 86_400),
    help="Seconds for all stages; without it the alarm's periods and five minutes.",
)
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@with_appcontext
def drill(*, as_json: bool, detector: str | None, timeout: float | None, yes: bool) -> None:
    """Make an alarm fire with marked events, and show when each stage has them."""
    from flask_errwatch.doctor import STAGES, Reporter, prepare_drill

    state, aws = _app_and_aws()
    prepared = prepare_drill(aws, state.catalogue, state.config, detector=detector, timeout=timeout)
    click.echo(str(prepared), err=as_json)
    if not yes:
        click.confirm("Begin?", abort=True, err=as_json)
    app = current_app._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001 - Flask's documented way
    reporter = Reporter(
        report=lambda name, data: ErrWatch().report(name, app=app, **data),
        stats=state.delivery.stats,
    )
    click.echo(f"At most {prepared.timeout:g} s …", err=True)
    stages = []
    for number, stage in enumerate(prepared.run(aws, state.config, reporter), start=1):
        stages.append(stage)
        click.echo(f"[{number}/{len(STAGES)}] {stage.name}: {stage}", err=as_json)
    if as_json:
        values = {"drill": prepared.id, "stations": [stage.to_dict() for stage in stages]}
        click.echo(json.dumps(values, indent=2))
    if any(stage.outcome != "arrived" for stage in stages):
        raise click.exceptions.Exit(1)


def _app_and_aws() -> tuple[AppState, Aws]:
    from flask_errwatch._aws import Aws, Patience

    state = state_of(current_app)
    config = state.config
    # The user waits, and a failure is a result here: fewer attempts than for a change.
    patience = Patience(connect=5, read=20, attempts=3)
    return state, Aws.from_config(config, patience)
