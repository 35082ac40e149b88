"""A row of counts: lines of one minute that are alike, as an engine that read a log counts them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class CountRow:
    """Lines that are counted together. Every line of a log is in exactly one row.

    A row with neither `status` nor `detector` has lines that could not be read.

    Attributes:
        minute: First second of the minute, since the epoch.
        lines: How many lines, at least 0.
        status: The status of the response, 0 where there was none. None where `detector` is given.
        detector: The name of the detector that wrote the lines. None where `status` is given.
        client: Whose they are. "" where it is unknown. None where the counts do not show it: then
            alarms on sources are not judged.
        paths: How many different paths they have. None where it is not counted.
        suspicion: The sum of the field over these lines. None where it is not counted.
        method: The method of each. None where it is not shown, as are those that follow. "" where
            the line has no request, such as the handshake of another protocol.
        path: The request's target, with its query. "" as of `method`.
        referrer: The referrer of each, as the log has it: `-` where the request had none.
        agent: The user agent of each, likewise.
        own: Whether a path like it was answered with 2xx anywhere in the log.
        host: The site's host, the same in each row. "" where none shows.
    """

    minute: int
    lines: int
    status: int | None = None
    detector: str | None = None
    client: str | None = None
    paths: int | None = None
    suspicion: float | None = None
    method: str | None = None
    path: str | None = None
    referrer: str | None = None
    agent: str | None = None
    own: bool | None = None
    host: str | None = None
