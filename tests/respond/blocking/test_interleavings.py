"""Two runs at the same time, in each order of their calls: no block becomes permanent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from flask_errwatch.errors import AwsCallError
from tests.respond.blocking.account import (
    FOREIGN,
    Account,
    AccountAws,
    block,
    blocked,
    blocker,
    entries,
    network,
    refused,
    unblock,
)
from tests.respond.blocking.interleaved import Act, interleave, orders, process

HOUR, DAY = 3600, 86_400
SOURCE, OTHER = "203.0.113.66/32", "203.0.113.67/32"


def renews(aws: AccountAws) -> None:
    """Blocks."""
    block(process(aws), SOURCE, seconds=HOUR)


def expires(aws: AccountAws) -> None:
    """Removes what is over."""
    unblock(process(aws))


def ends(aws: AccountAws) -> None:
    """Takes it back."""
    unblock(process(aws), SOURCE)


def renews_and_ends(aws: AccountAws) -> None:
    """A mistake that is undone at once."""
    renews(aws)
    ends(aws)


def renews_both(aws: AccountAws) -> None:
    """Another block in the same update."""
    block(process(aws), OTHER, SOURCE, seconds=2 * HOUR)


#: What was before: nothing, a block, one whose time is over.
ABSENT, BLOCKED, OVERDUE = None, 60, HOUR + 60

PAIRS: dict[str, tuple[int | None, Act, Act]] = {
    "a renewal and the removal of the expired": (OVERDUE, renews, expires),
    "a renewal and an end by hand": (BLOCKED, renews, ends),
    "a block and an end by hand": (ABSENT, renews, ends),
    "a block and one that is taken back": (ABSENT, renews, renews_and_ends),
    "two blocks": (ABSENT, renews, renews_both),
    "two renewals of what is over": (OVERDUE, renews, renews_both),
    "an end by hand and one that is taken back": (BLOCKED, ends, renews_and_ends),
    "two removals of the expired": (OVERDUE, expires, expires),
}


def prepared(age: int | None) -> Account:
    """An account with a block of that age."""
    account = Account()
    if age is not None:
        block(blocker(account), SOURCE, seconds=HOUR)
        account.now += age
    return account


def calls(age: int | None, act: Act) -> int:
    """The calls of a run alone, and those of one more try."""
    aws = AccountAws(prepared(age))
    act(aws)
    return len(aws.calls) + 5


@pytest.mark.stress
@pytest.mark.parametrize("pair", PAIRS)
def test_each_entry_has_a_line_with_an_end(pair: str) -> None:
    """Whatever the order of the calls, and all entries but the foreign one end."""
    age, *acts = PAIRS[pair]
    for order in orders(*(calls(age, act) for act in acts)):
        account = prepared(age)
        assert interleave(account, order, *acts) == [], order
        shown = blocked(account)
        present = entries(account.ipv4)
        assert [one for one in present if shown[one] not in {"blocked", "overdue"}] == [FOREIGN]
        if ends not in acts and renews_and_ends not in acts and renews in acts:
            assert shown[SOURCE] == "blocked", order
        account.now += 8 * DAY
        unblock(blocker(account))
        assert entries(account.ipv4) == [FOREIGN], order
        assert blocked(account) == {FOREIGN: "foreign"}, order


@dataclass
class Tool:
    """Another program that adds an entry, or removes it."""

    change: Callable[[list[str]], list[str]]
    written: list[list[str]] = field(default_factory=list)

    def __call__(self, aws: AccountAws) -> None:
        """Reads and writes until nobody was faster."""
        one = aws.account.ipv4
        place = {"Name": one.name, "Scope": "REGIONAL", "Id": one.id}
        while True:
            answer = aws.call("wafv2", "get_ip_set", **place)
            before = answer["IPSet"]["Addresses"]
            after = self.change(before)
            if after == before:
                return
            fields = {"Description": one.description, "LockToken": answer["LockToken"]}
            try:
                aws.call("wafv2", "update_ip_set", **place, **fields, Addresses=after)
            except AwsCallError:
                continue
            self.written.append(after)
            return


@pytest.mark.parametrize("is_first", [False, True])
def test_an_entry_that_others_add_meanwhile(*, is_first: bool) -> None:
    """It is foreign, and stays, where it was there before ours."""
    for order in orders(15, 4) if not is_first else orders(4, 15):
        account = Account()
        tool = Tool(lambda now: now if SOURCE in now else [*now, SOURCE])
        acts = (tool, renews) if is_first else (renews, tool)
        assert interleave(account, order, *acts) == []
        expected = [FOREIGN, SOURCE] if tool.written else [FOREIGN]
        assert (blocked(account)[SOURCE] == "foreign") is bool(tool.written)
        account.now += DAY
        unblock(blocker(account))
        assert entries(account.ipv4) == expected, order


@pytest.mark.parametrize("is_first", [False, True])
def test_an_entry_that_others_remove_meanwhile(*, is_first: bool) -> None:
    """Where the app adds it again, it is the app's own, with an end."""
    for order in orders(15, 4) if not is_first else orders(4, 15):
        account = Account()
        account.ipv4.addresses.append(SOURCE)
        tool = Tool(lambda now: [one for one in now if one != SOURCE])
        acts = (tool, renews) if is_first else (renews, tool)
        assert interleave(account, order, *acts) == []
        if SOURCE in account.ipv4.addresses:
            assert blocked(account)[SOURCE] == "blocked"
        account.now += DAY
        unblock(blocker(account))
        assert entries(account.ipv4) == [FOREIGN], order


@pytest.mark.parametrize("code", ["AccessDeniedException", "WAFOptimisticLockException"])
def test_an_update_that_is_refused(code: str) -> None:
    """The lines of what never reached the set are withdrawn: they show no block, and no strike."""
    account = Account()
    for _ in range(3):
        account.faults["update_ip_set"] = [refused(code)]
        one = blocker(account)
        if code != "AccessDeniedException":
            account.faults["update_ip_set"].append(refused("AccessDeniedException"))
        with pytest.raises(AwsCallError):
            block(one, SOURCE)
        assert blocked(account) == {FOREIGN: "foreign"}
        account.now += 2 * HOUR
    assert blocker(account).read().history.strike(network(SOURCE), account.now) == 1
    block(blocker(account), SOURCE)
    assert blocked(account) == {SOURCE: "blocked", FOREIGN: "foreign"}


def test_a_foreign_entry_after_an_answer_that_is_lost() -> None:
    """An update whose answer is lost makes a foreign entry not the app's own."""
    account = Account()
    account.ipv4.addresses.append(SOURCE)
    account.faults["update_ip_set"] = [refused("ReadTimeoutError")]
    block(blocker(account), SOURCE)
    assert blocked(account) == {SOURCE: "foreign", FOREIGN: "foreign"}
