"""The client's address: only what trusted proxies said counts."""

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
        # Nobody is trusted: the header is the client's own writing.
        ("192.0.2.1", "6.6.6.6", 0, "192.0.2.1", "peer"),
        ("192.0.2.1", None, 1, "192.0.2.1", "peer"),
        # One proxy appended the last entry; what stands left of it was sent by the client.
        ("10.0.0.1", "192.0.2.9", 1, "192.0.2.9", "x-forwarded-for"),
        ("10.0.0.1", "6.6.6.6, 192.0.2.9", 1, "192.0.2.9", "x-forwarded-for"),
        ("10.0.0.1", "6.6.6.6, 192.0.2.9, 10.0.0.2", 2, "192.0.2.9", "x-forwarded-for"),
        # Fewer entries than proxies: it did not come through all of them.
        ("10.0.0.1", "192.0.2.9", 2, "10.0.0.1", "peer"),
        # The entry that counts is no address: no guess is made.
        ("10.0.0.1", "192.0.2.9, unknown", 1, "10.0.0.1", "peer"),
        ("10.0.0.1", "", 1, "10.0.0.1", "peer"),
        # Networks: from right to left to the first address that is no proxy's.
        ("10.0.0.1", "6.6.6.6, 192.0.2.9, 10.0.0.2", BALANCER, "192.0.2.9", "x-forwarded-for"),
        ("10.0.0.1", "10.0.0.3, 10.0.0.2", BALANCER, "10.0.0.3", "x-forwarded-for"),
        ("10.0.0.1", "6.6.6.6, bad, 10.0.0.2", BALANCER, "10.0.0.2", "x-forwarded-for"),
        ("192.0.2.1", "6.6.6.6", BALANCER, "192.0.2.1", "peer"),
        ("10.0.0.1", None, BALANCER, "10.0.0.1", "peer"),
        # A Unix socket has no peer address: whoever holds it is the proxy.
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
    """The address of whoever spoke to the outermost trusted proxy, and where it stood."""
    environ: dict[str, object] = {"REMOTE_ADDR": remote}
    if forwarded is not None:
        environ["HTTP_X_FORWARDED_FOR"] = forwarded
    found = client_address(environ, trusted)
    assert found is not None
    assert (found.ip, found.source) == (ip, source)


@pytest.mark.parametrize("remote", ["", "unix:", "nonsense", None])
def test_no_address(remote: str | None) -> None:
    """Where the server knows no address, none is made up."""
    assert client_address({"REMOTE_ADDR": remote}, 0) is None
    assert client_address({}, 1) is None


class Peer(str, Enum):  # noqa: UP042 - the `str` of a StrEnum is its value
    """Texts whose `str` is another text."""

    BALANCER = "10.0.0.1"
    CLIENT = "192.0.2.9"


def test_an_address_of_a_type_of_its_own() -> None:
    """What is a text says what it is by itself, not by what its type makes of it."""
    environ = {"REMOTE_ADDR": Peer.BALANCER, "HTTP_X_FORWARDED_FOR": Peer.CLIENT}
    assert client_address(environ, 0) == ("10.0.0.1", "peer")
    assert client_address(environ, 1) == ("192.0.2.9", "x-forwarded-for")


@pytest.mark.parametrize("value", [b"192.0.2.9", 3221225993, ip_address("192.0.2.9")])
def test_what_is_no_text_is_no_address(value: object) -> None:
    """Also where it could be taken for one: no server gives it."""
    assert client_address({"REMOTE_ADDR": value, "HTTP_X_FORWARDED_FOR": value}, 1) is None


def test_a_chain_without_an_end() -> None:
    """A header of a megabyte costs no more than a long one, and its last entry still counts."""
    header = "6.6.6.6, " * 100_000 + "192.0.2.9"
    found = client_address({"REMOTE_ADDR": "10.0.0.1", "HTTP_X_FORWARDED_FOR": header}, BALANCER)
    assert found is not None
    assert found.ip == "192.0.2.9"


@given(st.text(), st.text(), st.sampled_from([0, 1, 3, BALANCER]))
def test_any_header(remote: str, header: str, trusted: int | tuple[Network, ...]) -> None:
    """Whatever stands there: an address or none, never an exception."""
    environ = {"REMOTE_ADDR": remote, "HTTP_X_FORWARDED_FOR": header}
    found = client_address(environ, trusted)
    assert found is None or found.source in {"peer", "x-forwarded-for"}


@given(st.lists(st.ip_addresses(v=4).map(str)))
def test_a_client_cannot_choose_its_address(forged: list[str]) -> None:
    """Whatever entries a client sends, those that the proxies appended decide."""
    header = ", ".join([*forged, "192.0.2.9", "10.0.0.2"])
    environ = {"REMOTE_ADDR": "10.0.0.1", "HTTP_X_FORWARDED_FOR": header}
    for trusted in (2, BALANCER):
        found = client_address(environ, trusted)
        assert found is not None
        assert found.ip == "192.0.2.9"
