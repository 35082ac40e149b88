"""`flask errwatch …`: each command parses, calls and prints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
from flask import current_app
from flask.cli import AppGroup, ScriptInfo, pass_script_info

from flask_errwatch.cli.doctor import doctor, drill
from flask_errwatch.cli.export import export
from flask_errwatch.cli.provision import apply, destroy, plan, status
from flask_errwatch.cli.replay import replay
from flask_errwatch.errors import ErrWatchError, NoAppError, PatternSyntaxError, Problem
from flask_errwatch.extension import KEY, AppState, ErrWatch, state_of

if TYPE_CHECKING:
    from flask_errwatch.simulation import Transition


class _Group(AppGroup):
    """What the library says is wrong is shown as a message, not as a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except PatternSyntaxError as error:
            # On lines of its own: the caret stands under the mistake.
            raise click.ClickException(f"\n{error}") from error
        except ErrWatchError as error:
            raise click.ClickException(str(error)) from error


@click.group("errwatch", cls=_Group)
def errwatch() -> None:
    """Makes the app its own intrusion and failure detector on AWS."""


@errwatch.command()
@click.option("--dry-run", is_flag=True, help="Only show what would be done.")
def bootstrap(*, dry_run: bool) -> None:
    """Create or update log group, metric filters, alarms and subscriptions."""
    click.echo(str(ErrWatch().bootstrap_alarms(dry_run=dry_run)))


@errwatch.command()
@click.option("--live", is_flag=True, help="Ask AWS too, and compare what is stored there.")
def verify(*, live: bool) -> None:
    """Prove that each detector's line matches its own pattern and no other."""
    from flask_errwatch._aws import PROVISIONING, Aws
    from flask_errwatch.doctor import verify as verify_patterns

    state = state_of(current_app)
    config = state.config
    aws = Aws.from_config(config, PROVISIONING)
    click.echo(str(verify_patterns(state.catalogue, config, aws if live else None)))


@errwatch.command(with_appcontext=False)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=0,
    help="The app's port; 0: a free one.",
)
@click.option(
    "--speed",
    type=click.FloatRange(1, 3600),
    default=1.0,
    show_default=True,
    help="How many times faster than real time the lab's clock runs.",
)
@pass_script_info
def lab(info: ScriptInfo, *, port: int, speed: float) -> None:
    """Serve the app with an embedded CloudWatch on loopback, until Ctrl-C."""
    from flask_errwatch.lab import (
        Lab,
        check_app_uses_lab,
        format_transition,
        serve_app,
        shell_exports,
    )

    def show(transition: Transition) -> None:
        click.echo(format_transition(transition))

    with Lab(speed=speed, on_transition=show) as running:
        # Loaded inside, so that the app reads the lab's environment.
        app = info.load_app()
        state = app.extensions.get(KEY)
        if not isinstance(state, AppState):
            remedy = "Call ErrWatch(app), or init_app in its factory."
            raise NoAppError(Problem(key="app", value=app.name, remedy=remedy))
        check_app_uses_lab(running, state.config)
        click.echo(str(ErrWatch().bootstrap_alarms(app)))
        click.echo(f"\n{shell_exports(running, state.config)}")
        serve_app(running, app, state.config, port=port, echo=click.echo)
        # Inside the block, while the lab still accepts lines.
        ErrWatch().flush(app=app)


errwatch.add_command(replay)
errwatch.add_command(export)
for command in (
    plan,
    apply,
    status,
    destroy,
    doctor,
    drill,
):
    errwatch.add_command(command)
