"""`flask errwatch lab`: parses, calls and prints."""

from __future__ import annotations

import click
from flask.cli import ScriptInfo, pass_script_info

from flask_errwatch.extension import ErrWatch, state_of


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
    from flask_errwatch._aws import PROVISIONING, Aws
    from flask_errwatch.cli import views
    from flask_errwatch.cli.console import show
    from flask_errwatch.cli.script_info import raise_if_no_app
    from flask_errwatch.lab import (
        TOPIC_WITH_SUBSCRIBER,
        Lab,
        check_app_uses_lab,
        create_web_acl,
        create_what_others_own,
        listen,
        serve_app,
    )
    from flask_errwatch.provision.apply import bootstrap
    from flask_errwatch.simulation import ContributorTransition, Transition

    def print_transition(transition: Transition) -> None:
        show(views.transition_view(transition))

    def print_contributor(change: ContributorTransition) -> None:
        show(views.contributor_view(change))

    raise_if_no_app(info)
    with (
        listen(port) as listener,
        Lab(
            speed=speed,
            defaults=TOPIC_WITH_SUBSCRIBER,
            on_transition=print_transition,
            on_contributor=print_contributor,
        ) as running,
    ):
        click.echo(
            f"AWS is emulated at {running.endpoint}. Nothing leaves this machine, and no mail is "
            "sent."
        )
        # Loaded here, so that the app reads the lab's environment.
        app = info.load_app()
        state = state_of(app)
        check_app_uses_lab(running, state.config)
        create_what_others_own(state.config)
        # No other app is in the lab: the name is its own there, also if it is one of many apps.
        config = state.config._replace(app_name=str(state.config.app_name))
        aws = Aws.from_config(config, PROVISIONING)
        show(*views.plan_view(bootstrap(aws, state.catalogue, config)))
        create_web_acl(state.config)
        # By click, which breaks no line: what it prints is copied into another shell.
        serve_app(
            *(running, app, state.config),
            listener=listener,
            echo=click.echo,
            app_path=info.app_import_path,
        )
        # Before the lab stops: afterwards nothing accepts the lines.
        ErrWatch().flush(app=app)
