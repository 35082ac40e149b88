"""What may read access logs in place of their reader."""

from __future__ import annotations

from typing import Protocol

from flask_errwatch.replay.gathering.gathered import Gathered
from flask_errwatch.replay.gathering.sites import Survey
from flask_errwatch.replay.reading.access_logs import AccessLogReader
from flask_errwatch.replay.sources import Log


class LogEngine(Protocol):
    """Reads access logs in place of their reader, with equal figures."""

    @property
    def limits(self) -> str:
        """What it reads, for a note on each log that it left to the reader. Empty for no note."""
        ...

    def is_worth(self, log: Log) -> bool:
        """Whether a log is large enough for it. One that is not is left without a note."""
        ...

    def survey(self, log: Log, survey: Survey) -> bool:
        """Reads what an access log shows of its site.

        Args:
            log: The log.
            survey: Where it is noted.

        Returns:
            Whether the log was read. If not, nothing was noted.
        """
        ...

    def read(self, log: Log, gathered: Gathered, reader: AccessLogReader) -> bool:
        """Counts the lines of an access log.

        Args:
            log: The log.
            gathered: Where they are counted.
            reader: Its reader, which has read no line yet.

        Returns:
            Whether the log was read. If not, nothing was counted.
        """
        ...
