"""What the lines of a day have of a network."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from threading import Event

import pytest

from flask_errwatch.errors import ErrWatchError
from flask_errwatch.patterns import parse
from flask_errwatch.respond.blocking.brakes import Brake, Facts, decide
from flask_errwatch.respond.blocking.client_lines import client_pattern, seen_in_lines
from flask_errwatch.respond.blocking.crawlers import SystemResolver, crawler_name, find_crawlers
from flask_errwatch.respond.blocking.networks import Networks, read_network
from flask_errwatch.respond.blocking.never_block import read_never_block
from flask_errwatch.respond.blocking.seen import log_notes, seen_by_network
from flask_errwatch.respond.ranking.summarize import TimedEvent
from flask_errwatch.respond.ranking.window import Window
from tests.respond.blocking.account import Account, AccountAws, shop
from tests.respond.rows import failed_login, probe, sign_in

DAY = Window(start=0, end=86_400)
SOURCE = "45.155.205.9"


def seen_of(
    *lines: TimedEvent, text: str = SOURCE, answers: Iterable[tuple[float, str, int]] | None = None
) -> Facts:
    """What is known of one network from some lines."""
    network = read_network(text)
    requests = None if answers is None else [*answers]
    found = seen_by_network(
        lambda: lines, [network], DAY, None if requests is None else (lambda _: requests)
    )
    return Facts(seen=found)


def brakes(known: Facts, text: str = SOURCE) -> set[Brake]:
    """The brakes that stop the network."""
    return {stop.brake for stop in decide([read_network(text)], known).stopped}


def test_a_scanner() -> None:
    """Its rows, and the lines of nobody else."""
    known = seen_of(probe(60, SOURCE), probe(90, "45.155.205.10"))
    (row,) = known.seen[read_network(SOURCE)].rows
    assert (row.source, row.lines, row.trust, row.suspicion) == (SOURCE, 1, "verified", 2)
    assert brakes(known) == set()
    assert brakes(seen_of(probe(90, "45.155.205.10"))) == {Brake.UNSEEN}


def test_a_forged_header() -> None:
    """The left-most entry is what a client wrote: its lines are not verified, and are stopped."""
    forged = probe(60, SOURCE, client_ip_source="x-forwarded-for", client_ip_trust="counted")
    assert brakes(seen_of(forged)) == {Brake.UNTRUSTED}
    assert brakes(seen_of(probe(50, SOURCE), forged)) == {Brake.UNTRUSTED}


def test_the_address_of_a_balancer() -> None:
    """Internal, or not proven: without a rule for proxies every client seems to be the balancer."""
    inside = probe(60, "10.0.0.7", client_ip_trust="none")
    assert brakes(seen_of(inside, text="10.0.0.7"), "10.0.0.7") == {
        Brake.INTERNAL,
        Brake.UNTRUSTED,
    }
    assert brakes(seen_of(probe(60, SOURCE, client_ip_trust="none"))) == {Brake.UNTRUSTED}


def test_sign_ins() -> None:
    """Before the first suspicious line they show people. After it they are evidence."""
    before = [sign_in(60, SOURCE), probe(90, SOURCE)]
    assert Brake.SHARED in brakes(seen_of(*before))
    user = probe(60, SOURCE, suspicion=0, path_class="own", user="7")
    assert Brake.SHARED in brakes(seen_of(user, probe(90, SOURCE)))
    guessed = [failed_login(60, SOURCE), probe(61, SOURCE), sign_in(90, SOURCE)]
    assert Brake.SHARED not in brakes(seen_of(*guessed))
    # A scan after a sign-in, and then guessing: the sign-in came before the guessing.
    assert Brake.SHARED in brakes(seen_of(*before, failed_login(120, SOURCE)))
    assert Brake.SHARED in brakes(seen_of(sign_in(60, SOURCE)))


def test_answers_of_an_access_log() -> None:
    """5,000 answers and 30 errors are people. Without a log nothing is known of answers."""
    errors = [probe(60 + number, SOURCE) for number in range(30)]
    answers = [(60.0 + number % 30, SOURCE, 200) for number in range(5000)]
    assert brakes(seen_of(*errors, answers=answers)) == {Brake.SHARED}
    assert brakes(seen_of(*errors, answers=answers[:59])) == set()
    assert brakes(seen_of(*errors, answers=[(60.0, "45.155.205.10", 200)] * 5000)) == set()
    assert brakes(seen_of(*errors)) == set()


def test_an_access_log_of_some_minutes() -> None:
    """Only the errors of its time are compared, and what it does not cover is named."""
    errors = [probe(3600 + number, SOURCE) for number in range(30)]
    answers = [(80_000.0 + number, SOURCE, 200) for number in range(30)]
    known = seen_of(*errors, answers=answers)
    assert brakes(known) == {Brake.SHARED}
    assert [*log_notes(known.seen, DAY)] == [
        (
            "The access logs have requests from 1970-01-01 22:13 to 1970-01-01 22:13 UTC: "
            "only the errors of that time are compared."
        )
    ]
    # The failed requests of a log show its time too.
    scan = [(3600.0 + number, SOURCE, 404) for number in range(30)]
    assert brakes(seen_of(*errors, answers=[*scan, *answers])) == set()


def test_an_access_log_of_other_clients() -> None:
    """A log that names the balancer, and one of another day, are no evidence: it is said."""
    known = seen_of(probe(60, SOURCE), answers=[(0, "10.0.0.1", 200), (86_000, "10.0.0.1", 200)])
    assert brakes(known) == set()
    assert [*log_notes(known.seen, DAY)] == [
        (
            "The access logs have no successful request of 45.155.205.9/32: "
            "is their first field the address of the client?"
        )
    ]
    nothing = seen_of(probe(60, SOURCE), answers=[])
    assert [*log_notes(nothing.seen, DAY)] == [
        "The access logs have no request of the last 24 hours: nothing is compared."
    ]
    assert [*log_notes(seen_of(probe(60, SOURCE)).seen, DAY)] == []


@pytest.mark.parametrize("trust", [None, "claimed", 7])
def test_one_line_that_is_not_verified(trust: object) -> None:
    """A line without a known trust is not verified, whatever the others are."""
    lines = [probe(60, SOURCE), probe(61, SOURCE)]
    del lines[1][1]["client_ip_trust"]  # type: ignore[attr-defined]
    if trust is not None:
        lines[1][1]["client_ip_trust"] = trust  # type: ignore[index]
    assert brakes(seen_of(*lines)) == {Brake.UNTRUSTED}


def test_more_sources_than_are_ranked() -> None:
    """A source without a row has lines all the same: it is not called a typing error."""
    others = [probe(60, f"45.155.{one >> 7}.{one & 127}") for one in range(1100) for _ in "ab"]
    others += [failed_login(60, f"45.156.{one >> 7}.{one & 127}") for one in range(1100)]
    others += [failed_login(61, f"45.157.{one >> 7}.{one & 127}") for one in range(1100)]
    others += [probe(60, f"45.158.{one >> 7}.{one & 127}") for one in range(1100) for _ in "ab"]
    wide = [read_network(f"45.{number}.0.0/16") for number in (155, 156, 157, 158)]
    last = read_network("45.159.0.9")
    lines = [*others, probe(60, "45.159.0.9", suspicion=0)]
    found = seen_by_network(lambda: lines, [*wide, last], DAY)
    assert found[last].is_cut
    (stop,) = decide([last], Facts(seen=found)).stopped
    assert (stop.brake, stop.sentence) == (
        Brake.UNSEEN,
        "Too many sources have lines, and its own were not ranked: block fewer in one call.",
    )


def test_networks() -> None:
    """A /24 has the rows of all its sources. One that people share stops it."""
    text = "45.155.205.0/24"
    known = seen_of(probe(60, SOURCE), probe(61, "45.155.205.10"), text=text)
    assert len(known.seen[read_network(text)].rows) == 2
    assert brakes(known, text) == set()
    people = seen_of(probe(60, SOURCE), sign_in(50, "45.155.205.10"), text=text)
    assert Brake.SHARED in brakes(people, text)


@pytest.mark.parametrize("text", ["2a00:1:2:3::7", "2a00:1:2:3::/64", "2a00:1:2:3::7/128"])
def test_ipv6(text: str) -> None:
    """The source is a /64. A smaller network is found in it."""
    known = seen_of(probe(60, "2a00:1:2:3::7"), text=text)
    assert brakes(known, text) == set()
    assert known.seen[read_network(text)].addresses == ("2a00:1:2:3::7",)


def test_one_reading_of_the_log() -> None:
    """The lines of 24 hours, read once, whatever else is in the log group."""
    account = Account()
    account.log(probe(0, SOURCE)[1], ago=3600)
    account.log(probe(0, SOURCE)[1], ago=90_000)
    account.log({"event": "Heartbeat"})
    aws = AccountAws(account)
    found = seen_in_lines(aws, shop(), [read_network(SOURCE)], account.now)
    assert found[read_network(SOURCE)].lines == 1
    assert aws.calls == ["filter_log_events"]
    assert seen_in_lines(aws, shop(), [], account.now) == {}


@pytest.mark.parametrize(
    ("network", "address"),
    [
        ("45.155.205.9", "45.155.205.9"),
        ("45.155.205.0/28", "45.155.205.9"),
        ("45.155.200.0/21", "45.155.205.9"),
        ("45.0.0.0/8", "45.155.205.9"),
        ("44.0.0.0/7", "45.155.205.9"),
        ("2a00:1:2:3::/64", "2a00:1:2:3::7"),
        ("2a00::/12", "2a00:1:2:3::7"),
        ("::/16", "::7"),
    ],
)
def test_the_pattern_finds_its_lines(network: str, address: str) -> None:
    """It may find others, which are left out afterwards, and misses none."""
    pattern = parse(client_pattern([read_network(network)]))
    assert pattern.matches(f'{{"client_ip": "{address}"}}')
    assert [*Networks([read_network(network)]).of(address)] == [read_network(network)]


def test_the_pattern_of_many_networks() -> None:
    """One that is too long becomes that of all clients."""
    networks = [read_network(f"45.155.205.{number}") for number in range(60)]
    assert client_pattern(networks) == '{ $.client_ip = "*" }'


class Names:
    """A resolver with a fixed set of names."""

    def __init__(self, names: dict[str, str], addresses: dict[str, str]) -> None:
        self._names, self._addresses = names, addresses

    def names(self, address: str) -> Sequence[str]:
        """The name of an address."""
        return [_found(self._names, address)]

    def addresses(self, name: str) -> Sequence[str]:
        """The address of a name."""
        return [_found(self._addresses, name)]


def _found(table: dict[str, str], key: str) -> str:
    if key not in table:
        raise OSError(key)
    return table[key]


@pytest.mark.parametrize(
    ("name", "leads_to", "expected"),
    [
        ("crawl-1.googlebot.com", "66.249.66.1", "crawl-1.googlebot.com"),
        ("Crawl-1.GoogleBot.com.", "66.249.66.1", "crawl-1.googlebot.com"),
        ("crawl-1.googlebot.com", "66.249.66.2", None),
        ("crawl-1.googlebot.com", "", None),
        ("googlebot.com.evil.example", "66.249.66.1", None),
        ("notgooglebot.com", "66.249.66.1", None),
        ("1.66.249.66.bc.googleusercontent.com", "66.249.66.1", None),
    ],
)
def test_a_name_must_lead_back(name: str, leads_to: str, expected: str | None) -> None:
    """An address may claim any name. Only its domain's owner can let the name lead back."""
    host = name.rstrip(".").lower()
    resolver = Names({"66.249.66.1": name}, {host: leads_to} if leads_to else {})
    assert crawler_name("66.249.66.1", resolver) == expected
    network = read_network("66.249.66.1")
    found = find_crawlers({network: ["66.249.66.9", "66.249.66.1"]}, resolver)
    assert found == ({network: expected} if expected else {})


