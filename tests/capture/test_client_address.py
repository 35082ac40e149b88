"""The client's address: who is named in 90 set-ups, and how sure the line is about it."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from ipaddress import IPv4Address, ip_address, ip_network
from typing import Any

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.middleware.proxy_fix import ProxyFix

from flask_errwatch._parsers import TrustedProxies
from flask_errwatch.capture.addresses import parse_address
from flask_errwatch.capture.client_address import ClientAddress, UnknownClient, address_rule
from flask_errwatch.capture.forwarding import key_of
from flask_errwatch.config.values import trusted_proxies
from tests.wsgi_driver import events_of, serve, watched

TRUE, FORGED, PROXY = "198.51.100.66", "203.0.113.1", "10.0.0.5"
#: A server that does not take `X_Forwarded_For` for `X-Forwarded-For`.
KEEPS_APART = "Werkzeug/3.1.3"
#: The address of an edge of CloudFront.
EDGE = "130.176.1.1"
NETS = "10.0.0.0/8, 130.176.0.0/16, 2001:db8::/32"
XFF = "x-forwarded-for"
VIEWER = "CloudFront-Viewer-Address"
KEYS = ("client_ip", "client_ip_source", "client_ip_trust", "peer_ip", "forwarded_claim")

#: What a line says: client_ip, its source and trust, or only the peer; then the claim.
Line = tuple[str | None, str | None, str | None, str | None, str | None]


def peer(trust: str, claim: str | None = None, ip: str = TRUE) -> Line:
    """The client is the peer."""
    return ip, "peer", trust, None, claim


def named(
    trust: str = "verified", claim: str | None = None, *, ip: str = TRUE, source: str = XFF
) -> Line:
    """A header names the client."""
    return ip, source, trust, None, claim


def unknown(claim: str | None = None, ip: str | None = PROXY) -> Line:
    """Only the peer is known."""
    return None, None, None, ip, claim


#: Name, ERRWATCH_TRUSTED_PROXIES, REMOTE_ADDR, X-Forwarded-For, what the line says.
CHAINS: list[tuple[str, object, str | None, str | None, Line]] = [
    # Nothing is known about proxies: the client is the peer, and the line says whether it is sure.
    ("direct", 0, TRUE, None, peer("verified")),
    ("direct, forged header", 0, TRUE, FORGED, peer("none", FORGED)),
    ("direct, header repeats the peer", 0, TRUE, TRUE, peer("none")),
    ("direct, empty header", 0, TRUE, "", peer("none")),
    ("behind a proxy, setting forgotten", 0, PROXY, TRUE, peer("none", TRUE, PROXY)),
    ("an empty setting", "", PROXY, TRUE, peer("none", TRUE, PROXY)),
    ("Unix socket, setting forgotten", 0, "", TRUE, unknown(TRUE, None)),
    ("no peer", 0, None, None, unknown(ip=None)),
    ("peer is nonsense", 0, "nonsense", None, unknown(ip=None)),
    ("mapped peer", 0, f"::ffff:{TRUE}", None, peer("verified")),
    ("IPv6 peer, other spelling", 0, "2001:DB8:0::1", None, peer("verified", ip="2001:db8::1")),
    ("IPv6 peer with a zone", 0, "fe80::1%eth0", None, peer("verified", ip="fe80::1")),
    # It is declared that there is no proxy.
    ("none, direct", "none", TRUE, None, peer("verified")),
    ("none, forged header", "none", TRUE, FORGED, peer("verified", FORGED)),
    ("none, Unix socket", "none", "", FORGED, unknown(FORGED, None)),
    # A number of proxies.
    ("one proxy, honest", 1, PROXY, TRUE, named("counted")),
    ("one proxy appends", 1, PROXY, f"{FORGED}, {TRUE}", named("counted", FORGED)),
    ("one proxy, client repeats itself", 1, PROXY, f"{TRUE}, {TRUE}", named("counted")),
    ("one proxy, no blanks", 1, PROXY, f"{FORGED},{TRUE}", named("counted", FORGED)),
    ("one proxy, port kept", 1, PROXY, f"{FORGED}, {TRUE}:51413", named("counted", FORGED)),
    ("one proxy, header missing", 1, PROXY, None, unknown()),
    ("one proxy, empty header", 1, PROXY, "", unknown()),
    ("one proxy, it wrote unknown", 1, PROXY, f"{FORGED}, unknown", unknown(f"{FORGED}, unknown")),
    ("one proxy, quoted entry", 1, PROXY, f'"{TRUE}"', unknown(f'"{TRUE}"')),
    ("one proxy, trailing comma", 1, PROXY, f"{FORGED}, {TRUE},", unknown(f"{FORGED}, {TRUE},")),
    (
        "one proxy, two addresses in an entry",
        1,
        PROXY,
        "6.6.6.6 7.7.7.7",
        unknown("6.6.6.6 7.7.7.7"),
    ),
    ("one proxy, no port", 1, PROXY, f"{TRUE}:http", unknown(f"{TRUE}:http")),
    ("one proxy, leading zeros", 1, PROXY, "198.051.100.066", unknown("198.051.100.066")),
    ("one proxy, a number", 1, PROXY, "3325256770", unknown("3325256770")),
    ("one proxy, mapped", 1, PROXY, f"::ffff:{TRUE}", named("counted")),
    ("one proxy, NAT64", 1, PROXY, f"64:ff9b::{TRUE}", named("counted")),
    ("one proxy, 6to4", 1, PROXY, "2002:c633:6442::1", named("counted", ip="2002:c633:6442::1")),
    ("one proxy, IPv6", 1, PROXY, "2001:DB8::7", named("counted", ip="2001:db8::7")),
    ("one proxy, IPv6 and port", 1, PROXY, "[2001:db8::7]:443", named("counted", ip="2001:db8::7")),
    ("one proxy, brackets only", 1, PROXY, "[2001:db8::7]", named("counted", ip="2001:db8::7")),
    ("one proxy, open bracket", 1, PROXY, "[2001:db8::7", unknown("[2001:db8::7")),
    ("one proxy, text after a bracket", 1, PROXY, "[2001:db8::7]x", unknown("[2001:db8::7]x")),
    ("one proxy, zone", 1, PROXY, "fe80::1%eth0", named("counted", ip="fe80::1")),
    ("one proxy, Unix socket", 1, "", f"{FORGED}, {TRUE}", named("counted", FORGED)),
    ("two proxies", 2, PROXY, f"{FORGED}, {TRUE}, {EDGE}", named("counted", FORGED)),
    ("two proxies, one was passed", 2, PROXY, TRUE, unknown(TRUE)),
    (
        "one proxy too few, it is internal",
        1,
        PROXY,
        f"{TRUE}, 10.0.0.9",
        unknown(f"{TRUE}, 10.0.0.9"),
    ),
    ("an internal client", 1, PROXY, "10.0.0.9", named("counted", ip="10.0.0.9")),
    (
        "internal clients behind a proxy",
        1,
        PROXY,
        "10.0.0.8, 10.0.0.9",
        named("counted", "10.0.0.8", ip="10.0.0.9"),
    ),
    ("the balancer names itself", 1, PROXY, PROXY, unknown(PROXY)),
    ("past the proxy, forged", 1, TRUE, FORGED, named("counted", ip=FORGED)),
    # Networks of the proxies.
    ("networks, honest", NETS, PROXY, TRUE, named()),
    ("networks, forged", NETS, PROXY, f"{FORGED}, {TRUE}", named(claim=FORGED)),
    ("networks, forged as a proxy", NETS, PROXY, f"10.0.0.1, {TRUE}", named(claim="10.0.0.1")),
    ("networks, two proxies", NETS, PROXY, f"{TRUE}, {EDGE}", named()),
    (
        "networks, forged, two proxies",
        NETS,
        PROXY,
        f"{FORGED}, {TRUE}, {EDGE}",
        named(claim=FORGED),
    ),
    ("networks, junk to the left", NETS, PROXY, f"<x>, {TRUE}", named(claim="<x>")),
    ("networks, mapped proxy", NETS, f"::ffff:{PROXY}", f"{TRUE}, ::ffff:{EDGE}", named()),
    ("networks, proxy with a port", NETS, PROXY, f"{TRUE}, {EDGE}:443", named()),
    ("networks, IPv6 proxy", NETS, "2001:db8::5", TRUE, named()),
    ("networks, 64 hops", NETS, PROXY, f"{TRUE}{', 10.0.0.2' * 63}", named()),
    (
        "networks, 65 hops",
        NETS,
        PROXY,
        f"{TRUE}{',10.0.0.2' * 64}",
        unknown(f"[333 more]…{('10.0.0.2,' * 64)[-257:-1]}"),
    ),
    ("networks, peer outside them", NETS, TRUE, None, peer("verified")),
    ("networks, peer outside, forged", NETS, TRUE, FORGED, peer("verified", FORGED)),
    ("networks, peer outside, as a proxy", NETS, TRUE, PROXY, peer("verified", PROXY)),
    ("networks, header missing", NETS, PROXY, None, unknown()),
    ("networks, garbage", NETS, PROXY, "garbage", unknown("garbage")),
    (
        "networks, garbage, then a proxy",
        NETS,
        PROXY,
        f"{TRUE}, ?, 10.0.0.9",
        unknown(f"{TRUE}, ?, 10.0.0.9"),
    ),
    ("networks, only proxies", NETS, PROXY, "10.0.0.9, 10.0.0.8", unknown("10.0.0.9, 10.0.0.8")),
    ("networks, the whole internet", "0.0.0.0/0", PROXY, TRUE, unknown(TRUE)),
    ("networks, Unix socket", NETS, "", f"{FORGED}, {TRUE}", named("counted", FORGED)),
    ("networks, Unix socket of waitress", NETS, "localhost", TRUE, named("counted")),
    ("networks, Unix socket of nginx", NETS, "unix:", TRUE, named("counted")),
    ("networks, Unix socket, header missing", NETS, "", None, unknown(ip=None)),
    ("networks, peer is a name", NETS, "proxy.local", FORGED, unknown(FORGED, None)),
    ("mapped networks", "::ffff:10.0.0.0/104", PROXY, TRUE, named()),
    ("NAT64 networks", "64:ff9b::a00:0/104", "64:ff9b::a00:5", TRUE, named()),
    ("NAT64 networks, IPv4 peer", "64:ff9b::a00:0/104", PROXY, TRUE, named()),
    ("NAT64 as a whole", "64:ff9b::/96", "64:ff9b::a00:5", TRUE, unknown(TRUE)),
    ("one host", PROXY, PROXY, TRUE, named()),
    (
        "names, CloudFront and balancer",
        "aws:cloudfront, aws:vpc",
        PROXY,
        f"{FORGED}, {TRUE}, {EDGE}",
        named(claim=FORGED),
    ),
    (
        "names, past CloudFront",
        "aws:cloudfront,aws:vpc",
        PROXY,
        f"{FORGED}, {TRUE}",
        named(claim=FORGED),
    ),
    (
        "names, past the balancer",
        "aws:cloudfront,aws:vpc",
        TRUE,
        f"{FORGED}, {EDGE}",
        peer("verified", f"{FORGED}, {EDGE}"),
    ),
]

#: Name, the settings, what is in the environment, what the line says.
HEADERS: list[tuple[str, Mapping[str, object], Mapping[str, object], Line]] = [
    ("no proxy, X-Real-IP", {}, {"HTTP_X_REAL_IP": FORGED}, peer("none", FORGED)),
    # waitress removes the headers of a proxy.
    ("waitress", {}, {"SERVER_SOFTWARE": "waitress"}, peer("none")),
    (
        "waitress by another name",
        {},
        {"SERVER_SOFTWARE": "x", "waitress.client_disconnected": bool},
        peer("none"),
    ),
    (
        "waitress, none",
        {"TRUSTED_PROXIES": "none"},
        {"SERVER_SOFTWARE": "waitress"},
        peer("verified"),
    ),
    *(
        (f"no proxy, {name}", {}, {key_of(name): FORGED}, peer("none", FORGED))
        for name in (
            *("Fly-Client-IP", "Fastly-Client-IP", "X-Azure-ClientIP", "X-Azure-SocketIP"),
            *("X-Envoy-External-Address", "X-AppEngine-User-IP", "X-Original-Forwarded-For"),
            *("X-Vercel-Forwarded-For", "DO-Connecting-IP", "Client-IP", "X-Forwarded"),
            *("Forwarded-For", "X-Client-IP", "True-Client-IP", "CF-Connecting-IP"),
        )
    ),
    *(
        (f"no proxy, {name} only", {}, {key_of(name): "x"}, peer("none"))
        for name in (
            *("X-Forwarded-Ssl", "X-Forwarded-Server", "X-Forwarded-Prefix", "X-Forwarded-Scheme"),
            *("X-Forwarded-Anything", "CDN-Loop", "CF-Ray", "X-Amz-Cf-Id", "X-Amzn-Trace-Id"),
            *("X-Original-URL", "X-Scheme", "Front-End-Https", "X-ARR-SSL", "X-Varnish"),
        )
    ),
    *(
        (f"no proxy's header, {name}", {}, {key_of(name): "x"}, peer("verified"))
        for name in ("X-Requested-With", "Accept", "Origin", "X-CSRF-Token", "X-Api-Key")
    ),
    ("no proxy, Via only", {}, {"HTTP_VIA": "1.1 x"}, peer("none")),
    ("a balancer that removes the header", {}, {"HTTP_X_FORWARDED_PROTO": "https"}, peer("none")),
    ("no proxy, Forwarded", {}, {"HTTP_FORWARDED": f"for={FORGED}"}, peer("none", f"for={FORGED}")),
    (
        "no proxy, the configured header",
        {"CLIENT_HEADER": "X-Mine"},
        {"HTTP_X_MINE": FORGED},
        peer("none", FORGED),
    ),
    (
        "none, ProxyFix rewrote",
        {"TRUSTED_PROXIES": "none"},
        {"HTTP_X_FORWARDED_FOR": FORGED, "x_for": 1},
        peer("verified", FORGED),
    ),
    # ProxyFix.
    (
        "ProxyFix",
        {},
        {"REMOTE_ADDR": PROXY, "HTTP_X_FORWARDED_FOR": TRUE, "x_for": 1},
        named("counted", source="proxy-fix"),
    ),
    (
        "ProxyFix, forged",
        {},
        {"REMOTE_ADDR": PROXY, "HTTP_X_FORWARDED_FOR": f"{FORGED}, {TRUE}", "x_for": 1},
        named("counted", f"{FORGED}, {TRUE}", source="proxy-fix"),
    ),
    ("ProxyFix, header missing", {}, {"REMOTE_ADDR": PROXY, "x_for": 1}, peer("none", ip=PROXY)),
    (
        "ProxyFix, too few entries",
        {},
        {"REMOTE_ADDR": PROXY, "HTTP_X_FORWARDED_FOR": TRUE, "x_for": 2},
        peer("none", TRUE, PROXY),
    ),
    (
        "ProxyFix for the scheme",
        {},
        {"HTTP_X_FORWARDED_FOR": FORGED, "x_for": 0},
        peer("none", FORGED),
    ),
    (
        "ProxyFix, unknown",
        {},
        {"REMOTE_ADDR": PROXY, "HTTP_X_FORWARDED_FOR": "unknown", "x_for": 1},
        unknown("unknown"),
    ),
    (
        "ProxyFix and networks",
        {"TRUSTED_PROXIES": NETS},
        {"REMOTE_ADDR": PROXY, "HTTP_X_FORWARDED_FOR": f"{FORGED}, {TRUE}", "x_for": 2},
        named(claim=FORGED),
    ),
    (
        "ProxyFix and networks, past the proxy",
        {"TRUSTED_PROXIES": NETS},
        {"HTTP_X_FORWARDED_FOR": PROXY, "x_for": 1},
        peer("verified", PROXY),
    ),
    # Servers that let X_Forwarded_For pass for X-Forwarded-For, or are not known to drop it.
    *(
        (
            f"server, {software}, {more}",
            {"TRUSTED_PROXIES": NETS},
            {
                "REMOTE_ADDR": PROXY,
                "HTTP_X_FORWARDED_FOR": TRUE,
                "SERVER_SOFTWARE": software,
                **more,
            },
            named(trust),
        )
        for trust, software, more in (
            ("counted", "", {"uwsgi.version": b"2"}),
            ("counted", "", {"asgi.scope": {}}),
            ("counted", "", {"SERVER_PORT": 80}),
            ("counted", "", {}),
            ("counted", None, {}),
            ("counted", "Cheroot/10.0.1 Server", {}),
            ("counted", "WSGIServer/0.2 CPython/3.11", {}),
            ("counted", "gunicorn/23.0.0", {}),  # its worker is not found
            ("counted", "Apache/2.2", {}),
            ("verified", "Werkzeug/3.0.0", {}),
            ("verified", "gevent/25.5 Python/3.11", {}),
            ("verified", "a name of its own", {"waitress.client_disconnected": bool}),
            ("verified", "Apache", {"mod_wsgi.version": (5, 0, 2)}),
        )
    ),
    (
        "uWSGI, peer outside",
        {"TRUSTED_PROXIES": NETS},
        {"HTTP_X_FORWARDED_FOR": FORGED, "uwsgi.version": b"2"},
        peer("verified", FORGED),
    ),
    # Forwarded (RFC 7239).
    *(
        (
            f"Forwarded, {value}",
            {"TRUSTED_PROXIES": NETS, "CLIENT_HEADER": "Forwarded"},
            {"REMOTE_ADDR": PROXY, "HTTP_FORWARDED": value},
            line,
        )
        for value, line in (
            (f"for={TRUE}", named(source="forwarded")),
            (f"For={TRUE};proto=https;by={PROXY}", named(source="forwarded")),
            (f'for={FORGED}, for="{TRUE}:4711"', named(source="forwarded", claim=FORGED)),
            (f'for={TRUE}, for="{EDGE}"', named(source="forwarded")),
            (f"for={TRUE}:80", named(source="forwarded")),
            (f'for="{TRUE}:_port"', named(source="forwarded")),
            ('for="[2a00::7]:443"', named(source="forwarded", ip="2a00::7")),
            (f'host="a,b;for={FORGED}";for={TRUE}', named(source="forwarded")),
            (f'host="\\"";for={TRUE}', named(source="forwarded")),
            (f"for={TRUE}{f', for={EDGE}' * 63}", named(source="forwarded")),
            (f"for={FORGED}, for=_hidden", unknown(f"for={FORGED}, for=_hidden")),
            (f"for={FORGED}, for=unknown", unknown(f"for={FORGED}, for=unknown")),
            (f"for={FORGED}, proto=http", unknown(f"for={FORGED}, proto=http")),
            (f"for={FORGED};for={TRUE}", unknown(f"for={FORGED};for={TRUE}")),
            # A quote that the client opened encloses what the proxy appended.
            (f'for={FORGED};x=", for={TRUE}', unknown(f'for={FORGED};x=", for={TRUE}')),
            (f'for={FORGED};x=", for="{TRUE}"', unknown(f'for={FORGED};x=", for="{TRUE}"')),
        )
    ),
    (
        "Forwarded is configured, X-Forwarded-For came",
        {"TRUSTED_PROXIES": NETS, "CLIENT_HEADER": "Forwarded"},
        {"REMOTE_ADDR": PROXY, "HTTP_X_FORWARDED_FOR": FORGED},
        unknown(FORGED),
    ),
    (
        "Forwarded by count",
        {"TRUSTED_PROXIES": 1, "CLIENT_HEADER": "forwarded"},
        {"REMOTE_ADDR": PROXY, "HTTP_FORWARDED": f"for={TRUE}"},
        named("counted", source="forwarded"),
    ),
    # A header with one address.
    *(
        (
            f"{VIEWER}, {value}, {chain}, {remote}",
            {"TRUSTED_PROXIES": trusted, "CLIENT_HEADER": VIEWER},
            {
                "REMOTE_ADDR": remote,
                "HTTP_CLOUDFRONT_VIEWER_ADDRESS": value,
                "HTTP_X_FORWARDED_FOR": chain,
            },
            line,
        )
        for trusted, remote, value, chain, line in (
            (NETS, EDGE, f"{TRUE}:46532", "", named(source=VIEWER.lower())),
            (NETS, PROXY, f"{TRUE}:46532", EDGE, named(source=VIEWER.lower())),
            (
                NETS,
                PROXY,
                f"{TRUE}:46532",
                f"{FORGED}, {TRUE}, {EDGE}",
                named(source=VIEWER.lower(), claim=FORGED),
            ),
            (
                NETS,
                PROXY,
                "2a00:1:2:3:4:5:6:7:46532",
                "",
                named(source=VIEWER.lower(), ip="2a00:1:2:3:4:5:6:7"),
            ),
            (NETS, PROXY, "2a00::7:46532", "", named(source=VIEWER.lower(), ip="2a00::7")),
            (NETS, PROXY, TRUE, "", named(source=VIEWER.lower())),
            # Past CloudFront to the balancer, which appended the true client.
            (NETS, PROXY, f"{FORGED}:1", TRUE, unknown(f"{FORGED}:1")),
            (NETS, PROXY, f"{FORGED}:1", f"{FORGED}, {TRUE}", unknown(f"{FORGED}:1")),
            (NETS, PROXY, f"{TRUE}:46532", "garbage", unknown(f"{TRUE}:46532")),
            # An inner proxy wrote the address of an outer one.
            (NETS, PROXY, f"{EDGE}:46532", "", unknown(f"{EDGE}:46532")),
            (NETS, PROXY, "", TRUE, unknown(TRUE)),
            (NETS, TRUE, f"{FORGED}:1", "", peer("verified", f"{FORGED}:1")),
            (2, PROXY, f"{TRUE}:46532", f"{TRUE}, {EDGE}", named("counted", source=VIEWER.lower())),
            (2, PROXY, f"{FORGED}:1", TRUE, unknown(f"{FORGED}:1")),
            (1, PROXY, f"{TRUE}:46532", "", named("counted", source=VIEWER.lower())),
        )
    ),
]


def line_of(settings: Mapping[str, object], environ: Mapping[str, object]) -> Line:
    """What the line of a 404 says about its client."""
    app = Flask(__name__)
    app.config.update({f"ERRWATCH_{key}": value for key, value in settings.items()})
    watched(app)
    wsgi: dict[str, Any] = {"SERVER_SOFTWARE": KEEPS_APART, **environ}
    x_for = wsgi.pop("x_for", None)
    if isinstance(x_for, int):
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=x_for)  # type: ignore[method-assign]
    serve(app, "/none", **wsgi)
    (event,) = events_of(app)
    assert [key for key in event if key in KEYS] == [key for key in KEYS if key in event]
    client, source, trust, peer_ip, claim = map(event.get, KEYS)
    return client, source, trust, peer_ip, claim


@pytest.mark.parametrize(
    ("trusted", "remote", "chain", "expected"),
    [row[1:] for row in CHAINS],
    ids=[row[0] for row in CHAINS],
)
def test_a_chain_of_proxies(
    trusted: object, remote: str | None, chain: str | None, expected: Line
) -> None:
    """The true client, or nobody; never the client's own entry as verified, never the own proxy."""
    environ: dict[str, object] = {"REMOTE_ADDR": remote}
    if chain is not None:
        environ["HTTP_X_FORWARDED_FOR"] = chain
    assert line_of({"TRUSTED_PROXIES": trusted}, environ) == expected


