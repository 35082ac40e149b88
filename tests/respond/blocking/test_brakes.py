"""Each brake, attacked: which networks it stops, with the sentence, and what overrides it."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from flask_errwatch._parsers import Network, RefusedValueError
from flask_errwatch.respond.blocking.brakes import (
    MOST_NEW,
    OVERRIDABLE,
    Brake,
    Facts,
    Seen,
    decide,
    stops_of,
)
from flask_errwatch.respond.blocking.networks import covering, read_network
from flask_errwatch.respond.blocking.special_networks import DOCUMENTATION, INTERNAL
from flask_errwatch.respond.ranking.summary import SourceRow

#: An address that no brake stops when its lines are verified.
SOURCE = "45.155.205.9"
ROW = SourceRow(source=SOURCE, trust="verified", lines=41)


def facts(text: str = SOURCE, row: SourceRow | None = ROW, **fields: Any) -> Facts:
    """What is known of a network, which has the lines of one source."""
    seen = {} if row is None else {read_network(text): Seen(rows=(row,))}
    return Facts(seen=seen, **fields)


def stopped(text: str, known: Facts | None = None) -> dict[str, str]:
    """The sentences by brakes."""
    network = read_network(text)
    found = stops_of(network, facts(text) if known is None else known)
    return {str(stop.brake): stop.sentence for stop in found}


def test_an_ordinary_scanner() -> None:
    """Nothing stops it."""
    assert stopped(SOURCE) == {}
    assert decide([read_network(SOURCE)], facts()).allowed == {read_network(SOURCE): ()}


@pytest.mark.parametrize(
    ("text", "network"),
    [
        ("10.0.0.1", "10.0.0.1/32"),
        ("::ffff:10.0.0.1", "10.0.0.1/32"),
        ("[::ffff:a00:1]:443", "10.0.0.1/32"),
        ("::ffff:10.0.0.0/104", "10.0.0.0/8"),
        ("64:ff9b::10.0.0.1", "10.0.0.1/32"),
        ("64:ff9b::a00:0/128", "10.0.0.0/32"),
        ("2002:a00:1::1", "2002:a00:1::/64"),
        ("2002:a00::/24", "2002:a00::/24"),
        ("2002::/16", "2002::/16"),
        ("2000::/3", "2000::/3"),
        ("192.0.0.0/8", "192.0.0.0/8"),
        ("0.0.0.0/0", "0.0.0.0/0"),
        ("::/0", "::/0"),
        ("10.0.0.0/7", "10.0.0.0/7"),
        ("100.64.0.1", "100.64.0.1/32"),
        ("224.0.0.1", "224.0.0.1/32"),
        ("169.254.169.254", "169.254.169.254/32"),
        ("255.255.255.255", "255.255.255.255/32"),
        ("fe80::1%eth0", "fe80::/64"),
        ("fd00::1", "fd00::/64"),
        ("::1", "::/64"),
        ("::10.0.0.1", "::/64"),
        ("ff0e::1", "ff0e::/64"),
        ("5f00::1", "5f00::/64"),
        ("2001:0:a00:1::", "2001:0:a00:1::/64"),
        ("64:ff9b:1::a00:1", "64:ff9b:1::/64"),
    ],
)
def test_internal_addresses_in_every_form(text: str, network: str) -> None:
    """Also where only a part of a network is internal, which `is_global` does not see."""
    assert str(read_network(text)) == network
    assert "internal" in stopped(text)


@pytest.mark.parametrize(
    "text",
    ["192.0.2.9", "203.0.113.66", "203.0.112.0/22", "2001:db8::1", "3fff::1", "2002:cb00:7142::"],
)
def test_addresses_of_documents(text: str) -> None:
    """Overridable, for a lab."""
    assert "documentation" in stopped(text)
    found = decide([read_network(text)], facts(text), {Brake.DOCUMENTATION, Brake.WIDE})
    assert Brake.DOCUMENTATION in found.allowed[read_network(text)]


def test_proxies() -> None:
    """A network that has a trusted proxy, or is one."""
    proxies = (ip_network("45.155.205.0/28"), ip_network("2a00:1::/32"))
    for text in (SOURCE, "45.155.205.0/24", "2a00:1::1"):
        assert "proxy" in stopped(text, facts(text, proxies=proxies))
    assert stopped("45.155.205.16", facts("45.155.205.16", proxies=proxies)) == {}


def test_what_is_never_blocked() -> None:
    """No override helps, and none can be asked for."""
    known = facts(never=(ip_network("45.155.0.0/16"),))
    assert stopped(SOURCE, known) == {"never": "ERRWATCH_NEVER_BLOCK has 45.155.0.0/16."}
    (stop,) = decide([read_network(SOURCE)], known, set(Brake)).stopped
    assert stop.is_final
    assert Brake.NEVER not in OVERRIDABLE


def test_ones_own_address() -> None:
    """However it is written, and within a network."""
    own = {"SSH_CONNECTION": read_network("::ffff:45.155.205.9")}
    assert stopped("45.155.205.0/24", facts("45.155.205.0/24", own=own)) == {
        "self": "It is your own address (SSH_CONNECTION)."
    }
    six = {"the probe": read_network("2a00:1:2:3::7")}
    assert "self" in stopped("2a00:1:2:3::99", facts("2a00:1:2:3::99", own=six))


@pytest.mark.parametrize(
    ("row", "is_shared"),
    [
        (SourceRow(source=SOURCE, trust="verified", lines=41, sign_ins_before=1), True),
        (SourceRow(source=SOURCE, trust="verified", lines=41, sign_ins_after=1), False),
        (SourceRow(source=SOURCE, trust="verified", lines=30, answers=5000), True),
        (SourceRow(source=SOURCE, trust="verified", lines=30, answers=60), True),
        (SourceRow(source=SOURCE, trust="verified", lines=30, answers=59), False),
        (SourceRow(source=SOURCE, trust="verified", lines=30, answers=0), False),
    ],
)
def test_an_address_that_people_share(row: SourceRow, *, is_shared: bool) -> None:
    """A sign-in before the guessing, or many answers per error. One after it is no brake."""
    assert ("shared" in stopped(SOURCE, facts(row=row))) is is_shared


def test_the_sentences_of_a_shared_address() -> None:
    """They have the figures."""
    row = SourceRow(source=SOURCE, trust="verified", lines=30, answers=5000)
    assert stopped(SOURCE, facts(row=row))["shared"] == (
        f"{SOURCE} had 5,000 successful answers and 30 errors: people come from there."
    )


def test_a_crawler() -> None:
    """Its confirmed name is in the sentence."""
    known = facts(crawlers={read_network(SOURCE): "crawl-1.googlebot.com"})
    assert stopped(SOURCE, known) == {
        "crawler": "It is a search engine (crawl-1.googlebot.com), by reverse and forward DNS."
    }


@pytest.mark.parametrize(
    ("text", "is_wide", "is_final"),
    [
        ("45.155.205.0/24", False, False),
        ("45.155.204.0/23", True, False),
        ("45.155.0.0/16", True, False),
        ("45.154.0.0/15", True, True),
        ("2a00:1:2::/48", False, False),
        ("2a00:1:2::/47", True, False),
        ("2a00:1::/32", True, False),
        ("2a00::/31", True, True),
    ],
)
def test_wide_networks(text: str, *, is_wide: bool, is_final: bool) -> None:
    """Beyond /24 and /48 with an override, beyond /16 and /32 never."""
    assert ("wide" in stopped(text)) is is_wide
    found = decide([read_network(text)], facts(text), {Brake.WIDE})
    assert bool(found.stopped) is is_final


def test_many_new_entries() -> None:
    """More than 50 in one call. What is there already does not count."""
    networks = [read_network(f"45.155.205.{number}") for number in range(MOST_NEW + 1)]
    seen = {one: Seen(rows=(ROW,)) for one in networks}
    found = decide(networks, Facts(seen=seen))
    assert found.allowed == {}
    assert {stop.sentence for stop in found.stopped} == {
        "51 new addresses are more than 50 in one call."
    }
    assert len(decide(networks, Facts(seen=seen, present=networks[:1])).allowed) == 51
    many = decide(networks, Facts(seen=seen), {Brake.MANY})
    assert {*many.allowed.values()} == {(Brake.MANY,)}
    assert len(decide(networks[1:], Facts(seen=seen)).allowed) == 50


def test_an_address_without_a_line() -> None:
    """A typing error."""
    assert stopped("45.155.205.99", facts(row=None)) == {
        "unseen": "No line of 24 hours came from there: is it a typing error?"
    }


@pytest.mark.parametrize("trust", ["counted", "none", None])
def test_addresses_that_a_client_may_have_written(trust: Any) -> None:
    """A forged header makes such lines. A probe that proves the proxy rule lets them pass."""
    row = SourceRow(source=SOURCE, trust=trust, lines=41)
    assert (
        f"(client_ip_trust is {trust or 'missing'})" in stopped(SOURCE, facts(row=row))["untrusted"]
    )
    assert stopped(SOURCE, facts(row=row, is_proven=True)) == {}


def test_overrides_that_were_needed() -> None:
    """Only those are recorded. One brake that is not overridden is enough to stop."""
    network, known = read_network("203.0.113.66"), facts("203.0.113.66", row=None)
    assert [stop.brake for stop in decide([network], known, {Brake.UNSEEN}).stopped] == [
        Brake.DOCUMENTATION
    ]
    found = decide([network], known, OVERRIDABLE)
    assert found.allowed == {network: (Brake.DOCUMENTATION, Brake.UNSEEN)}


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "010.0.0.1", "203.0.113.066", "0x7f000001", "2130706433", "1.2.3", "localhost"),
        *("1.2.3.4/33", "1.2.3.4/", "1.2.3.4/255.255.255.0", "1.2.3.4/+8", "1.2.3.4/8/8", "/8"),
        *("fe80::1%eth0/64", "1.2.3.4-5", "1.2.3.4,1.2.3.5", "::/129", "1.2.3.4/٨", "a" * 5000),
    ],
)
def test_what_is_no_address(text: str) -> None:
    """It is refused, and not read as some other address."""
    with pytest.raises(RefusedValueError, match="Use an address, or a network"):
        read_network(text)


def test_an_entry_that_covers() -> None:
    """A wider one, and not the same."""
    one = ip_network("203.0.113.66/32")
    assert covering(one, [one, ip_network("203.0.113.0/24")]) == ip_network("203.0.113.0/24")
    assert covering(one, [one, ip_network("::/1"), ip_network("203.0.113.67/32")]) is None


_SPELLED = st.sampled_from([
    "{}", " {} ", "{}:80", "::ffff:{}", "[::ffff:{}]", "[::FFFF:{}]:443", "0:0:0:0:0:ffff:{}",
    "64:ff9b::{}", "::ffff:{}%eth0", "{}/32", "::ffff:{}/128", "64:ff9b::{}/128", "::{}",
])  # fmt: skip


@given(st.ip_addresses(v=4), _SPELLED)
@example(ip_address("10.0.0.1"), "::ffff:{}")
def test_no_spelling_of_an_internal_address_passes(address: object, spelling: str) -> None:
    """A special address is stopped whatever carries it, also by 6to4, and with any facts."""
    is_special = any(address in one for one in (*INTERNAL, *DOCUMENTATION))
    texts = [spelling.format(address), _six_to_four(address)]
    for text in texts:
        brakes = stopped(text, facts(text, is_proven=True))
        if is_special:
            assert brakes.keys() & {"internal", "documentation"}


def _six_to_four(address: object) -> str:
    octets = [int(part) for part in str(address).split(".")]
    return "2002:{:02x}{:02x}:{:02x}{:02x}::1".format(*octets)


_NETWORKS = st.one_of(
    st.tuples(st.ip_addresses(v=4), st.integers(0, 32)),
    st.tuples(st.ip_addresses(v=6), st.integers(0, 128)),
).map(lambda pair: ip_network(pair, strict=False))


@given(_NETWORKS)
def test_no_network_with_a_special_address_passes(network: Network) -> None:
    """Overlap decides, not the two ends."""
    read = read_network(str(network))
    specials = [one for one in (*INTERNAL, *DOCUMENTATION) if one.version == read.version]
    is_special = any(read.overlaps(one) for one in specials)
    brakes = stopped(str(read), facts(str(read), is_proven=True))
    assert not is_special or brakes.keys() & {"internal", "documentation"}


@given(st.one_of(st.text(), st.text("0123456789abcdef.:/[]%-"), _NETWORKS.map(str)))
def test_reading_and_deciding_never_fail(text: str) -> None:
    """Whatever is given: a network with a decision, or a refusal."""
    try:
        network = read_network(text)
    except RefusedValueError:
        return
    assert read_network(str(network)) == network
    found = decide([network], Facts(), OVERRIDABLE)
    assert (network in found.allowed) is not any(stop.network == network for stop in found.stopped)
