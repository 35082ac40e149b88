"""Blocks and their ends: entries, lines, interruptions, and others who write at the same time."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

import pytest

from flask_errwatch.errors import AwsCallError
from flask_errwatch.respond.blocking.blocker import Blocker, CallerFacts
from flask_errwatch.respond.blocking.brakes import Brake
from flask_errwatch.respond.blocking.errors import BlockingError
from flask_errwatch.respond.blocking.ip_sets import IpSets
from flask_errwatch.respond.blocking.plans import Request
from flask_errwatch.respond.blocking.text import entry_lines, unblock_lines
from tests.respond.blocking.account import (
    ALL_BRAKES,
    FOREIGN,
    NOW,
    Account,
    AccountAws,
    KilledError,
    NoNames,
    block,
    blocked,
    blocker,
    entries,
    network,
    refused,
    shop,
    states,
    unblock,
)

HOUR, DAY = 3600, 86_400
SOURCE, OTHER, SIX = "203.0.113.66/32", "203.0.113.67/32", "2001:db8:1:2::/64"


def test_both_families() -> None:
    """Each address is in the set of its family, and has its line before the set is written."""
    account = Account()
    block(blocker(account), SOURCE, SIX)
    assert account.ipv4.addresses == [FOREIGN, SOURCE]
    assert account.ipv6.addresses == [SIX]
    assert account.ipv4.description == "managed-by=flask-errwatch app=shop"
    assert account.records() == [("Source Blocked", SOURCE), ("Source Blocked", SIX)]
    assert blocked(account) == {SOURCE: "blocked", SIX: "blocked", FOREIGN: "foreign"}
    assert {stream for stream, _, _ in account.events} == {"respond/2027-01-15"}


def test_one_update_a_set() -> None:
    """However many addresses there are."""
    account = Account()
    block(blocker(account), *(f"203.0.113.{number}/32" for number in range(40)))
    assert len(account.ipv4.addresses) == 41
    assert account.waf.accepted["UpdateIPSet"] == 1


def test_longer_each_time() -> None:
    """An hour, a day, a week: by the blocks of 30 days that have ended. A renewal is no new one."""
    account = Account()
    lengths = []
    for _ in range(4):
        block(blocker(account), SOURCE)
        block(blocker(account), SOURCE)
        (mine,) = [one for one in states(account) if str(one.network) == SOURCE]
        assert mine.block is not None
        lengths.append((mine.block.until - account.now) / HOUR)
        account.now = mine.block.until + 60
        unblock(blocker(account))
    assert lengths == [1, 24, 168, 168]
    account.now += 31 * DAY
    block(blocker(account), SOURCE)
    (mine,) = [one for one in states(account) if str(one.network) == SOURCE]
    assert mine.block is not None
    assert (mine.block.until - account.now) / HOUR == 1


def test_never_beyond_the_line() -> None:
    """A block ends a day before its line is deleted. A longer one is refused."""
    account = Account()
    for _ in range(3):
        block(blocker(account, RETENTION_DAYS=3), SOURCE)
        (mine,) = [one for one in states(account) if str(one.network) == SOURCE]
        assert mine.block is not None
        last, account.now = mine.block.until - account.now, mine.block.until + 60
    assert last == 2 * DAY
    with pytest.raises(BlockingError, match="at most 2 days"):
        block(blocker(account, RETENTION_DAYS=3), SOURCE, seconds=3 * DAY)


def test_the_date_by_which_an_overdue_entry_must_go() -> None:
    """Until its line is deleted: afterwards nothing shows whose it is."""
    account = Account()
    block(blocker(account, RETENTION_DAYS=3), SOURCE, seconds=2 * DAY)
    account.now += 2 * DAY
    text = " ".join(" ".join(entry_lines(states(account), kept_days=3)).split())
    assert "run flask errwatch unblock --expired --yes. At 2027-01-18 08:00 UTC the first" in text
    account.now += DAY + 60
    account.events.clear()
    plan, _ = blocker(account).plan_unblock([network(SOURCE)])
    assert " ".join(" ".join(unblock_lines(plan)).split()) == (
        "Leave alone, since no line of the app put them there: 203.0.113.66/32. Remove such an "
        "entry by hand: edit the IP set in the console of AWS WAF."
    )


def test_only_ours_expires() -> None:
    """What others put there stays, also where this app blocked it again."""
    account = Account()
    block(blocker(account), SOURCE, OTHER, FOREIGN, seconds=HOUR)
    account.ipv4.addresses.append("198.51.100.1/32")
    block(blocker(account), OTHER, seconds=2 * HOUR)
    account.now += HOUR
    assert blocked(account) == {
        SOURCE: "overdue",
        OTHER: "blocked",
        FOREIGN: "foreign",
        "198.51.100.1/32": "foreign",
    }
    unblock(blocker(account))
    assert account.ipv4.addresses == [FOREIGN, OTHER, "198.51.100.1/32"]
    assert account.records()[-1] == ("Source Unblocked", SOURCE)
    unblock(blocker(account), FOREIGN)
    assert FOREIGN in account.ipv4.addresses


def test_block_removes_what_is_over() -> None:
    """In the same update, with its line."""
    account = Account()
    block(blocker(account), SOURCE, seconds=HOUR)
    account.now += HOUR
    block(blocker(account), OTHER)
    assert account.ipv4.addresses == [FOREIGN, OTHER]
    assert account.waf.accepted["UpdateIPSet"] == 2
    assert account.records()[-1] == ("Source Unblocked", SOURCE)


def test_entries_go_back_as_they_came() -> None:
    """Another spelling is the same network: no entry is added twice or changed."""
    account = Account()
    account.ipv6.addresses = ["2001:0db8:0001:0002:0000:0000:0000:0000/64"]
    block(blocker(account), SIX, "2001:db8:1:3::/64")
    assert account.ipv6.addresses == [
        "2001:0db8:0001:0002:0000:0000:0000:0000/64",
        "2001:db8:1:3::/64",
    ]


def full(account: Account, own: int) -> list[str]:
    """Fills the set: some entries of the app's own, which end one after the other."""
    one = blocker(account)
    ours = [f"203.0.113.{number}/32" for number in range(own)]
    for number, entry in enumerate(ours):
        block(one, entry, seconds=HOUR * (own - number))
    others = [f"10.{n >> 8}.{n & 255}.0/32" for n in range(9_999 - own)]
    account.ipv4.addresses += others
    assert len(account.ipv4.addresses) == 10_000
    return ours