@pytest.mark.parametrize(
    ("settings", "environ", "expected"),
    [row[1:] for row in HEADERS],
    ids=[row[0] for row in HEADERS],
)
def test_other_headers_and_servers(
    settings: Mapping[str, object], environ: Mapping[str, object], expected: Line
) -> None:
    """Each header, ProxyFix, and servers that cannot tell `X_Forwarded_For` from the header."""
    assert line_of(settings, {"REMOTE_ADDR": TRUE, **environ}) == expected


def test_what_the_tables_promise() -> None:
    """No expected value names the attacker as verified, or the own proxy behind known proxies."""
    rows = [(row[1], row[4]) for row in CHAINS]
    rows += [(row[1].get("TRUSTED_PROXIES", 0), row[3]) for row in HEADERS]
    assert len(rows) >= 70
    for trusted, (ip, _, trust, _, _) in rows:
        assert (ip, trust) != (FORGED, "verified")
        assert ip not in {PROXY, EDGE} or (not trusted and trust == "none")


class Peer(str, Enum):  # noqa: UP042 - the `str` of a StrEnum is its value
    """Strings whose `__str__` returns another string."""

    BALANCER = "10.0.0.1"
    CLIENT = "192.0.2.9"


def test_an_address_of_a_str_subclass() -> None:
    """The characters of a string count, not its `__str__`."""
    environ = {"REMOTE_ADDR": Peer.BALANCER, "HTTP_X_FORWARDED_FOR": Peer.CLIENT}
    assert address_rule(0).client(environ) == ("10.0.0.1", "peer", "none", "192.0.2.9")
    assert address_rule(1).client(environ) == ("192.0.2.9", "x-forwarded-for", "counted", "")


