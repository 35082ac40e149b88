"""`flask errwatch replay`: parses, calls and prints."""

from __future__ import annotations

import os
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click
from flask.cli import NoAppException, ScriptInfo, pass_script_info

from flask_errwatch._text import one_line
from flask_errwatch.cli.context import aws_of
from flask_errwatch.cli.options import finite
from flask_errwatch.cli.replay_input import ReplayInput, input_options
from flask_errwatch.cli.writing import STDOUT, write_file, writing
from flask_errwatch.errors import ErrWatchError
from flask_errwatch.extension import KEY, AppState

if TYPE_CHECKING:
    from flask_errwatch.replay.gathering.detector_set import DetectorSet
    from flask_errwatch.replay.result import ReplayResult
    from flask_errwatch.replay.sources import Logs

_STDIN = "-"
#: Exit code where no line of any log could be read.
NOTHING_READ = 1
#: Exit code of `--fail-over`. Click exits with 2 on usage errors, and `plan --check` with 3.
TOO_MANY_ALARMS = 4


class _UnusableError(click.ClickException):
    """An argument that cannot be used."""

    exit_code = 2


class _NothingReadError(click.ClickException):
    """No line of any log could be read."""

    exit_code = NOTHING_READ


class _TooManyAlarmsError(click.ClickException):
    """More alarms than `--fail-over` allows."""

    exit_code = TOO_MANY_ALARMS


@click.command("replay")
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="DETECTOR.FIELD=VALUE",
    help="Try another value, as not-found-error.threshold=50. Can be repeated.",
)
@click.option(
    "--advise",
    type=click.FloatRange(min=0),
    callback=finite,
    metavar="N",
    help="Propose thresholds that give at most N alarms a week.",
)
@click.option(
    "--no-heartbeat",
    is_flag=True,
    help="Treat minutes without a line as missing data, not as zeros.",
)
@click.option(
    "--fail-over",
    type=click.IntRange(min=0),
    metavar="N",
    help=f"Exit {TOO_MANY_ALARMS} when more than N alarms would have notified.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option(
    "--html",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="Write a page with a chart per detector.",
)
@input_options
@pass_script_info
def replay(
    info: ScriptInfo,
    given: ReplayInput,
    *,
    settings: tuple[str, ...],
    advise: float | None,
    no_heartbeat: bool,
    fail_over: int | None,
    as_json: bool,
    html: Path | None,
) -> None:
    """Judge logs: which alarms would have fired?

    Each FILE is an access log or contains the app's own lines, plain or compressed with gzip or
    zstd; a folder of them; a glob in quotes; or s3://BUCKET/PREFIX. A dash is standard input.
    Without an app the default detectors are used.

    A TIME is RFC 3339, a time of day in UTC such as 02:06, or how long ago, such as 2h.

    The exit code is 0; 1 when nothing could be read, or most of a log could not, or the output
    could not be written; 2 when an argument cannot be used.
    """
    from flask_errwatch import __version__
    from flask_errwatch.cli.console import plain, show, stderr
    from flask_errwatch.cli.replay_view import replay_view
    from flask_errwatch.replay import run
    from flask_errwatch.replay.result import document
    from flask_errwatch.replay.text import fail_over_sentence, unread_sentence

    given.check()
    write_page = None if html is None else run.page_writer(__version__)
    if html is not None:
        _check_folder(html)
    try:
        detectors = given.behind_proxies(_detectors(info)).with_settings(settings)
        result = _result(given, detectors, advise, html, heartbeat=not no_heartbeat)
    except ErrWatchError as error:
        refusal = _refusal_of(error)
        if refusal is None:
            raise
        raise refusal from error
    for note in result.notes:
        stderr().print(plain(note, "level.warning"))
    # First the page: the reader of the table may end early, as `head` does.
    if html is not None and write_page is not None:
        write_file(html, write_page(result))
        stderr().print(plain(f"The page is in {html}."))
    with writing(STDOUT):
        if as_json:
            click.echo(document(result))
        else:
            show(*replay_view(result))
    unread = unread_sentence(result.reads)
    if unread is not None:
        raise _NothingReadError(unread)
    if fail_over is not None and result.notifications > fail_over:
        raise _TooManyAlarmsError(fail_over_sentence(result.rows, fail_over))