def test_a_look_up_that_takes_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is given up, and its thread ends later."""
    answered = Event()
    monkeypatch.setattr("socket.gethostbyaddr", lambda _: answered.wait(60))
    resolver = SystemResolver(seconds=0.01)
    with pytest.raises(OSError, match="it took too long"):
        resolver.names("66.249.66.1")
    answered.set()
    monkeypatch.setattr("socket.gethostbyaddr", lambda _: ("a", ["b"], []))
    assert SystemResolver().names("66.249.66.1") == ("a", "b")
    found = [(0, 0, 0, "", ("2001:db8::1%eth0", 0, 0, 0))]
    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: found)
    assert SystemResolver().addresses("a") == ["2001:db8::1%eth0"]
    assert crawler_name("66.249.66.1", SystemResolver()) is None


IP_RANGES = """{"syncToken": "1", "prefixes": [
 {"ip_prefix": "18.68.0.0/16", "region": "GLOBAL", "service": "CLOUDFRONT"},
 {"ip_prefix": "3.0.0.0/9", "region": "us-east-1", "service": "EC2"},
 {"ip_prefix": "15.177.0.0/18", "region": "GLOBAL", "service": "ROUTE53_HEALTHCHECKS"}],
 "ipv6_prefixes": [{"ipv6_prefix": "2600:9000::/28", "service": "CLOUDFRONT"}]}"""


def test_lists_of_what_is_never_blocked(tmp_path: Path) -> None:
    """Entries, a file of lines with comments, and AWS's own list: not the addresses of EC2."""
    lines, ranges = tmp_path / "office.txt", tmp_path / "ip-ranges.json"
    lines.write_text("# offices\n198.51.100.0/24  # Berlin\n\n2001:db8::7\n", encoding="utf-8")
    ranges.write_text(IP_RANGES, encoding="utf-8")
    found = read_never_block(["45.155.205.9", f"file:{lines}", f"file:{ranges}"])
    assert [str(network) for network in found] == [
        *("45.155.205.9/32", "198.51.100.0/24", "2001:db8::/64"),
        *("18.68.0.0/16", "15.177.0.0/18", "2600:9000::/28"),
    ]


