"""The JSON of a story, and the views of a ranking: what programs read."""

from __future__ import annotations

import csv
import json
from dataclasses import replace

import pytest

from flask_errwatch.respond.ranking.summary import SourceRow, Trust
from flask_errwatch.respond.views.columns import columns
from flask_errwatch.respond.views.document import document
from flask_errwatch.respond.views.offenders import (
    Networks,
    networks,
    offender_csv,
    offender_document,
    offender_lines,
)
from tests.respond.stories import HOSTILE, SCAN, SCANNER, SILENT, WIDE

SCANNING = {
    "source": SCANNER,
    "trust": "verified",
    "lines": 41,
    "suspicion": 79,
    "paths": 41,
    "unrouted": 41,
    "failed_logins": 0,
    "unclear_refusals": 0,
    "mistyped": 0,
    "probes": 0,
    "user_lines": 0,
    "users": [],
    "users_after": [],
    "failed_users": [],
    "sign_ins": 0,
    "sign_ins_before": 0,
    "sign_ins_after": 0,
    "sign_ins_later": 0,
    "before": 0,
    "first": "2026-10-25T02:05:04.000Z",
    "last": "2026-10-25T02:09:10.000Z",
    "answers": None,
}
ROWS = (
    *SCAN.summary.sources,
    SourceRow(
        source="2001:db8:1:2::/64", trust="counted", lines=7, suspicion=2.5, users=(HOSTILE,)
    ),
    SourceRow(source=None, lines=3),
    SourceRow(source=f"=cmd|{HOSTILE}", lines=1),
)


def test_the_document() -> None:
    """Every field of the contract, with times in RFC 3339."""
    read = json.loads(document(SCAN))
    sources, samples = read.pop("sources"), read.pop("samples")
    assert sources[0] == SCANNING
    assert [row["source"] for row in sources] == [SCANNER, "198.51.100.17"]
    assert sources[1]["users"] == ["ann"]
    assert samples == [dict(event) for event in SCAN.summary.samples]
    assert read == {
        "alarm": "shop-scan",
        "state": "ALARM",
        "window": {"start": "2026-10-25T02:00:00.000Z", "end": "2026-10-25T02:10:00.000Z"},
        "counted": {"metric": 41, "lines": 41, "threshold": 16},
        "last_line": "2026-10-25T02:09:10.000Z",
        "looks_like": {
            "kind": "path scan",
            "sentence": SCAN.verdict.sentence,
            "source": SCANNER,
            "sources": [SCANNER],
            "succeeded": 0,
            "evidence": {"lines": 41, "of": 44, "unrouted_paths": 41},
        },
        "paths": [{"path": "/products/earl-grey", "lines": 2, "sources": 1}],
        "fingerprints": [],
        "releases": [],
        "unusual": [{"field": "client_ip", "value": SCANNER, "share": 0.93, "before": 0}],
        "unknown": ["successful requests (lines are of failures; --access-log adds them)."],
        "next": 'flask errwatch block 203.0.113.66 --reason "path scan"',
        "read": {"how": "lines", "bytes": 48_112, "dollars": 0, "exact": True},
    }


def test_its_fields_are_these() -> None:
    """Also of an alarm without a line, in the same order."""
    names = [
        *("alarm", "state", "window", "counted", "last_line", "looks_like", "sources", "paths"),
        *("fingerprints", "releases", "unusual", "samples", "unknown", "next", "read"),
    ]
    for story in (SCAN, SILENT, WIDE):
        assert list(json.loads(document(story))) == names
    silent = json.loads(document(replace(SILENT, state=None)))
    assert silent["looks_like"]["source"] is silent["state"] is silent["next"] is None
    assert silent["sources"] == silent["samples"] == []


def test_the_other_rows() -> None:
    """Failures with whether they are new, releases with their lines before."""
    read = json.loads(document(WIDE))
    assert read["fingerprints"] == [
        {
            "fingerprint": "b3a2f6d1c4e59870",
            "type": "shop.payment.PaymentError",
            "where": "shop/payment.py:31 in charge",
            "lines": 12,
            "new": True,
        }
    ]
    assert read["releases"] == [{"release": HOSTILE, "lines": 12, "before": 0}]
    assert read["read"] == {
        "how": "insights",
        "bytes": 3_000_000_000,
        "dollars": 0.015,
        "exact": False,
    }


