"""`flask errwatch lab`: parses, calls and prints."""

from __future__ import annotations

import click
from flask.cli import ScriptInfo, pass_script_info

from flask_errwatch.errors import NoAppError, Problem
from flask_errwatch.extension import KEY, AppState, ErrWatch


@click.command()
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, help="Port of the app; 0 means any."
)
@click.option(
    "--speed",
    type=click.FloatRange(1, 3600),
    default=1.0,
    show_default=True,
    help="How many times faster than real time the lab runs.",
)
@pass_script_info
def lab(info: ScriptInfo, *, port: int, speed: float) -> None:
    """Serve the app with an embedded CloudWatch.

    On loopback, until Ctrl-C.
    """
    from flask_errwatch.cli import views
    from flask_errwatch.cli.console import show
    from flask_errwatch.lab import (
        Lab,
        check_app_uses_lab,
        serve_app,
    )
    from flask_errwatch.lab.app_server import create_service_group
    from flask_errwatch.simulation import ContributorTransition, Transition

    def print_transition(transition: Transition) -> None:
        show(views.transition_view(transition))

    def print_contributor(change: ContributorTransition) -> None:
        show(views.contributor_view(change))

    with Lab(
        speed=speed, on_transition=print_transition, on_contributor=print_contributor
    ) as running:
        # Loaded here, so that the app reads the lab's environment.
        app = info.load_app()
        state = app.extensions.get(KEY)
        if not isinstance(state, AppState):
            remedy = "Call ErrWatch(app), or init_app in its factory."
            raise NoAppError(Problem(key="app", value=app.name, remedy=remedy))
        check_app_uses_lab(running, state.config)
        create_service_group(state.config)
        show(*views.plan_view(ErrWatch().bootstrap_alarms(app)))
        # By click, which breaks no line: what it prints is copied into another shell.
        serve_app(running, app, state.config, port=port, echo=click.echo)
        # Before the lab stops: afterwards nothing accepts the lines.
        ErrWatch().flush(app=app)
