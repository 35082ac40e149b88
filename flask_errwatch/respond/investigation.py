"""From the name of an alarm to its story: finds it in AWS, reads its lines, and sums them up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal

from flask_errwatch._time import readable
from flask_errwatch.config import Config
from flask_errwatch.detectors import LOGIN_SUCCEEDED, Catalogue
from flask_errwatch.errors import AwsCallError, Problem
from flask_errwatch.respond.alarm.counted_lines import Counting
from flask_errwatch.respond.alarm.firing import Firing, firing_at, newest_firing
from flask_errwatch.respond.alarm.metric_time import MetricClock, SameTime, whole_minutes
from flask_errwatch.respond.alarm.metrics_in_aws import counted_by, ingested_bytes
from flask_errwatch.respond.alarm.subject import NoAnswerError, Subject, find_subject
from flask_errwatch.respond.answer.rules import suspicion_threshold, verdict
from flask_errwatch.respond.answer.story import Counted, Read, Story
from flask_errwatch.respond.explanations import next_command, reason_of, state_of, unknown_of
from flask_errwatch.respond.moments import written
from flask_errwatch.respond.ranking.access_logs import ReadAnswers, with_answers
from flask_errwatch.respond.ranking.lines import is_error
from flask_errwatch.respond.ranking.order import NO_LEAST, Least
from flask_errwatch.respond.ranking.summarize import summarize
from flask_errwatch.respond.ranking.summary import Summary
from flask_errwatch.respond.ranking.window import BASELINE, Window
from flask_errwatch.respond.reading.insights import Insights
from flask_errwatch.respond.reading.insights_summary import (
    Sizes,
    dollars,
    newest_line,
    summarize_by_insights,
)
from flask_errwatch.respond.reading.line_reading import LineReading

if TYPE_CHECKING:
    from flask_errwatch._aws import Aws

#: The most bytes of lines that are read one by one: some 50 calls of FilterLogEvents.
MOST_READ: Final = 50_000_000

Way = Literal["auto", "lines", "insights"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """What is asked.

    Attributes:
        name: Of an alarm or a detector, or the ARN of an alarm.
        at: When it fired, in seconds since the epoch. None is the newest time.
        since: The begin of the window, instead.
        until: Its end, with `since`. None is the present.
        way: How the lines are read. `auto` is `insights` above `MOST_READ`.
    """

    name: str
    at: float | None = None
    since: float | None = None
    until: float | None = None
    way: Way = "auto"


@dataclass(frozen=True, kw_only=True, slots=True)
class Investigator:
    """Answers questions about the alarms of one app, in one account and region.

    Attributes:
        aws: The account and region.
        catalogue: The app's detectors.
        config: The app's configuration.
        now: The present, in seconds since the epoch.
        clock: The time of metrics.
        answers: What reads access logs. None without logs.
        consent: Whether so many bytes may be scanned by queries.
        progress: Called with what is being done.
    """

    aws: Aws
    catalogue: Catalogue
    config: Config
    now: float
    clock: MetricClock = SameTime()  # noqa: RUF009 - it has no state
    answers: ReadAnswers | None = None
    consent: Callable[[float], bool] = lambda _: False
    progress: Callable[[str], object] = lambda _: None

    def story(self, question: Question) -> Story:
        """The story of an alarm or a detector.

        Raises:
            NoAnswerError: When the alarm does not exist, never fired, no line is found, or the
                queries were not agreed to.
            AwsCallError: When AWS cannot be read.
        """
        self.progress("the alarm")
        subject = find_subject(self.aws, question.name, self.catalogue, self.config)
        firing = self._firing(subject, question)
        subject = subject.about(firing.alarms)
        summary, read, skipped = self._read(subject.counting, firing.window, question.way)
        if subject.awaits_lines and summary.last_line is None:
            before = self._last_before(subject.counting, firing.window, read)
            summary = replace(summary, last_line=before)
        elif not summary.lines and not subject.awaits_lines:
            raise _no_line(subject, firing.window, self.now)
        gaps: tuple[str, ...] | None = None
        if self.answers is not None:
            answered = self.answers(firing.window, summary.sources)
            summary, gaps = with_answers(summary, answered), answered.gaps
        metric, denied = self._metric(subject, firing.window)
        threshold = _threshold(subject)
        declares_sign_ins = any(each.name == LOGIN_SUCCEEDED.name for each in self.catalogue)
        found = verdict(
            summary,
            threshold_of_suspicion=self._suspicion_threshold(subject, threshold),
            declares_sign_ins=declares_sign_ins,
        )
        state, since = state_of(subject)
        return Story(
            alarm=subject.name,
            state=state,
            since=since,
            reason=reason_of(subject, firing, summary),
            summary=summary,
            verdict=found,
            counted=Counted(metric=metric, lines=summary.lines, threshold=threshold),
            now=self.now,
            unknown=unknown_of(
                subject,
                summary,
                skipped=skipped,
                accused=found.sources,
                gaps=gaps,
                declares_sign_ins=declares_sign_ins,
                denied=denied,
                later=self._later(question, summary),
            ),
            next_command=next_command(subject, summary, found, self.now),
            read=read,
        )

    def ranking(
        self, window: Window, detector: str | None, most: int, least: Least = NO_LEAST
    ) -> Summary:
        """The sources of a time, by all failures of requests or those that a detector counts.

        Args:
            window: The time.
            detector: A name as in a `Question`. None means all.
            most: Sources of each order that get a row.
            least: What a source must have to get one.

        Raises:
            NoAnswerError: When the detector does not exist.
            AwsCallError: When AWS cannot be read.
        """
        if detector is None:
            counting = Counting(log_groups=(self.config.log_group,), counts=is_error, query=None)
        else:
            counting = find_subject(self.aws, detector, self.catalogue, self.config).counting
        reading = self._reading(counting, window, window.end)
        return summarize(reading, counting.counts, window=window, sources=most, least=least)

    def _firing(self, subject: Subject, question: Question) -> Firing:
        names = tuple(alarm.name for alarm in subject.line_alarms)
        if question.since is not None:
            until = self.now if question.until is None else question.until
            return Firing(alarms=names, window=Window(start=question.since, end=until))
        if question.at is not None:
            return firing_at(self.aws, subject, question.at, self.clock)
        return newest_firing(self.aws, subject, self.clock, self.now)

    def _read(self, counting: Counting, window: Window, way: Way) -> tuple[Summary, Read, int]:
        until = max(window.end, min(self.now, window.end + BASELINE))
        sizes = Sizes(0, 0, 0) if way == "lines" else self._sizes(counting, window, until)
        if way == "insights" or sizes.total > MOST_READ:
            return self._query(counting, window, until, sizes)
        reading = self._reading(counting, window, until)
        summary = summarize(reading, counting.counts, window=window)
        read = Read(how="lines", size=reading.size, dollars=0.0, is_exact=summary.is_exact)
        return summary, read, reading.skipped

    def _reading(self, counting: Counting, window: Window, until: float) -> LineReading:
        span = Window(start=window.baseline.start, end=until)
        return LineReading(
            self.aws, counting, span, lambda lines: self.progress(f"{lines:,} lines")
        )

    def _last_before(self, counting: Counting, window: Window, read: Read) -> float | None:
        """The time of the newest line of the hour before the window."""
        if read.how == "insights" and counting.query is not None:
            insights = Insights(self.aws, counting.log_groups, progress=self.progress)
            return newest_line(insights, counting.query, window.baseline)
        reading = LineReading(self.aws, counting, window.baseline)
        return max((at for at, event in reading() if counting.counts(event)), default=None)

    def _sizes(self, counting: Counting, window: Window, until: float) -> Sizes:
        def size(start: float, end: float) -> float:
            if start >= end:
                return 0
            span = Window(start=start, end=end)
            return sum(
                ingested_bytes(self.aws, group, span, self.now) for group in counting.log_groups
            )

        return Sizes(
            before=size(window.baseline.start, window.start),
            within=size(window.start, window.end),
            after=size(window.end, until),
        )

    def _query(
        self, counting: Counting, window: Window, until: float, sizes: Sizes
    ) -> tuple[Summary, Read, int]:
        if counting.query is None:
            remedy = "Logs Insights cannot express what it counts: give --local."
            raise NoAnswerError(Problem(key="alarm", value=counting.log_groups, remedy=remedy))
        if not self.consent(sizes.scanned):
            remedy = "Nothing was read: give --local to read the lines one by one, without charge."
            raise NoAnswerError(Problem(key="query", value="not agreed to", remedy=remedy))
        insights = Insights(self.aws, counting.log_groups, progress=self.progress)
        summary = summarize_by_insights(insights, counting, counting.query, window, until)
        size = insights.scanned
        read = Read(how="insights", size=size, dollars=dollars(size), is_exact=False)
        return summary, read, 0

    def _suspicion_threshold(self, subject: Subject, threshold: float | None) -> float:
        """That of the alarm, if it sums suspicion. AWS may have another than the app declares."""
        if threshold is not None and subject.counting.summed == "suspicion":
            return threshold
        return suspicion_threshold(self.catalogue)

    def _later(self, question: Question, summary: Summary) -> str | None:
        """The TIME to ask about instead, where lines followed the window of an evaluation."""
        last, window = summary.last_line, summary.window
        if question.since is not None or last is None or last < window.end:
            return None
        return written(window.start, self.now)

    def _metric(self, subject: Subject, window: Window) -> tuple[float | None, str | None]:
        """What the metric counted, and the action that is not allowed."""
        minutes = whole_minutes(self.clock, window)
        if minutes is None:
            return None, None
        try:
            return counted_by(self.aws, subject.counting.metrics, *minutes), None
        except AwsCallError as error:
            return None, error.action


def _threshold(subject: Subject) -> float | None:
    """The threshold of the alarm. Several alarms have none in common."""
    if len(subject.line_alarms) != 1:
        return None
    return subject.line_alarms[0].threshold


def _no_line(subject: Subject, window: Window, now: float) -> NoAnswerError:
    groups = ", ".join(subject.counting.log_groups)
    times = f"{readable(window.start)} and {readable(min(window.end, now))}"
    remedy = (
        f"No line that it counts is in {groups} between {times}: the lines may have expired, or "
        "give another time with --at or --since."
    )
    return NoAnswerError(Problem(key="alarm", value=subject.name, remedy=remedy))
