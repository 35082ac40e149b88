"""Stories for the tests of the views: the example of the documentation, and hostile ones."""

from __future__ import annotations

from dataclasses import replace

from flask_errwatch.respond.answer.story import Counted, Read, Story
from flask_errwatch.respond.answer.verdict import Kind, Verdict
from flask_errwatch.respond.ranking.summary import (
    FingerprintRow,
    Minute,
    PathRow,
    ReleaseRow,
    SourceRow,
    Summary,
    Unusual,
)
from flask_errwatch.respond.ranking.window import Window

#: 2026-10-25 00:00:00 UTC.
MIDNIGHT = 1_792_886_400
SCANNER = "203.0.113.66"
HOSTILE = (
    "<script>document.title='owned'</script>\"><img src=x onerror=alert(1)>\u2028\u202e\x1b[2J"
)


def at(clock: str) -> int:
    """The time of that day, as `02:05:04`."""
    hours, minutes, seconds = map(int, clock.split(":"))
    return MIDNIGHT + hours * 3600 + minutes * 60 + seconds


SAMPLES = tuple(
    {
        "event": "Not Found Error",
        "timestamp": f"2026-10-25T02:05:{second:02}.120Z",
        "id": f"01a21047-386f-7b4f-9870-0c6b5dd1a3{second:02}",
        "status": 404,
        "method": "GET",
        "path": path,
        "client_ip": SCANNER,
        "user_agent": "curl/8.7",
        "suspicion": 2,
    }
    for second, path in ((4, "/.env"), (7, "/wp-login.php"), (11, "/backup.zip"))
)

SCAN = Story(
    alarm="shop-scan",
    state="ALARM",
    since=at("02:06:00"),
    reason=f"{SCANNER}: suspicion 79 in 600 s, threshold 16",
    summary=Summary(
        window=Window(start=at("02:00:00"), end=at("02:10:00")),
        lines=44,
        sources=(
            SourceRow(
                source=SCANNER,
                trust="verified",
                lines=41,
                suspicion=79,
                paths=41,
                unrouted=41,
                first=at("02:05:04"),
                last=at("02:09:10"),
            ),
            SourceRow(
                source="198.51.100.17",
                trust="verified",
                lines=2,
                paths=1,
                users=("ann",),
                sign_ins_after=1,
                first=at("02:06:12"),
                last=at("02:08:40"),
            ),
        ),
        source_count=2,
        paths=(PathRow(path="/products/earl-grey", lines=2, sources=1),),
        unusual=(Unusual(field="client_ip", value=SCANNER, share=0.93, before=0),),
        samples=SAMPLES,
        minutes=tuple(
            Minute(start=at(f"02:{minute:02}:00"), lines=lines, suspicion=2 * lines)
            for minute, lines in ((5, 9), (6, 10), (7, 10), (8, 10), (9, 2))
        ),
        has_logins=True,
        last_line=at("02:09:10"),
    ),
    verdict=Verdict(
        kind=Kind.PATH_SCAN,
        sentence=f"A path scan by {SCANNER}: 41 of 44 lines, 41 paths that no route matches. "
        "No sign-in from there. No line of it in the hour before.",
        sources=(SCANNER,),
        evidence={"lines": 41, "of": 44, "unrouted_paths": 41},
    ),
    counted=Counted(metric=41, lines=41, threshold=16),
    now=at("02:09:22"),
    unknown=("successful requests (lines are of failures; --access-log adds them).",),
    next_command=f'flask errwatch block {SCANNER} --reason "path scan"',
    read=Read(how="lines", size=48_112, dollars=0, is_exact=True),
)

#: A detector with no alarm whose heartbeat is missing: there is nothing to show.
SILENT = replace(
    SCAN,
    alarm="shop-silence",
    reason="no line for 900 s",
    summary=Summary(window=SCAN.summary.window, lines=0, last_line=at("01:12:30")),
    verdict=Verdict(kind=Kind.UNCLEAR, sentence="Unclear: there is no line in the window."),
    counted=Counted(metric=0, lines=0, threshold=1),
    unknown=(),
    next_command=None,
)

#: Everything that can be wide is, on another day, and every text is hostile.
WIDE = replace(
    SCAN,
    alarm="shop-" + "very-" * 30 + "long",
    since=at("02:06:00") - 3 * 86_400,
    reason=HOSTILE * 4,
    summary=Summary(
        window=Window(start=MIDNIGHT - 3 * 86_400, end=MIDNIGHT - 86_400),
        lines=1_000_000,
        sources=(
            SourceRow(
                source="2001:db8:1234:5678::/64",
                trust="counted",
                lines=1_000_000,
                suspicion=2_000_000,
                paths=200_000,
                unrouted=200_000,
                users=tuple(f"user-{number}" for number in range(40)),
                failed_users=("\N{CJK UNIFIED IDEOGRAPH-8336}" * 60, "ann\n"),
                sign_ins_after=12_345,
                before=7,
                first=MIDNIGHT - 3 * 86_400,
                last=MIDNIGHT - 86_401,
            ),
            SourceRow(source=None, lines=12, first=MIDNIGHT - 86_500, last=MIDNIGHT - 86_401),
        ),
        source_count=200_000,
        paths=(
            PathRow(path=f"/{'a' * 300}", lines=999_990, sources=200_000),
            PathRow(path=HOSTILE, lines=1, sources=1),
        ),
        fingerprints=(
            FingerprintRow(
                fingerprint="b3a2f6d1c4e59870",
                type="shop.payment.PaymentError",
                where="shop/payment.py:31 in charge",
                lines=12,
                is_new=True,
            ),
        ),
        releases=(ReleaseRow(release=HOSTILE, lines=12, before=0),),
        unusual=(Unusual(field="user_agent", value=HOSTILE, share=0.9999, before=0.001),),
        samples=(
            {**SAMPLES[0], "path": HOSTILE, "user_agent": "\N{CJK UNIFIED IDEOGRAPH-8336}" * 90},
            {"event": "x", "id": HOSTILE, "status": HOSTILE, "timestamp": HOSTILE},
        ),
        last_line=MIDNIGHT - 86_401,
        is_exact=False,
    ),
    verdict=Verdict(
        kind=Kind.GUESSING,
        sentence=HOSTILE * 3,
        sources=("2001:db8:1234:5678::/64",),
        succeeded=12_345,
        evidence={"failed_logins": 22, "by_source": {"192.0.2.7": 12_345}, "succeeded": None},
    ),
    counted=Counted(metric=1_000_000.0, lines=999_999, threshold=10),
    unknown=("referrers are not known.", HOSTILE),
    next_command="flask errwatch block 2001:db8:1234:5678::/64 --reason "
    '"password guessing, seen by the person on call" --for 24h',
    read=Read(how="insights", size=3_000_000_000, dollars=0.015, is_exact=False),
)
