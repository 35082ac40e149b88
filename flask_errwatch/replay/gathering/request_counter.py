"""Counts the requests of a log, minute by minute, as the lines that the app would have written."""

from __future__ import annotations

from collections import defaultdict
from typing import Final

from flask_errwatch.replay.formats.requests import Request
from flask_errwatch.replay.gathering.gathered import Gathered, SourcesAndPaths
from flask_errwatch.replay.gathering.request_kinds import RequestKinds
from flask_errwatch.simulation import LineKind

#: The lowest status of a request that failed, as text: a log has three digits.
FAILED: Final = "4"


class MinuteRequests:
    """The requests of one minute.

    Attributes:
        failed: The clients and the paths of those that failed, by their kind.
        others: How many there are besides.
    """

    __slots__ = ("failed", "others")

    def __init__(self) -> None:
        self.failed: defaultdict[LineKind, SourcesAndPaths] = defaultdict(lambda: ([], []))
        self.others = 0


class RequestCounter:
    """Gathers requests, and counts them when they are settled.

    Args:
        gathered: Where they are counted.
    """

    def __init__(self, gathered: Gathered) -> None:
        self._gathered = gathered
        self._kinds = RequestKinds(gathered)
        self._minutes: dict[int, MinuteRequests] = {}

    def of(self, minute: int) -> MinuteRequests:
        """The requests of a minute, to add some.

        Args:
            minute: Its first second, since the epoch.
        """
        return self._minutes.setdefault(minute, MinuteRequests())

    def add(self, minute: int, client: str | None, request: Request) -> None:
        """Adds a request.

        Args:
            minute: First second of its minute, since the epoch.
            client: Whose it is. None where that is unknown.
            request: The request.
        """
        requests = self.of(minute)
        if request.status < FAILED:
            requests.others += 1
        else:
            self.add_failed(requests, client, request)

    def add_failed(self, requests: MinuteRequests, client: str | None, request: Request) -> None:
        """Adds a request that failed to those of its minute."""
        kind, path = self._kinds.kind_and_path(client, request)
        clients, paths = requests.failed[kind]
        clients.append(client)
        paths.append(path)

    def settle(self) -> None:
        """Counts what was added."""
        gathered = self._gathered
        for minute, found in self._minutes.items():
            if found.others:
                gathered.count_other(minute, found.others)
            for kind, (clients, paths) in found.failed.items():
                gathered.count(minute, kind, clients, paths)
        self._minutes.clear()