def _detectors(info: ScriptInfo) -> DetectorSet:
    """The app's detectors, or the default ones without an app or without ErrWatch."""
    from flask_errwatch.capture.request_classifier import RequestClassifier
    from flask_errwatch.replay.gathering.detector_set import DetectorSet

    try:
        app = info.load_app()
    except NoAppException:
        if info.app_import_path or info.create_app:
            raise  # this app was asked for
        return DetectorSet.default("the default detectors (there is no app)")
    state = app.extensions.get(KEY)
    if isinstance(state, AppState):
        name = f"the detectors of {state.config.app_name}"
        detectors = DetectorSet(name, state.catalogue, state.config)
    else:
        detectors = DetectorSet.default(f"the default detectors ({app.name} has none)")
    return replace(detectors, classifier=RequestClassifier(app, detectors.config))


def _result(
    given: ReplayInput,
    detectors: DetectorSet,
    advise: float | None,
    html: Path | None,
    *,
    heartbeat: bool,
) -> ReplayResult:
    """Reads what is given, and judges it."""
    from flask_errwatch.cli.console import reading
    from flask_errwatch.replay import run
    from flask_errwatch.replay.engines.choice import engine_for
    from flask_errwatch.replay.sources import open_logs

    if not given.files:
        counts = given.gather_counts(detectors)
        return run.run_gathered(
            [counts.name],
            counts.gathered,
            alarms_a_week=advise,
            heartbeat=counts.heartbeat and heartbeat,
            notes=counts.notes,
        )
    known, within = given.known(), given.within()
    aws = aws_of(detectors.config)
    with open_logs(given.files, within=within, aws=aws) as logs, reading() as progress:
        if html is not None:
            _check_replaces_none(html, logs)
        with engine_for(given.engine, [log.name for log in logs]) or nullcontext() as engine:
            return run.run(
                logs,
                detectors,
                names=given.files,
                known=known,
                within=within,
                alarms_a_week=advise,
                heartbeat=heartbeat,
                engine=engine,
                progress=progress,
            )


def _refusal_of(error: ErrWatchError) -> click.ClickException | None:
    """The error for the shell. None for one that every command may have, such as a refused call."""
    from flask_errwatch.replay.counts.insights_counts import NoLinesError
    from flask_errwatch.replay.counts.metric_sums import NoMetricsError
    from flask_errwatch.replay.engines.duckdb_engine import MissingEngineError
    from flask_errwatch.replay.formats.format_string import LogFormatError
    from flask_errwatch.replay.formats.json_format import FieldsError
    from flask_errwatch.replay.gathering.detector_set import WrongSettingError
    from flask_errwatch.replay.sources import NothingFoundError, UnreadableLogError, WrongTimeError

    if isinstance(error, NothingFoundError | NoLinesError | NoMetricsError):
        return _NothingReadError(str(error))
    unusable = (
        MissingEngineError | UnreadableLogError | WrongSettingError | WrongTimeError | FieldsError
    )
    is_unusable = isinstance(error, unusable | LogFormatError)
    return _UnusableError(str(error)) if is_unusable else None


def _check_folder(page: Path) -> None:
    """Refuses a page that cannot be written, before anything is read."""
    if not (page.exists() or os.access(page.parent, os.W_OK)):
        raise _unusable_page(page, "Its folder does not exist, or is not writable.")


def _check_replaces_none(page: Path, logs: Logs) -> None:
    """Refuses a page that would replace a log, before anything is read."""
    if any(_is_same_file(page, log.name) for log in logs):
        raise _unusable_page(page, "It is a log to be read: name another file.")


def _unusable_page(page: Path, remedy: str) -> _UnusableError:
    return _UnusableError(f"--html = {one_line(str(page))}: {remedy}")


def _is_same_file(page: Path, log: str) -> bool:
    """Whether both are one file, whatever their names are."""
    try:
        return os.path.samestat(page.stat(), os.stat(0 if log == _STDIN else log))  # noqa: PTH116 - may be a descriptor
    except (OSError, ValueError):
        return False  # a log that cannot be opened is reported when it is read