@pytest.mark.parametrize("value", [b"192.0.2.9", 3221225993, ip_address("192.0.2.9"), None])
def test_an_address_that_is_not_a_string(value: object) -> None:
    """It is ignored, even if `ipaddress` would accept it: no server passes it."""
    environ = {"REMOTE_ADDR": value, "HTTP_X_FORWARDED_FOR": value}
    assert address_rule(1).client(environ) == UnknownClient("", "")


def test_a_chain_without_an_end() -> None:
    """A header of a megabyte costs no more than a long one, and its last entry still counts."""
    header = "6.6.6.6, " * 100_000 + TRUE
    environ = {
        "REMOTE_ADDR": PROXY,
        "HTTP_X_FORWARDED_FOR": header,
        "SERVER_SOFTWARE": KEEPS_APART,
    }
    client = address_rule(trusted_proxies(NETS)).client(environ)
    assert isinstance(client, ClientAddress)
    assert (client.ip, client.trust) == (TRUE, "verified")
    assert len(client.claim) < 300


@pytest.mark.parametrize(
    ("value", "ip"),
    [
        ("a=1," * 900 + f"for={TRUE}", TRUE),  # without quotes nothing to the left matters
        ("a=1," * 100 + f'a="",for={TRUE}', ""),
        ("a=1;" * 100 + f"for={TRUE}", TRUE),
        (f'for={FORGED};x=", for={TRUE}', ""),
    ],
)
def test_a_forwarded_header_of_many_pairs(value: str, ip: str) -> None:
    """At most 64 elements or 96 pairs are read: a client may hide its address, not choose it."""
    environ = {"REMOTE_ADDR": PROXY, "HTTP_FORWARDED": value}
    client = address_rule(trusted_proxies(NETS), "Forwarded").client(environ)
    assert (client.ip if isinstance(client, ClientAddress) else "") == ip


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", VIEWER])
def test_a_long_chain_is_read_without_objects_for_addresses(
    header: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`ipaddress` builds the client's address only: 64 hops of it cost more than the line."""
    built: list[object] = []
    build = IPv4Address.__init__

    def count(self: IPv4Address, address: str | int) -> None:
        built.append(address)
        build(self, address)

    monkeypatch.setattr(IPv4Address, "__init__", count)
    hops = [f"10.77.3.{number}" for number in range(63)]
    environ = {
        "REMOTE_ADDR": "10.77.4.1",
        "HTTP_X_FORWARDED_FOR": ", ".join(["198.51.100.177", *hops]),
        "HTTP_FORWARDED": ", ".join(f"for={ip}" for ip in ["198.51.100.177", *hops]),
        "HTTP_CLOUDFRONT_VIEWER_ADDRESS": "198.51.100.177:1234",
    }
    client = address_rule(trusted_proxies("10.0.0.0/8"), header).client(environ)
    assert isinstance(client, ClientAddress)
    assert client.ip == "198.51.100.177"
    assert len(built) <= 6  # with those of the network


addresses_and_odd_texts = (
    st.ip_addresses().map(str) | st.text("0123456789abcdef:.%", max_size=45) | st.text(max_size=20)
)


@given(addresses_and_odd_texts)
def test_addresses_are_read_as_by_the_standard_library(text: str) -> None:
    """What is no address for `ipaddress` is none, and each other one has the same bits."""
    bare = text.strip(" \t")
    try:
        expected = ip_address(bare)
    except ValueError:
        if "%" not in bare and "[" not in bare and bare.count(":") != 1:
            assert parse_address(text) is None
        return
    if "%" not in bare and int(expected) >> 32 not in {0xFFFF, 0x64FF9B << 64}:
        assert parse_address(text) == (expected.version, int(expected))


def test_an_entry_that_the_bound_cut_is_no_address() -> None:
    """The rest of an entry is not taken for one: `198.51.100.66` cut is `8.51.100.66`."""
    padding = ", 10.0.0.2" + " " * 62
    header = TRUE + padding * 56 + " " * (4096 - 72 * 56 - len("8.51.100.66"))
    environ = {"REMOTE_ADDR": PROXY, "HTTP_X_FORWARDED_FOR": header}
    assert header[-4096:].startswith("8.51.100.66")
    assert isinstance(address_rule(trusted_proxies(NETS)).client(environ), UnknownClient)


RULES: list[TrustedProxies] = [0, 1, 3, "none", trusted_proxies(NETS)]
odd = st.text(st.sampled_from('0123456789abcdef:.,[]"=; for\\%_\t\x00\ud800')) | st.text()


@given(odd, odd, st.sampled_from(RULES), st.sampled_from(["X-Forwarded-For", "Forwarded", VIEWER]))
def test_any_header(remote: str, value: str, trusted: TrustedProxies, header: str) -> None:
    """Any header gives a client or none, with a bounded claim, never an exception."""
    environ: dict[str, Any] = {
        "REMOTE_ADDR": remote,
        "HTTP_X_FORWARDED_FOR": value,
        "HTTP_FORWARDED": value,
        "HTTP_CLOUDFRONT_VIEWER_ADDRESS": value,
    }
    client = address_rule(trusted, header).client(environ)
    ip = client.ip if isinstance(client, ClientAddress) else client.peer
    assert ip == "" or str(ip_address(ip)) == ip
    assert len(client.claim) < 300


addresses = st.ip_addresses(v=4).map(str)
proxies = st.integers(min_value=0, max_value=2**24 - 1).map(
    lambda low: str(ip_address(10 << 24 | low))
)


@given(st.lists(addresses | proxies | odd, max_size=4), st.lists(proxies, max_size=3), st.data())
def test_a_client_cannot_choose_a_verified_address(
    forged: list[str], hops: list[str], data: st.DataObject
) -> None:
    """What stands left of the first hop that is no proxy is never the client, in any header."""
    in_networks = ip_network("10.0.0.0/8")
    client = data.draw(addresses.filter(lambda ip: ip_address(ip) not in in_networks))
    trusted = trusted_proxies("10.0.0.0/8")
    chain = [*forged, client, *hops]
    environ = {
        "REMOTE_ADDR": PROXY,
        "HTTP_X_FORWARDED_FOR": ", ".join(chain),
        "SERVER_SOFTWARE": KEEPS_APART,
    }
    found = address_rule(trusted).client(environ)
    assert isinstance(found, ClientAddress)
    assert found[:3] == (client, "x-forwarded-for", "verified")
    environ["HTTP_FORWARDED"] = ", ".join([*forged, *(f'for="{ip}"' for ip in (client, *hops))])
    found_in_forwarded = address_rule(trusted, "Forwarded").client(environ)
    if isinstance(found_in_forwarded, ClientAddress):
        assert found_in_forwarded.ip == client
    environ["HTTP_X_REAL_IP"] = data.draw(st.sampled_from([*forged, ""]))
    found_in_real_ip = address_rule(trusted, "X-Real-IP").client(environ)
    if isinstance(found_in_real_ip, ClientAddress):
        assert found_in_real_ip.ip == client
