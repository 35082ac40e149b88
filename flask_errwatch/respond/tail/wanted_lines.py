"""`WantedLines`: which of an app's lines are asked for, by detector, source and route. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import and_, or_
from typing import Final

from flask_errwatch._parsers import Network
from flask_errwatch.capture.log_lines import read_line
from flask_errwatch.detectors import HEARTBEAT, Catalogue
from flask_errwatch.errors import PatternSyntaxError
from flask_errwatch.patterns import JsonPattern, field, parse
from flask_errwatch.respond.blocking.client_lines import client_pattern
from flask_errwatch.respond.blocking.networks import Networks
from flask_errwatch.respond.ranking.summary import Event

#: Characters of a filter pattern (AWS API Reference, FilterLogEvents, filterPattern).
_LONGEST_PATTERN: Final = 1024
#: Every line of this library that is not only a sign of life.
_EVERY_LINE: Final = (field("$.event") == "*") & (field("$.event") != HEARTBEAT)


@dataclass(frozen=True, kw_only=True, slots=True)
class WantedLines:
    """Which lines are asked for. Without any condition, all but heartbeats.

    Attributes:
        detectors: Patterns of which a line matches at least one. Empty for any line.
        network: Where its client is. None for anywhere.
        route: The route of its request, as the app declares it. None for any.
    """

    detectors: tuple[JsonPattern, ...] = ()
    network: Network | None = None
    route: str | None = None

    @classmethod
    def of(
        cls,
        catalogue: Catalogue,
        names: Sequence[str],
        network: Network | None,
        route: str | None,
    ) -> WantedLines:
        """The lines that detectors count, from a network and of a route.

        Raises:
            UnknownDetectorError: When the app has no such detector.
        """
        patterns = tuple(_json(catalogue.named(name).pattern) for name in names)
        return cls(detectors=patterns, network=network, route=route)

    @property
    def filter_pattern(self) -> str:
        """A pattern that matches these lines, and others where AWS's language has no words for it.

        Example:
            >>> WantedLines(route="/cart").filter_pattern
            '{ $.event = "*" && $.event != "Heartbeat" && $.route = "/cart" }'
        """
        conditions = [reduce(or_, self._patterns)]
        if self.network is not None:
            conditions.append(_json(client_pattern([self.network])))
        try:
            if self.route is not None:
                conditions.append(field("$.route") == self.route)
            whole = str(reduce(and_, conditions))
        except PatternSyntaxError:  # a route with characters that no pattern has
            return str(_EVERY_LINE)
        return whole if len(whole) <= _LONGEST_PATTERN else str(_EVERY_LINE)

    def event_of(self, message: str) -> Event | None:
        """The event of a message that is one of these lines, else None.

        Args:
            message: Of any program.

        Example:
            >>> wanted = WantedLines(route="/cart")
            >>> wanted.event_of('{"event": "Client Error", "route": "/cart"}')
            {'event': 'Client Error', 'route': '/cart'}
            >>> wanted.event_of('{"event": "Client Error", "route": "/"}') is None
            True
        """
        event = read_line(message)
        if event is None or not any(pattern.matches(message) for pattern in self._patterns):
            return None
        if self.route is not None and event.get("route") != self.route:
            return None
        networks = Networks([] if self.network is None else [self.network])
        is_from_there = self.network is None or any(networks.of(event.get("client_ip")))
        return event if is_from_there else None

    @property
    def _patterns(self) -> tuple[JsonPattern, ...]:
        return self.detectors or (_EVERY_LINE,)


def _json(text: str) -> JsonPattern:
    pattern = parse(text)
    if not isinstance(pattern, JsonPattern):
        raise PatternSyntaxError(text, 0, "Use a pattern of JSON lines.")
    return pattern
