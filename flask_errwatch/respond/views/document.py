"""A story as one JSON object, for programs. docs/respond-json.md describes its fields."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from flask_errwatch._time import rfc3339

if TYPE_CHECKING:
    from flask_errwatch.respond.answer.story import Story
    from flask_errwatch.respond.answer.verdict import Verdict
    from flask_errwatch.respond.ranking.summary import SourceRow
    from flask_errwatch.respond.ranking.window import Window


def document(story: Story) -> str:
    """The story as JSON in ASCII, so that a terminal obeys nothing in it.

    Args:
        story: Of an alarm or a detector.
    """
    summary = story.summary
    return as_json(
        {
            "alarm": story.alarm,
            "state": story.state,
            "window": window_fields(summary.window),
            "counted": {
                "metric": story.counted.metric,
                "lines": story.counted.lines,
                "threshold": story.counted.threshold,
            },
            "last_line": None if summary.last_line is None else time_text(summary.last_line),
            "looks_like": {
                **verdict_fields(story.verdict),
                "source": next(iter(story.verdict.sources), None),
            },
            "sources": [source_fields(row) for row in summary.sources],
            "paths": [
                {"path": row.path, "lines": row.lines, "sources": row.sources}
                for row in summary.paths
            ],
            "fingerprints": [
                {
                    "fingerprint": row.fingerprint,
                    "type": row.type,
                    "where": row.where,
                    "lines": row.lines,
                    "new": row.is_new,
                }
                for row in summary.fingerprints
            ],
            "releases": [
                {"release": row.release, "lines": row.lines, "before": row.before}
                for row in summary.releases
            ],
            "unusual": [
                {"field": row.field, "value": row.value, "share": row.share, "before": row.before}
                for row in summary.unusual
            ],
            "samples": [dict(event) for event in summary.samples],
            "unknown": list(story.unknown),
            "next": story.next_command,
            "read": {
                "how": story.read.how,
                "bytes": story.read.size,
                "dollars": story.read.dollars,
                "exact": story.read.is_exact and summary.is_exact,
            },
        }
    )


def verdict_fields(verdict: Verdict) -> dict[str, object]:
    """The fields of a verdict, as `why` and `replay` have them in their JSON."""
    return {
        "kind": str(verdict.kind),
        "sentence": verdict.sentence,
        "sources": list(verdict.sources),
        "succeeded": verdict.succeeded,
        "evidence": dict(verdict.evidence),
    }


def source_fields(row: SourceRow) -> dict[str, object]:
    """The fields of a source, as `why` and `offenders` have them in their JSON."""
    return {
        "source": row.source,
        "trust": row.trust,
        "lines": row.lines,
        "suspicion": row.suspicion,
        "paths": row.paths,
        "unrouted": row.unrouted,
        "failed_logins": row.failed_logins,
        "unclear_refusals": row.unclear_refusals,
        "mistyped": row.mistyped,
        "probes": row.probes,
        "user_lines": row.user_lines,
        "users": list(row.users),
        "users_after": list(row.users_after),
        "failed_users": list(row.failed_users),
        "sign_ins": row.sign_ins,
        "sign_ins_before": row.sign_ins_before,
        "sign_ins_after": row.sign_ins_after,
        "sign_ins_later": row.sign_ins_later,
        "before": row.before,
        "first": time_text(row.first),
        "last": time_text(row.last),
        "answers": row.answers,
    }


def window_fields(window: Window) -> dict[str, str]:
    """The two ends of a window."""
    return {"start": time_text(window.start), "end": time_text(window.end)}


def time_text(second: float) -> str:
    """A time in seconds since the epoch as RFC 3339, in UTC, with milliseconds."""
    return rfc3339(round(second * 1000))


def as_json(value: object) -> str:
    r"""The value as JSON in printable ASCII.

    Example:
        >>> as_json(["\x7f\N{RIGHT-TO-LEFT OVERRIDE}"]).split()[1]
        '"\\u007f\\u202e"'
    """
    return json.dumps(value, indent=2).replace("\x7f", "\\u007f")
