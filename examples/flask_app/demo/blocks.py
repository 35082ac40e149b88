"""Blocks the scanner in the emulator's AWS WAF, as someone on call would, until the block ends."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import boto3

from examples.flask_app import create_app
from flask_errwatch.cli import errwatch

#: An entry that is put into the set by hand.
BY_HAND = "192.0.2.200/32"
#: The set of IPv4 addresses that `bootstrap_alarms` created.
_SET = "shop-blocked-ipv4"
#: The demonstration's clients have addresses for documents, and claim them in a header.
_OVERRIDES = ("--override", "documentation", "--override", "untrusted")
_PERIOD = "5s"


@dataclass(frozen=True, kw_only=True, slots=True)
class Blocks:
    """What the commands print, and what the set had then.

    Attributes:
        texts: Each command with what it prints, in their order.
        blocked: The entries of the set after `block`.
        states: How `blocked` shows each entry.
        unblocked: The entries of the set after `unblock --expired`.
    """

    texts: Mapping[str, str]
    blocked: tuple[str, ...]
    states: Mapping[str, str]
    unblocked: tuple[str, ...]


def block_until_over(source: str, settings: Mapping[str, str]) -> Blocks:
    """Blocks a source for five seconds, waits for the end of them, and removes it.

    Args:
        source: The address.
        settings: The shop's configuration.
    """
    runner = create_app(settings).test_cli_runner()
    texts: dict[str, str] = {}

    def run(*arguments: str) -> None:
        command = " ".join(f'"{one}"' if " " in one else one for one in arguments)
        texts[f"flask errwatch {command}"] = runner.invoke(errwatch, arguments).output

    _put_by_hand(BY_HAND)
    run("block", source, "--for", _PERIOD, "--reason", "path scan", *_OVERRIDES, "--yes")
    blocked = _entries()
    run("blocked")
    shown = runner.invoke(errwatch, ["blocked", "--json"])
    entries = [] if shown.exit_code else json.loads(shown.stdout)["entries"]
    _wait_for([entry["until"] for entry in entries if entry["until"]])
    run("unblock", "--expired", "--yes")
    return Blocks(
        texts=texts,
        blocked=blocked,
        states={entry["address"]: entry["state"] for entry in entries},
        unblocked=_entries(),
    )


def _wait_for(ends: list[str]) -> None:
    for end in ends:
        # Blocks end by the clock of this machine, not by that of the lab.
        time.sleep(max(0.0, datetime.fromisoformat(end).timestamp() - time.time()))


def _put_by_hand(entry: str) -> None:
    wafv2 = boto3.client("wafv2")
    one = _ip_set(wafv2)
    wafv2.update_ip_set(
        Name=_SET,
        Scope="REGIONAL",
        Id=one["IPSet"]["Id"],
        LockToken=one["LockToken"],
        Description=one["IPSet"]["Description"],
        Addresses=[*one["IPSet"]["Addresses"], entry],
    )


def _entries() -> tuple[str, ...]:
    return tuple(sorted(_ip_set(boto3.client("wafv2"))["IPSet"]["Addresses"]))


def _ip_set(wafv2: Any) -> dict[str, Any]:
    sets = wafv2.list_ip_sets(Scope="REGIONAL")["IPSets"]
    (identifier,) = [one["Id"] for one in sets if one["Name"] == _SET]
    found: dict[str, Any] = wafv2.get_ip_set(Name=_SET, Scope="REGIONAL", Id=identifier)
    return found
