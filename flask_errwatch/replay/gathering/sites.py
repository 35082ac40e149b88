"""What access logs show of their site: its host, and the paths that it answered."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from operator import itemgetter

#: The segments of a path that differ from one thing to the next: numbers, hexadecimal ids, UUIDs.
#: SQL has the same syntax for them.
VARIABLE_SEGMENT = "(?:[0-9]+|[0-9a-fA-F]{8,}|[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12})"
_VARIABLE = re.compile(rf"(?<=/){VARIABLE_SEGMENT}(?![^/])")
# Templates and hosts that are kept. A site with more has its data in its paths as words.
_TEMPLATES = 50_000
_HOSTS = 1_000
_LONGEST = 1024
#: The longest name of a host (RFC 1035, section 2.3.4), with a port.
_LONGEST_HOST = 255 + len(":65535")


def template_of(path: str) -> str:
    """The path with `*` for each segment that is a number, a hexadecimal id or a UUID.

    Example:
        >>> template_of("/orders/4711/items/0b1c2d3e4f"), template_of("/v2/about")
        ('/orders/*/items/*', '/v2/about')
    """
    return _VARIABLE.sub("*", path)


@dataclass(frozen=True, kw_only=True, slots=True)
class SeenSite:
    """The site of access logs.

    Attributes:
        host: The host from which most requests were linked that it answered with 2xx. Empty where
            none shows.
        answered: The templates of the paths that it answered with 2xx.
        is_known: Whether logs were surveyed.
    """

    host: str = ""
    answered: frozenset[str] = frozenset()
    is_known: bool = True

    def owns(self, path: str) -> bool:
        """Whether it answered a path like this one with 2xx."""
        return template_of(path) in self.answered


#: Where no log was surveyed.
UNKNOWN_SITE = SeenSite(is_known=False)


class Survey:
    """The first reading of access logs.

    Example:
        >>> survey = Survey()
        >>> survey.add([("/orders/1", "shop.example"), ("/orders/2?a=b", "")])
        >>> survey.site()
        SeenSite(host='shop.example', answered=frozenset({'/orders/*'}), is_known=True)
    """

    def __init__(self) -> None:
        self._paths: set[str] = set()
        self._templates: set[str] = set()
        self._hosts: Counter[str] = Counter()

    def add(self, answered: list[tuple[str, str]], times: int = 1) -> None:
        """Notes requests that the site answered with 2xx.

        Args:
            answered: The target and the referrer's host of each.
            times: How often each of them occurred.
        """
        links = Counter(map(itemgetter(1), answered))
        hosts = Counter(
            {host: n * times for host, n in links.items() if 0 < len(host) <= _LONGEST_HOST}
        )
        if len(self._hosts) < _HOSTS:
            self._hosts.update(hosts)
        else:
            self._hosts.update({host: hosts[host] for host in hosts.keys() & self._hosts.keys()})
        for target in {*map(itemgetter(0), answered)} - self._paths:
            path = target.partition("?")[0][:_LONGEST]
            if len(self._templates) < _TEMPLATES:
                self._templates.add(template_of(path))
            if len(self._paths) < _TEMPLATES:
                self._paths.add(target[:_LONGEST])

    def site(self) -> SeenSite:
        """What was found."""
        # Of two hosts with equal numbers the first in the alphabet, in whatever order lines come.
        host = min(self._hosts, key=lambda host: (-self._hosts[host], host), default="")
        return SeenSite(host=host, answered=frozenset(self._templates))
