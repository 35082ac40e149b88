"""`flask errwatch verify | doctor | drill`: each command parses, calls and prints."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click
from flask import current_app
from flask.cli import with_appcontext

from flask_errwatch.cli.context import app_and_aws, aws_options
from flask_errwatch.cli.options import json_option
from flask_errwatch.cli.refusals import agrees
from flask_errwatch.extension import ErrWatch

if TYPE_CHECKING:
    from flask_errwatch.provision.export import Role

#: The user waits, and a failed call is a finding: fewer attempts than for a change.
_ATTEMPTS = 3


@click.command()
@click.option("--live", is_flag=True, help="Ask AWS too, and compare the patterns stored there.")
@aws_options
@with_appcontext
def verify(*, live: bool) -> None:
    """Check that each line matches only its own filter.

    Evaluates a sample line of each detector against the patterns of all detectors.
    """
    from flask_errwatch.cli.console import plain, show
    from flask_errwatch.doctor import verify as verify_patterns

    state, aws = app_and_aws()
    verification = verify_patterns(state.catalogue, state.config, aws if live else None)
    show(plain(verification, "level.ok"))


@click.command()
@json_option
@click.option(
    "--role",
    type=click.Choice(["runtime", "deploy", "respond"]),
    help="The role that this identity is meant to have; by default the first two are checked.",
)
@click.option("--url", help="The app's public URL. One request that is answered 404 is sent there.")
@aws_options
@with_appcontext
def doctor(*, as_json: bool, role: Role | None, url: str | None) -> None:
    """Check everything that alarms depend on. Changes nothing, and prints a remedy per problem."""
    from flask_errwatch.cli import views
    from flask_errwatch.cli.console import plain, show
    from flask_errwatch.doctor import CheckResults, run_checks
    from flask_errwatch.provision.target import AwsTarget

    state, aws = app_and_aws(attempts=_ATTEMPTS)
    target = AwsTarget.identify(aws)
    if not as_json:
        show(views.target_view(target))
    findings = []
    checks = run_checks(
        aws,
        state.catalogue,
        state.config,
        wsgi_app=current_app.wsgi_app,
        sinks=state.delivery.choose_sinks(),
        role=role,
        url=url,
    )
    for finding in checks:
        findings.append(finding)
        if not as_json:
            show(views.finding_view(finding))
    results = CheckResults(tuple(findings))
    if as_json:
        click.echo(json.dumps({"target": target.to_dict(), **results.to_dict()}, indent=2))
    else:
        show(plain(results.summary, "heading"))
    if not results.is_sound:
        raise click.exceptions.Exit(1)


@click.command()
@json_option
@click.option(
    "--detector", help="The detector whose alarm shall fire, by default the least severe one."
)
@click.option("--scan", is_flag=True, help="Rehearse a scan, up to the message that names it.")
@click.option(
    "--timeout",
    type=click.FloatRange(1, 86_400),
    help="Time limit in seconds, by default the periods of the alarm and five minutes.",
)
@click.option("--yes", is_flag=True, help="Do not ask.")
@with_appcontext
def drill(
    *, as_json: bool, detector: str | None, scan: bool, timeout: float | None, yes: bool
) -> None:
    """Make an alarm fire, and follow it to SNS.

    Sends marked events from this process, and prints when each stage received them.
    """
    from flask_errwatch.cli import views
    from flask_errwatch.cli.console import plain, stderr, stdout, waiting
    from flask_errwatch.doctor import (
        Reporter,
        prepare_drill,
        prepare_scan_drill,
        scan_reporter,
    )
    from flask_errwatch.provision.target import AwsTarget

    state, aws = app_and_aws(attempts=_ATTEMPTS)
    prepare = prepare_scan_drill if scan else prepare_drill
    planned_drill = prepare(aws, state.catalogue, state.config, detector=detector, timeout=timeout)
    console = stderr() if as_json else stdout()
    target = AwsTarget.identify(aws)
    console.print(views.target_view(target))
    console.print(*map(plain, str(planned_drill).splitlines()), sep="\n")
    if not yes and not agrees(f"Begin in {target.phrase}?", "give --yes.", err=as_json):
        raise click.Abort
    app = current_app._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001 - Flask's documented way
    state.delivery.default_to("cloudwatch")  # whatever `app.debug` is: a drill follows lines there
    if scan:
        reporter = scan_reporter(state.recorder, state.catalogue, state.delivery.stats)
    else:
        reporter = Reporter(
            report=lambda name, data: ErrWatch().report(name, app=app, **data),
            stats=state.delivery.stats,
        )
    names = planned_drill.stages
    click.echo(f"At most {planned_drill.timeout:g} s …", err=True)
    stages = []
    with waiting(console, names[0]) as wait_for:
        for number, stage in enumerate(planned_drill.run(aws, state.config, reporter), start=1):
            stages.append(stage)
            console.print(views.stage_view(stage, number, len(names)))
            wait_for("".join(names[number : number + 1]))
    if as_json:
        values = [stage.to_dict() for stage in stages]
        # Programs read the key `stations`, so it stays, although the command calls them stages.
        click.echo(json.dumps({"drill": planned_drill.id, "stations": values}, indent=2))
    if any(stage.outcome != "arrived" for stage in stages):
        raise click.exceptions.Exit(1)
