"""The fields on which the audit depends: written as they are, and in an order that clocks keep."""

from __future__ import annotations

import json

import pytest

from flask_errwatch.respond.blocking import audit_log
from flask_errwatch.respond.blocking.errors import BlockingError
from tests.respond.blocking.account import (
    ACTOR,
    FOREIGN,
    Account,
    block,
    blocked,
    blocker,
    entries,
    unblock,
)

SOURCE = "203.0.113.66/32"


@pytest.mark.parametrize("key", ["address", "addr", "set", "until", "ends", "withdrawn", "actor"])
def test_configured_secrets_mask_nothing_that_ends_a_block(key: str) -> None:
    """A key of the app in ERRWATCH_REDACT_KEYS may have the name of a field of ours."""
    account = Account()
    block(blocker(account, REDACT_KEYS=[key]), SOURCE, seconds=60)
    data = json.loads(account.events[0][2])["data"]
    assert (data["address"], data["set"]) == (SOURCE, account.ipv4.arn)
    assert (data["until"], data["actor"]) == ("2027-01-15T08:01:00.000Z", ACTOR)
    account.now += 60
    assert blocked(account) == {SOURCE: "overdue", FOREIGN: "foreign"}
    unblock(blocker(account, REDACT_KEYS=[key]))
    assert entries(account.ipv4) == [FOREIGN]


def test_a_set_whose_id_looks_like_the_number_of_a_card() -> None:
    """AWS chooses the id."""
    account = Account()
    account.ipv4.id = "41111111-1111-1111-8abc-0123456789ab"
    block(blocker(account), SOURCE, seconds=60)
    assert json.loads(account.events[0][2])["data"]["set"] == account.ipv4.arn
    account.now += 60
    unblock(blocker(account))
    assert entries(account.ipv4) == [FOREIGN]


def test_what_persons_write_is_masked() -> None:
    """A reason is a text like any other."""
    account = Account()
    block(blocker(account, REDACT_KEYS=["reason"]), SOURCE)
    assert json.loads(account.events[0][2])["data"]["reason"] == "[redacted]"


def test_a_line_that_is_not_what_was_meant(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is written then, neither the line nor the set."""
    account = Account()
    monkeypatch.setattr(audit_log, "render", lambda *_: b'{"event": "Source Blocked"}')
    with pytest.raises(BlockingError, match="It cannot be read back as it was meant"):
        block(blocker(account), SOURCE)
    assert (account.events, entries(account.ipv4)) == ([], [FOREIGN])


def test_a_host_whose_clock_is_behind() -> None:
    """Its block is newer than the end that it has read, and shown as such."""
    account = Account()
    block(blocker(account), SOURCE)
    unblock(blocker(account), SOURCE)
    account.now -= 30
    block(blocker(account), SOURCE, seconds=3600)
    assert blocked(account) == {SOURCE: "blocked", FOREIGN: "foreign"}
    account.now += 7200
    unblock(blocker(account))
    assert entries(account.ipv4) == [FOREIGN]