def test_a_full_set() -> None:
    """The app's own entries that end first are removed, and no others."""
    account = Account()
    ours = full(account, 3)
    block(blocker(account), "203.0.113.200/32", "203.0.113.201/32")
    assert len(account.ipv4.addresses) == 10_000
    assert [entry for entry in ours if entry in account.ipv4.addresses] == ours[:1]
    assert sorted(account.records()[-2:]) == [("Source Unblocked", one) for one in ours[1:]]
    with pytest.raises(BlockingError, match="10,000 of 10,000 entries, 4 too many"):
        block(blocker(account), *(f"203.0.113.{number}/32" for number in range(202, 206)))
    assert len(account.records()) == 7


def test_a_victim_that_is_renewed_meanwhile() -> None:
    """It stays. Where it was named, the set has no room, and nothing is written."""
    account = Account()
    ours = full(account, 3)
    late = blocker(account)
    request = Request(networks={network("203.0.113.200/32"): {}}, reason="", overrides=ALL_BRAKES)
    plan, reading = late.plan_block(request, CallerFacts(resolver=NoNames()))
    (victim,) = map(str, plan.evicted)
    block(blocker(account), victim, seconds=9 * HOUR)
    before = [*account.ipv4.addresses]
    with pytest.raises(BlockingError, match="would have 10,001"):
        late.block(plan, reading)
    assert account.ipv4.addresses == before
    assert victim in ours
    assert blocked(account)[victim] == "blocked"
    assert "203.0.113.200/32" not in blocked(account)


CASES: dict[str, Callable[[Blocker], object]] = {
    "block": lambda one: block(one, OTHER, SIX),
    "unblock": lambda one: unblock(one, SOURCE),
    "expired": unblock,
}


def prepared(case: str) -> Account:
    """An account with a block, which is over for all cases but one."""
    account = Account()
    block(blocker(account), SOURCE, seconds=HOUR)
    account.now += HOUR if case != "unblock" else 60
    return account


