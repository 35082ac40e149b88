"""What `flask errwatch replay` reads: its options as one value."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from functools import wraps
from typing import TYPE_CHECKING, Concatenate, Final, ParamSpec

import click

from flask_errwatch._parsers import RefusedValueError
from flask_errwatch._text import one_line
from flask_errwatch.cli.context import aws_of, aws_options
from flask_errwatch.cli.options import one_of
from flask_errwatch.cli.respond import Progress, consent

if TYPE_CHECKING:
    from flask_errwatch.replay.counts.gathered_counts import GatheredCounts
    from flask_errwatch.replay.gathering.detector_set import DetectorSet
    from flask_errwatch.replay.reading.shapes import KnownFormats
    from flask_errwatch.replay.sources import TimeRange
    from flask_errwatch.respond.ranking.window import Window

ParametersT = ParamSpec("ParametersT")

#: Those of `known_formats`, which is not imported to show the help.
FORMATS: Final = (
    *("auto", "alb", "elb", "cloudfront", "s3", "iis", "haproxy", "envoy", "uwsgi", "werkzeug"),
    *("uvicorn", "combined", "common", "apigateway", "caddy", "traefik", "json"),
    *("cloudwatch-export", "counts"),
)
_AUTO: Final = "auto"
_JSON: Final = "json"
_COUNTS: Final = "counts"
_SINCE_SECONDS: Final = 14 * 86_400


@dataclass(frozen=True, kw_only=True, slots=True)
class ReplayInput:
    """What is read, as the options name it.

    Attributes:
        files: `FILE`.
        from_metrics: `--from-metrics`.
        from_insights: `--from-insights`.
        form: `--format`.
        fields: `--fields`.
        log_format: `--log-format`.
        trusted_proxies: `--trusted-proxies`.
        since: `--since`.
        until: `--until`.
        engine: `--engine`.
        yes: `--yes`.
    """

    files: tuple[str, ...]
    from_metrics: bool
    from_insights: bool
    form: str
    fields: str | None
    log_format: str | None
    trusted_proxies: str | None
    since: str | None
    until: str | None
    engine: str
    yes: bool

    def check(self) -> None:
        """Checks that there is one source, and one thing that says how it is built.

        Raises:
            click.UsageError: No source is given, or more than one.
        """
        source = one_of(
            {
                "FILE": bool(self.files),
                "--from-metrics": self.from_metrics,
                "--from-insights": self.from_insights,
            }
        )
        if source is None:
            raise click.UsageError("Give a FILE, --from-metrics or --from-insights.")
        named = one_of(
            {
                "--format": self.form != _AUTO and (self.form != _JSON or self.fields is None),
                "--fields": self.fields is not None,
                "--log-format": self.log_format is not None,
            }
        )
        if named is not None and source != "FILE":
            raise click.UsageError(f"{named} is for files: {source} has none.")
        if self.engine != _AUTO and source != "FILE":
            raise click.UsageError(f"--engine is for files: {source} has none.")
        if self.trusted_proxies is not None and (source != "FILE" or self.form == _COUNTS):
            raise click.UsageError("--trusted-proxies is for logs: counts name the clients.")

    def known(self) -> KnownFormats:
        """What the logs may be.

        Raises:
            FieldsError: `--fields` cannot be used.
            LogFormatError: `--log-format` cannot be used.
        """
        from flask_errwatch.replay.reading.known_formats import (
            known_formats,
            with_fields,
            with_format_string,
        )

        if self.fields is not None:
            return with_fields(self.fields)
        if self.log_format is not None:
            return with_format_string(self.log_format)
        return known_formats(self.form)

    def within(self) -> TimeRange:
        """The time whose lines are judged.

        Raises:
            WrongTimeError: `--since` or `--until` cannot be used.
        """
        from flask_errwatch.replay.sources import TimeRange

        return TimeRange.read(self.since, self.until, time.time())

    def behind_proxies(self, detectors: DetectorSet) -> DetectorSet:
        """The detectors, of an app behind the proxies that are named.

        Raises:
            click.BadParameter: `--trusted-proxies` cannot be used.
        """
        from flask_errwatch.config.values import trusted_proxies

        if self.trusted_proxies is None:
            return detectors
        try:
            proxies = trusted_proxies(self.trusted_proxies)
        except RefusedValueError as error:
            message = f"{one_line(self.trusted_proxies, 40)!r}: {error}"
            raise click.BadParameter(message, param_hint="--trusted-proxies") from error
        return replace(detectors, config=detectors.config._replace(trusted_proxies=proxies))

    def gather_counts(self, detectors: DetectorSet) -> GatheredCounts:
        """Gathers counts from AWS.

        Args:
            detectors: The app's detectors, with its configuration.

        Raises:
            ErrWatchError: AWS cannot be read, or has nothing of the app.
        """
        from flask_errwatch.replay.sources import TimeRange
        from flask_errwatch.respond.ranking.window import Window

        now = time.time()
        within = TimeRange.read(self.since, self.until, now)
        end = min(within.end, now)
        start = end - _SINCE_SECONDS if self.since is None else within.start
        span = Window(start=start, end=end)
        gather = _metrics if self.from_metrics else self._insights
        return gather(detectors, span, now)

    def _insights(self, detectors: DetectorSet, span: Window, now: float) -> GatheredCounts:
        from flask_errwatch.replay.counts.insights_counts import bytes_to_scan, gather_insights
        from flask_errwatch.respond.reading.insights import Insights

        aws = aws_of(detectors.config)
        scanned = bytes_to_scan(aws, detectors, span, now=now)
        if not consent(scanned, "give --yes to query, or use --from-metrics.", yes=self.yes):
            raise click.Abort
        with Progress() as progress:
            group = detectors.desired.log_group.name
            return gather_insights(Insights(aws, (group,), progress=progress), detectors, span)


def _metrics(detectors: DetectorSet, span: Window, now: float) -> GatheredCounts:
    from flask_errwatch.replay.counts.metric_sums import gather_metrics

    with Progress() as progress:
        progress("metrics")
        return gather_metrics(aws_of(detectors.config), detectors, span, now=now)


_OPTIONS: Final = (
    click.argument("files", nargs=-1, metavar="[FILE]..."),
    click.option("--from-metrics", is_flag=True, help="Judge the app's own metrics."),
    click.option("--from-insights", is_flag=True, help="Count the app's lines by Logs Insights."),
    click.option(
        "--format",
        "form",
        type=click.Choice(FORMATS),
        default=_AUTO,
        show_default=True,
        help="Format of the lines. With auto the log itself decides.",
    ),
    click.option(
        "--fields",
        metavar="NAME=KEY,...",
        help="Keys of a log of JSON, as time=ts,status=code,client=ip,path=uri,method=verb.",
    ),
    click.option(
        "--log-format",
        metavar="STRING",
        help="The format string of nginx or Apache that the log was written with.",
    ),
    click.option(
        "--trusted-proxies",
        metavar="N|NETWORKS|none",
        help="As ERRWATCH_TRUSTED_PROXIES: which part of X-Forwarded-For is the client.",
    ),
    click.option(
        "--since",
        metavar="TIME",
        help="Only lines from then on. With --from-... the 14 days before --until unless given.",
    ),
    click.option("--until", metavar="TIME", help="Only lines before then."),
    click.option(
        "--engine",
        type=click.Choice(("auto", "python", "duckdb")),
        default=_AUTO,
        show_default=True,
        help="What counts access logs. With auto DuckDB does from 1 GB, where it is installed.",
    ),
    click.option("--yes", is_flag=True, help="Do not ask before queries that cost money."),
)


def input_options(
    command: Callable[Concatenate[ReplayInput, ParametersT], None],
) -> Callable[..., None]:
    """Adds the options of what is read, which the command gets as one value."""

    @wraps(command)
    def with_input(*args: ParametersT.args, **kwargs: ParametersT.kwargs) -> None:
        given = {one.name: kwargs.pop(one.name) for one in fields(ReplayInput)}
        command(ReplayInput(**given), *args, **kwargs)  # type: ignore[arg-type]  # click checked them

    added: Callable[..., None] = aws_options(with_input)
    for option in reversed(_OPTIONS):
        added = option(added)
    return added
