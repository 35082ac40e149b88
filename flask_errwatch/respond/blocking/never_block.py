"""Reads what is never blocked: `ERRWATCH_NEVER_BLOCK`, with the files that it names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from flask_errwatch._parsers import Network, RefusedValueError, parse_json
from flask_errwatch.config.values import FILE
from flask_errwatch.errors import Problem
from flask_errwatch.respond.blocking.errors import BlockingError
from flask_errwatch.respond.blocking.networks import listed, read_network

KEY: Final = "ERRWATCH_NEVER_BLOCK"
#: The services in AWS's ip-ranges.json whose addresses are not clients: the edges of CloudFront and
#: the health checks of Route 53. Attackers have addresses of EC2.
SERVICES: Final = frozenset({"CLOUDFRONT", "CLOUDFRONT_ORIGIN_FACING", "ROUTE53_HEALTHCHECKS"})
#: Ten times what AWS publishes.
_MOST: Final = 20_000_000


def read_never_block(entries: Iterable[str]) -> tuple[Network, ...]:
    """The networks that are never blocked.

    Args:
        entries: Addresses, networks, and `file:PATH` entries.

    Raises:
        BlockingError: When an entry or a file cannot be read, or a file has no network: nothing
            may be blocked then.

    Example:
        >>> read_never_block(["192.0.2.7"])
        (IPv4Network('192.0.2.7/32'),)
    """
    return tuple(network for entry in entries for network in _of_entry(entry))


def _of_entry(entry: str) -> list[Network]:
    if not entry.startswith(FILE):
        return [_read(entry, entry)]
    path = Path(entry.removeprefix(FILE).strip())
    try:
        if path.stat().st_size > _MOST:
            raise _refused(entry, f"It is longer than {_MOST:,} bytes")
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise _refused(entry, f"It cannot be read ({error.strerror})") from error
    except UnicodeDecodeError:
        raise _refused(entry, "It is not in UTF-8") from None
    except ValueError as error:
        raise _refused(entry, "It is not a path: it has a NUL character") from error
    is_json = text.lstrip().startswith("{")
    texts = _of_json(text, entry) if is_json else listed(text.splitlines())
    networks = [_read(each, entry) for each in texts]
    if not networks:
        raise _refused(entry, "It has no network")
    return networks


def _of_json(text: str, entry: str) -> Iterator[str]:
    """The networks of `SERVICES` in AWS's ip-ranges.json."""
    try:
        document = parse_json(text)
    except ValueError as error:
        raise _refused(entry, "It is not valid JSON") from error
    fields = document if isinstance(document, dict) else {}
    for key, name in (("prefixes", "ip_prefix"), ("ipv6_prefixes", "ipv6_prefix")):
        prefixes = fields.get(key)
        if not isinstance(prefixes, list):
            raise _refused(entry, f"It has no {key!r}, as AWS's ip-ranges.json has")
        for one in prefixes:
            service, prefix = (
                (one.get("service"), one.get(name)) if isinstance(one, dict) else (None, None)
            )
            if not (isinstance(service, str) and isinstance(prefix, str)):
                reason = f"{ascii(one)[:60]} in {key!r} is not a prefix with its service"
                raise _refused(entry, reason)
            if service in SERVICES:
                yield prefix


def _read(text: str, entry: str) -> Network:
    try:
        return read_network(text)
    except RefusedValueError:
        raise _refused(entry, f"{ascii(text)[:60]} is not a network") from None


def _refused(entry: str, reason: str) -> BlockingError:
    remedy = f"{reason}. Nothing is blocked while this list is not known."
    return BlockingError(Problem(key=KEY, value=entry, remedy=remedy))