@pytest.mark.parametrize("case", CASES)
def test_killed_at_every_call(case: str) -> None:
    """`blocked` shows what is there, the next run completes, no own entry is without a line."""
    act = CASES[case]
    finished = prepared(case)
    act(blocker(finished))
    for halves in count():
        account = prepared(case)
        try:
            act(blocker(account, dies_at=halves / 2))
        except KilledError:
            pass
        else:
            break
        shown = blocked(account)
        present = entries(account.ipv4, account.ipv6)
        assert {one for one, state in shown.items() if state != "not in the set"} == set(present)
        assert [one for one, state in shown.items() if state == "foreign"] == [FOREIGN]
        lines = {address for event, address in account.records() if event == "Source Blocked"}
        assert {*present} - {FOREIGN} <= lines
        act(blocker(account))
        unblock(blocker(account))
        assert blocked(account) == blocked(finished)
        assert sorted(account.ipv4.addresses) == sorted(finished.ipv4.addresses)
        assert sorted(account.ipv6.addresses) == sorted(finished.ipv6.addresses)
    assert halves > 14


def test_concurrent_updates() -> None:
    """What was put in meanwhile stays: all is read again, and each write has its own line."""
    account = Account()
    aws = AccountAws(account)
    sets = IpSets(aws, shop(), sleep=lambda _: None)
    one = Blocker(aws, sets, shop(), clock=lambda: account.now)
    original = account.waf.call
    added = iter(["198.51.100.1/32", "198.51.100.2/32"])

    def interfering(operation: str, *arguments: object) -> object:
        if operation == "UpdateIPSet" and (entry := next(added, None)):
            account.ipv4.addresses.append(entry)
            account.ipv4.token = f"changed for {entry}"
        return original(operation, *arguments)  # type: ignore[arg-type]

    account.waf.call = interfering  # type: ignore[assignment, method-assign]
    block(one, SOURCE)
    assert account.ipv4.addresses == [FOREIGN, "198.51.100.1/32", "198.51.100.2/32", SOURCE]
    assert account.records() == [("Source Blocked", SOURCE)] * 3
    lines = ["create_log_stream", "put_log_events"]
    tried = ["update_ip_set", "get_ip_set", "filter_log_events", *lines]
    assert aws.calls[aws.calls.index("update_ip_set") :] == [*tried, *tried, "update_ip_set"]


def test_a_renewal_while_the_expired_are_removed() -> None:
    """A run that read the set before the renewal cannot remove what it renews."""
    account = Account()
    block(blocker(account), SOURCE, seconds=HOUR)
    account.now += HOUR
    late = blocker(account)
    plan, reading = late.plan_expired()
    assert [str(one) for one in plan.removed] == [SOURCE]
    block(blocker(account), SOURCE)
    late.unblock(plan, reading)
    assert account.ipv4.addresses == [FOREIGN, SOURCE]
    assert blocked(account)[SOURCE] == "blocked"
    assert account.records()[-1] == ("Source Blocked", SOURCE)


@pytest.mark.parametrize("is_line_late", [True, False])
def test_a_removal_while_it_is_renewed(*, is_line_late: bool) -> None:
    """The renewal puts the entry back, with a line: whenever the line of the removal comes."""
    account = Account()
    block(blocker(account), SOURCE, seconds=HOUR)
    account.now += HOUR / 2
    other, original, calls = blocker(account), account.answer, count()
    written: list[dict[str, object]] = []

    def interfering(service: str, method: str, arguments: dict[str, object]) -> object:
        if method == "update_ip_set" and next(calls) == 0:
            account.now += 1
            account.answer = holding  # type: ignore[assignment, method-assign]
            unblock(other, SOURCE)
            account.now += 1
            account.answer = interfering  # type: ignore[assignment, method-assign]
        return original(service, method, arguments)

    def holding(service: str, method: str, arguments: dict[str, object]) -> object:
        if method == "put_log_events" and is_line_late:
            written.append(arguments)
            return {}
        return original(service, method, arguments)

    account.answer = interfering  # type: ignore[assignment, method-assign]
    block(blocker(account), SOURCE)
    for arguments in written:
        original("logs", "put_log_events", arguments)
    assert account.ipv4.addresses == [FOREIGN, SOURCE]
    assert blocked(account)[SOURCE] == "blocked"
    assert sorted(event for event, _ in account.records()) == [
        *["Source Blocked"] * 3,
        "Source Unblocked",
    ]


