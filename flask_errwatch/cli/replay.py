"""The command `flask errwatch replay`: parse, call, print."""

from __future__ import annotations

import errno
import math
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click
from flask.cli import NoAppException, ScriptInfo, pass_script_info

from flask_errwatch._text import one_line
from flask_errwatch.extension import KEY, AppState

if TYPE_CHECKING:
    from flask_errwatch.replay.detector_set import DetectorSet

_FORMATS = ("auto", "combined", "json", "cloudwatch-export")
_STDIN = "-"
_STDOUT = "standard output"


def _finite(_: click.Context, __: click.Parameter, value: float | None) -> float | None:
    if value is not None and not math.isfinite(value):
        raise click.BadParameter("It must be a finite number.")
    return value


class _Refused(click.ClickException):
    """What was given cannot be used."""

    exit_code = 2


@click.command("replay")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option(
    "--format",
    "form",
    type=click.Choice(_FORMATS),
    default="auto",
    show_default=True,
    help="Of the lines; auto looks at the first ones.",
)
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="DETECTOR.FIELD=VALUE",
    help="Try another value, as not-found-error.threshold=50; may be repeated.",
)
@click.option(
    "--advise",
    type=click.FloatRange(min=0),
    callback=_finite,
    metavar="N",
    help="Propose thresholds that give at most N alarms a week.",
)
@click.option(
    "--no-heartbeat",
    is_flag=True,
    help="Take minutes without a line for missing data; they are zeros while an app's beats.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option(
    "--html",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="Write a page with a chart per detector.",
)
@pass_script_info
def replay(
    info: ScriptInfo,
    *,
    files: tuple[str, ...],
    form: str,
    settings: tuple[str, ...],
    advise: float | None,
    no_heartbeat: bool,
    as_json: bool,
    html: Path | None,
) -> None:
    """Judge logs: which alarms would they have raised?

    Each FILE is an access log or holds the app's own lines, plain or packed with gzip or zstd;
    - is standard input. Without an app the default detectors judge.
    """
    from flask_errwatch.replay import result, run, text
    from flask_errwatch.replay.detector_set import WrongSettingError
    from flask_errwatch.replay.files import UnreadableLogError

    write = None if html is None else run.page_writer()
    if html is not None and not (html.exists() or os.access(html.parent, os.W_OK)):
        remedy = "Its folder does not exist, or may not be written to."
        raise _Refused(f"--html = {one_line(str(html))}: {remedy}")
    if html is not None and any(_is_same(html, name) for name in files):
        remedy = "It is a log to be read: name another file."
        raise _Refused(f"--html = {one_line(str(html))}: {remedy}")
    detectors = _detectors(info)
    try:
        detectors = detectors.with_settings(settings)
        replayed = run.run(
            files, detectors, form=form, alarms_a_week=advise, heartbeat=not no_heartbeat
        )
    except (UnreadableLogError, WrongSettingError) as error:
        raise _Refused(str(error)) from error
    for note in replayed.notes:
        click.echo(one_line(note), err=True)
    with _writing(_STDOUT):
        click.echo(result.document(replayed) if as_json else text.text(replayed))
    if html is not None and write is not None:
        with _writing(one_line(str(html))):
            html.write_text(write(replayed), encoding="utf-8", errors="replace")
        click.echo(f"The page is in {one_line(str(html))}.", err=True)


def _is_same(page: Path, log: str) -> bool:
    """Whether both are one file, whatever their names are."""
    try:
        return os.path.samestat(page.stat(), os.stat(0 if log == _STDIN else log))  # noqa: PTH116 - may be a descriptor
    except (OSError, ValueError):
        return False  # what cannot be opened is said when it is


@contextmanager
def _writing(place: str) -> Iterator[None]:
    """Says in a sentence why something cannot be written; a closed pipe is click's to end."""
    try:
        yield
    except OSError as error:
        if error.errno == errno.EPIPE:
            raise
        if place == _STDOUT:
            # What waits in its buffer would fail once more, at length, when Python ends.
            with suppress(OSError):
                sys.stdout.close()
        raise click.ClickException(f"{place} cannot be written: {error.strerror}.") from error


def _detectors(info: ScriptInfo) -> DetectorSet:
    """The app's detectors; the default ones where there is no app, or it has none."""
    from flask_errwatch.replay.detector_set import DetectorSet

    try:
        app = info.load_app()
    except NoAppException:
        if info.app_import_path or info.create_app:
            raise  # it was asked for, and is not there
        return DetectorSet.default("the default detectors (there is no app)")
    state = app.extensions.get(KEY)
    if isinstance(state, AppState):
        return DetectorSet(f"the detectors of {app.name}", state.catalogue, state.config)
    return DetectorSet.default(f"the default detectors ({app.name} has none)")