@pytest.mark.parametrize("content", ["198.51.100.0/24\n", IP_RANGES])
def test_a_list_with_a_byte_order_mark(tmp_path: Path, content: str) -> None:
    """Windows writes one."""
    file = tmp_path / "never"
    file.write_text(content, encoding="utf-8-sig")
    found = read_never_block([f"file:{file}"])
    expected = "198.51.100.0/24" if content[0] == "1" else "18.68.0.0/16"
    assert str(found[0]) == expected


def test_a_list_whose_path_is_none() -> None:
    """A NUL is in no path."""
    with pytest.raises(ErrWatchError, match="It is not a path: it has a NUL character"):
        read_never_block(["file:/tmp/\0x"])


_ODD = "in 'prefixes' is not a prefix with its service"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "It cannot be read"),
        ("", "It has no network"),
        ("# nothing\n", "It has no network"),
        ("198.51.100.0/24\nBerlin\n", "'Berlin' is not a network"),
        ('{"prefixes": []}', "It has no 'ipv6_prefixes'"),
        ('{"prefixes": [], "ipv6_prefixes": []}', "It has no network"),
        ("{", "It is not valid JSON"),
        (b"\xff\xfe1", "It is not in UTF-8"),
        ('{"prefixes": [{"ip_prefix": "1.1.1.0/24", "service": ["CLOUDFRONT"]}]}', _ODD),
        ('{"prefixes": [{"ip_prefix": "1.1.1.0/24"}]}', _ODD),
        ('{"prefixes": [{"ip_prefix": 5, "service": "CLOUDFRONT"}]}', _ODD),
        ('{"prefixes": ["1.1.1.0/24"]}', _ODD),
    ],
)
def test_lists_that_cannot_be_read(
    tmp_path: Path, content: str | bytes | None, reason: str
) -> None:
    """Everything is refused: what the list would protect is not known."""
    file = tmp_path / "never"
    if content is not None:
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ErrWatchError, match="Nothing is blocked while this list is not") as found:
        read_never_block([f"file:{file}"])
    assert reason in str(found.value)