def test_the_document_is_printable() -> None:
    """In ASCII, so that a terminal obeys nothing in it. The values are the originals."""
    text = document(replace(WIDE, reason="", unknown=("\x7f\x9b2J",)))
    assert text.isascii()
    assert all(line.isprintable() for line in text.splitlines())
    assert json.loads(text)["unknown"] == ["\x7f\x9b2J"]
    assert json.loads(text)["paths"][1]["path"] == HOSTILE


def test_an_estimate_is_not_exact() -> None:
    """Neither where the reading is one, nor where a number of sources or paths is."""
    estimated = replace(SCAN, summary=replace(SCAN.summary, is_exact=False))
    assert json.loads(document(estimated))["read"]["exact"] is False


def test_offenders_as_a_table() -> None:
    """The ranking with the trust in each address."""
    assert offender_lines(ROWS[:4], SCAN.summary.window) == [
        "SOURCE                trust  suspicion  lines  paths  sign-ins      last",
        "203.0.113.66       verified         79     41     41         0  02:09:10",
        "198.51.100.17      verified          0      2      1         1  02:08:40",
        "2001:db8:1:2::/64   counted        2.5      7      0         0  00:00:00",
        "(no address)              -          0      3      0         0  00:00:00",
    ]
    assert all(columns(line) <= 80 for line in offender_lines(ROWS, SCAN.summary.window))
    assert offender_lines((), SCAN.summary.window) == ["No source."]


def test_offenders_as_json() -> None:
    """The fields of a source are those of `why`."""
    read = json.loads(offender_document(ROWS[:1], SCAN.summary.window))
    assert read == {
        "window": {"start": "2026-10-25T02:00:00.000Z", "end": "2026-10-25T02:10:00.000Z"},
        "sources": [SCANNING],
        "left_out": 0,
    }


def test_offenders_as_networks() -> None:
    """One network each: an address is a /32. What is no address is left out."""
    trusted = ("203.0.113.66/32", "198.51.100.17/32", "2001:db8:1:2::/64")
    assert networks(ROWS) == Networks(trusted, doubtful=0)


@pytest.mark.parametrize("trust", ["none", None])
def test_an_address_that_may_be_invented_is_in_no_list_of_blocks(trust: Trust | None) -> None:
    """A client would choose who is blocked. How many are left out is known."""
    rows = [SourceRow(source="8.8.8.8", trust=trust), *ROWS[:1]]
    assert networks(rows) == Networks(("203.0.113.66/32",), doubtful=1)


def test_the_table_has_the_first_sources() -> None:
    """And how many more there are."""
    rows = [SourceRow(source=f"192.0.2.{number}") for number in range(30)]
    lines = offender_lines(rows, SCAN.summary.window)
    assert len(lines) == 27
    assert lines[-1] == "and 5 more sources (--csv and --json list them)"


def test_offenders_as_csv() -> None:
    """RFC 4180, with addresses, numbers and times only: nothing that strangers wrote."""
    text = offender_csv(ROWS)
    assert text.isascii()
    assert text.count("\r\n") == text.count("\n") == 6
    heading, first, *others = csv.reader(text.splitlines())
    assert dict(zip(heading, first, strict=True)) == {
        "source": SCANNER,
        "trust": "verified",
        "lines": "41",
        "suspicion": "79",
        "paths": "41",
        "unrouted": "41",
        "failed_logins": "0",
        "unclear_refusals": "0",
        "sign_ins_before": "0",
        "sign_ins_after": "0",
        "before": "0",
        "users": "0",
        "first": "2026-10-25T02:05:04.000Z",
        "last": "2026-10-25T02:09:10.000Z",
    }
    assert [row[:4] for row in others] == [
        ["198.51.100.17", "verified", "2", "0"],
        ["2001:db8:1:2::/64", "counted", "7", "2.5"],
        ["", "", "3", "0"],
        ["", "", "1", "0"],
    ]
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in others for cell in row)