def test_an_answer_that_is_lost() -> None:
    """The update went through: the try after it finds it done, and ends are noted."""
    account = Account()
    block(blocker(account), SOURCE, seconds=HOUR)
    account.now += HOUR
    original, calls = account.answer, count()

    def losing(service: str, method: str, arguments: dict[str, object]) -> object:
        answer = original(service, method, arguments)
        if method == "update_ip_set" and next(calls) == 0:
            raise refused("ReadTimeoutError")
        return answer

    account.answer = losing  # type: ignore[assignment, method-assign]
    block(blocker(account), OTHER)
    assert account.ipv4.addresses == [FOREIGN, OTHER]
    assert account.waf.accepted["UpdateIPSet"] == 3
    assert account.records()[-1] == ("Source Unblocked", SOURCE)
    account.now += 2 * DAY
    assert blocked(account)[OTHER] == "overdue"


@pytest.mark.parametrize(
    "code",
    ["WAFOptimisticLockException", "ThrottlingException", "WAFInternalErrorException"],
)
def test_it_is_tried_again(code: str) -> None:
    """On a lost lock, throttling and a fault of AWS WAF."""
    account = Account()
    status = 500 if "Internal" in code else 400
    for method in ("list_ip_sets", "get_ip_set", "update_ip_set"):
        error = refused(code)
        error.status = status
        account.faults[method] = [error] * 3
    block(blocker(account), SOURCE)
    assert account.ipv4.addresses == [FOREIGN, SOURCE]


def test_a_line_that_is_refused() -> None:
    """Nothing is changed, whether the call failed or CloudWatch Logs rejected the line."""
    account = Account()
    account.faults["put_log_events"] = [refused("AccessDeniedException")]
    with pytest.raises(AwsCallError, match="Allow logs:PutLogEvents"):
        block(blocker(account), SOURCE)
    account.answers["put_log_events"] = {"rejectedLogEventsInfo": {"tooOldLogEventEndIndex": 1}}
    with pytest.raises(BlockingError, match="CloudWatch Logs refused it"):
        block(blocker(account), SOURCE)
    account.faults["filter_log_events"] = [refused("ResourceNotFoundException")]
    with pytest.raises(BlockingError, match="log group = 'shop': It does not exist"):
        block(blocker(account), SOURCE)
    assert account.ipv4.addresses == [FOREIGN]
    assert account.waf.accepted["UpdateIPSet"] == 0


def test_forged_lines() -> None:
    """A line in another stream, or of another app, makes no entry the app's own."""
    account = Account()
    block(blocker(account), SOURCE, seconds=HOUR)
    (event,) = account.events
    data = {"set": account.ipv4.arn, "until": "2026-01-01T00:00:00Z", "strike": 1}
    line = {"event": "Source Blocked", "data": {**data, "address": FOREIGN}}
    account.log(line, stream="web", ago=2 * HOUR)
    account.log({**line, "app": "another"}, stream="respond/2027-01-15")
    for broken in ({}, {"address": 7}, {"address": "x"}, {**data, "address": "::/0", "set": 3}):
        account.log({**line, "data": broken}, stream="respond/2027-01-15")
    assert blocked(account)[FOREIGN] == "foreign"
    unblock(blocker(account))
    assert account.ipv4.addresses == [FOREIGN, SOURCE]
    assert event in account.events


def test_once_for_each_transition() -> None:
    """The lines show what was done for a transition of an alarm."""
    account = Account()
    one = blocker(account)
    block(one, SOURCE, alarm="shop-scan", transition="2027-01-15T08:00:00Z")
    history = one.read().history
    (found,) = [one.network for one in states(account) if str(one.network) == SOURCE]
    assert history.has_answered("shop-scan", "2027-01-15T08:00:00Z", found)
    assert not history.has_answered("shop-scan", "2027-01-15T09:00:00Z", found)


def test_the_identity_is_not_known() -> None:
    """STS cannot be reached from every subnet. The block matters more."""
    account = Account()
    account.faults["get_caller_identity"] = [refused("EndpointConnectionError")]
    block(blocker(account), SOURCE)
    (mine,) = [one for one in states(account) if str(one.network) == SOURCE]
    assert mine.last is not None
    assert mine.last.actor == "unknown (EndpointConnectionError)"
    assert mine.block is not None
    assert mine.block.since == NOW


def test_the_balancer_that_is_configured_is_not_blocked() -> None:
    """The brakes have the trusted proxies of the configuration: only they stop its address."""
    account = Account()
    configured = blocker(account, TRUSTED_PROXIES=[SOURCE])
    others = frozenset(Brake) - {Brake.PROXY, Brake.CRAWLER}
    assert block(configured, SOURCE, overrides=others) == [f"{SOURCE} proxy"]
    assert SOURCE not in str(blocked(account))
    assert block(blocker(account), SOURCE, overrides=others) == []
