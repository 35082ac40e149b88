"""The client's address: of `X-Forwarded-For` only the entries of trusted proxies count."""

from __future__ import annotations

from enum import Enum
from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_errwatch._parsers import Network
from flask_errwatch.capture.client_address import client_address

BALANCER: tuple[Network, ...] = (ip_network("10.0.0.0/8"), ip_network("2001:db8::/32"))


@pytest.mark.parametrize(
    ("remote", "forwarded", "trusted", "ip", "source"),
    [
        # No trusted proxy: the client wrote the header.
        ("192.0.2.1", "6.6.6.6", 0, "192.0.2.1", "peer"),
        ("192.0.2.1", None, 1, "192.0.2.1", "peer"),
        # One proxy appended the last entry. The client sent those to the left of it.
        ("10.0.0.1", "192.0.2.9", 1, "192.0.2.9", "x-forwarded-for"),
        ("10.0.0.1", "6.6.6.6, 192.0.2.9", 1, "192.0.2.9", "x-forwarded-for"),
        ("10.0.0.1", "6.6.6.6, 192.0.2.9, 10.0.0.2", 2, "192.0.2.9", "x-forwarded-for"),
        # Fewer entries than proxies: the request did not come through all of them.
        ("10.0.0.1", "192.0.2.9", 2, "10.0.0.1", "peer"),
        # The entry that counts is not an address: the peer is used.
        ("10.0.0.1", "192.0.2.9, unknown", 1, "10.0.0.1", "peer"),
        ("10.0.0.1", "", 1, "10.0.0.1", "peer"),
        # Networks: from right to left to the first address that is not a proxy's.
        ("10.0.0.1", "6.6.6.6, 192.0.2.9, 10.0.0.2", BALANCER, "192.0.2.9", "x-forwarded-for"),
        ("10.0.0.1", "10.0.0.3, 10.0.0.2", BALANCER, "10.0.0.3", "x-forwarded-for"),
        ("10.0.0.1", "6.6.6.6, bad, 10.0.0.2", BALANCER, "10.0.0.2", "x-forwarded-for"),
        ("192.0.2.1", "6.6.6.6", BALANCER, "192.0.2.1", "peer"),
        ("10.0.0.1", None, BALANCER, "10.0.0.1", "peer"),
        # A Unix socket has no peer address: its client is the proxy.
        ("", "192.0.2.9", BALANCER, "192.0.2.9", "x-forwarded-for"),
        ("", "192.0.2.9", 1, "192.0.2.9", "x-forwarded-for"),
        # Forms of an address: ports, brackets, zones, IPv4 in IPv6.
        ("10.0.0.1", "192.0.2.9:51234", 1, "192.0.2.9", "x-forwarded-for"),
        ("10.0.0.1", "[2001:db8::7]:443", 1, "2001:db8::7", "x-forwarded-for"),
        ("10.0.0.1", "fe80::1%eth0", 1, "fe80::1", "x-forwarded-for"),
        ("::ffff:192.0.2.1", None, 0, "192.0.2.1", "peer"),
        ("2001:DB8:0:0::1", None, 0, "2001:db8::1", "peer"),
    ],
)
def test_the_address(
    remote: str, forwarded: str | None, trusted: int | tuple[Network, ...], ip: str, source: str
) -> None:
    """The address that connected to the outermost trusted proxy, and its source."""
    environ: dict[str, object] = {"REMOTE_ADDR": remote}
    if forwarded is not None:
        environ["HTTP_X_FORWARDED_FOR"] = forwarded
    client = client_address(environ, trusted)
    assert client is not None
    assert (client.ip, client.source) == (ip, source)


@pytest.mark.parametrize("remote", ["", "unix:", "nonsense", None])
def test_no_address(remote: str | None) -> None:
    """Without an address from the server, the event has none."""
    assert client_address({"REMOTE_ADDR": remote}, 0) is None
    assert client_address({}, 1) is None


class Peer(str, Enum):  # noqa: UP042 - the `str` of a StrEnum is its value
    """Strings whose `__str__` returns another string."""

    BALANCER = "10.0.0.1"
    CLIENT = "192.0.2.9"


def test_an_address_of_a_str_subclass() -> None:
    """The characters of a string count, not its `__str__`."""
    environ = {"REMOTE_ADDR": Peer.BALANCER, "HTTP_X_FORWARDED_FOR": Peer.CLIENT}
    assert client_address(environ, 0) == ("10.0.0.1", "peer")
    assert client_address(environ, 1) == ("192.0.2.9", "x-forwarded-for")


@pytest.mark.parametrize("value", [b"192.0.2.9", 3221225993, ip_address("192.0.2.9")])
def test_an_address_that_is_not_a_string(value: object) -> None:
    """It is ignored, even if `ipaddress` would accept it: no server passes it."""
    assert client_address({"REMOTE_ADDR": value, "HTTP_X_FORWARDED_FOR": value}, 1) is None


def test_a_chain_without_an_end() -> None:
    """A header of a megabyte costs no more than a long one, and its last entry still counts."""
    header = "6.6.6.6, " * 100_000 + "192.0.2.9"
    client = client_address({"REMOTE_ADDR": "10.0.0.1", "HTTP_X_FORWARDED_FOR": header}, BALANCER)
    assert client is not None
    assert client.ip == "192.0.2.9"


@given(st.text(), st.text(), st.sampled_from([0, 1, 3, BALANCER]))
def test_any_header(remote: str, header: str, trusted: int | tuple[Network, ...]) -> None:
    """Any header gives an address or None, never an exception."""
    environ = {"REMOTE_ADDR": remote, "HTTP_X_FORWARDED_FOR": header}
    client = client_address(environ, trusted)
    assert client is None or client.source in {"peer", "x-forwarded-for"}


@given(st.lists(st.ip_addresses(v=4).map(str)))
def test_a_client_cannot_choose_its_address(forged: list[str]) -> None:
    """Whatever entries a client sends, those that the proxies appended decide."""
    header = ", ".join([*forged, "192.0.2.9", "10.0.0.2"])
    environ = {"REMOTE_ADDR": "10.0.0.1", "HTTP_X_FORWARDED_FOR": header}
    for trusted in (2, BALANCER):
        client = client_address(environ, trusted)
        assert client is not None
        assert client.ip == "192.0.2.9"
