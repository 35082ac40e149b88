"""Confirms by DNS that an address is a search engine's: its name, and the addresses of that name.

An address alone may have any name, which its owner chooses. Search engines publish the domains of
their crawlers, and only they can let a name in these domains lead back to the address.
"""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooLate
from typing import Final, Protocol, TypeVar

from flask_errwatch._parsers import Network

T = TypeVar("T")

#: The domains of crawlers that Google, Bing, Yahoo, Apple, Yandex, Baidu, Seznam and Petal name.
DOMAINS: Final = (
    *("googlebot.com", "google.com", "search.msn.com", "crawl.yahoo.net", "applebot.apple.com"),
    *("yandex.com", "yandex.ru", "yandex.net", "crawl.baidu.com", "crawl.baidu.jp"),
    *("seznam.cz", "petalsearch.com", "aspiegel.com"),
)
#: Seconds that a look-up may take.
LOOK_UP: Final = 2.0
_AT_ONCE: Final = 16


class Resolver(Protocol):
    """Looks up names and addresses. A look-up without a result raises `OSError`."""

    def names(self, address: str) -> Sequence[str]:
        """The names of an address."""

    def addresses(self, name: str) -> Sequence[str]:
        """The addresses of a name."""


class SystemResolver:
    """Asks the system, for at most two seconds a look-up.

    Args:
        seconds: How long a look-up may take.
    """

    def __init__(self, seconds: float = LOOK_UP) -> None:
        self._seconds = seconds

    def names(self, address: str) -> Sequence[str]:
        """The names of an address."""
        name, aliases, _ = self._in_time(lambda: socket.gethostbyaddr(address))
        return (name, *aliases)

    def addresses(self, name: str) -> Sequence[str]:
        """The addresses of a name."""
        found = self._in_time(lambda: socket.getaddrinfo(name, None, type=socket.SOCK_STREAM))
        return [str(entry[4][0]) for entry in found]

    def _in_time(self, look_up: Callable[[], T]) -> T:
        """The system's look-ups have no time limit: a thread does one, and may end later."""
        future: Future[T] = Future()

        def run() -> None:
            try:
                future.set_result(look_up())
            except (OSError, UnicodeError) as error:
                future.set_exception(OSError(str(error)))

        threading.Thread(target=run, name="errwatch-look-up", daemon=True).start()
        try:
            return future.result(self._seconds)
        except TooLate:
            raise OSError("it took too long") from None


def find_crawlers(
    addresses: Mapping[Network, Iterable[str]], resolver: Resolver
) -> dict[Network, str]:
    """The confirmed names of the networks that have an address of a search engine.

    Args:
        addresses: Addresses of each network.
        resolver: Looks them up.
    """
    pairs = [(network, address) for network, found in addresses.items() for address in found]
    if not pairs:
        return {}
    with ThreadPoolExecutor(min(_AT_ONCE, len(pairs)), "errwatch-crawlers") as pool:
        names = [*pool.map(lambda pair: crawler_name(pair[1], resolver), pairs)]
    return {
        network: name for (network, _), name in zip(pairs, names, strict=True) if name is not None
    }


def crawler_name(address: str, resolver: Resolver) -> str | None:
    """The confirmed name of a search engine's address, None for any other address."""
    with contextlib.suppress(OSError):
        for name in resolver.names(address):
            host = name.rstrip(".").lower()
            is_known = any(host.endswith(f".{domain}") for domain in DOMAINS)
            if is_known and _leads_to(host, address, resolver):
                return host
    return None


def _leads_to(name: str, address: str, resolver: Resolver) -> bool:
    wanted = ipaddress.ip_address(address)
    for found in resolver.addresses(name):
        with contextlib.suppress(ValueError):
            if ipaddress.ip_address(found.partition("%")[0]) == wanted:
                return True
    return False
