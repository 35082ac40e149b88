"""The saved Logs Insights queries: the first questions of an investigation.

The dashboard's log widgets, the saved queries and their export all use these texts. Their fields
are those of schema 1. They keep two rules of the language (AWS, Logs Insights QL): arithmetic is
written in `fields`, and commands after `stats` can name only the fields that it defines.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from flask_errwatch._lambda import LEVELS
from flask_errwatch.config import Config
from flask_errwatch.detectors import HEARTBEAT, LINES_DROPPED

#: The placeholder for an address: it is in TEST-NET-1, which no host uses (RFC 5737).
ANY_SOURCE = "192.0.2.1"


@dataclass(frozen=True, kw_only=True, slots=True)
class SavedQuery:
    """A query of the app's lines.

    Attributes:
        name: In kebab-case. `name_for` builds the name in AWS from it. At most 14 characters:
            an app's name has up to 240, a saved query's up to 255.
        title: A title for people.
        text: The query, one command per line.
    """

    name: str
    title: str
    text: str

    def name_for(self, app_name: str) -> str:
        """The name of the saved query in AWS. The console shows what precedes `/` as a folder.

        Example:
            >>> TOP_SOURCES.name_for("shop")
            'shop/top-sources'
        """
        return f"{app_name}/{self.name}"

    def summing(self) -> SavedQuery:
        """The query for lines that count several events each: it sums their counts."""
        text = self.text.replace("count(*) as failures", "sum(count) as failures")
        return replace(self, text=text)

    def on(self, log_group: str) -> str:
        """The query with its log group, as a log widget of a dashboard takes it.

        Example:
            >>> print(NEWEST_CRITICALS.on("shop").splitlines()[0])
            SOURCE 'shop' | filter level in ["critical", "FATAL"]
        """
        return f"SOURCE '{log_group}' | {self.text}"


TOP_SOURCES = SavedQuery(
    name="top-sources",
    title="Who causes the most failures",
    text="""\
filter ispresent(client_ip)
| stats count(*) as failures, count_distinct(path) as paths, \
min(@timestamp) as first_seen, max(@timestamp) as last_seen by client_ip
| sort failures desc
| limit 20""",
)

TOP_PATHS = SavedQuery(
    name="top-paths",
    title="Which paths fail most",
    text="""\
filter ispresent(path)
| stats count(*) as failures, count_distinct(client_ip) as sources by path, status
| sort failures desc
| limit 20""",
)

NEWEST_CRITICALS = SavedQuery(
    name="criticals",
    title="The newest critical lines",
    text=f"""\
filter level in ["critical", "{LEVELS["critical"]}"]
| fields @timestamp, event, method, path, exception.type, exception.message, \
exception.where, client_ip, id
| sort @timestamp desc
| limit 20""",
)

NEW_FAILURES = SavedQuery(
    name="new-failures",
    title="Failures that the app had not shown for a week",
    text="""\
filter ispresent(exception.new)
| fields @timestamp, exception.type, exception.where, exception.message, \
exception.fingerprint, release, host, id
| sort @timestamp desc
| limit 20""",
)

SEQUENCE_GAPS = SavedQuery(
    name="sequence-gaps",
    title="Lines that never arrived, by process",
    text="""\
filter ispresent(process) and ispresent(seq)
| stats min(seq) as first_seq, max(seq) as last_seq, count_distinct(seq) as lines by process
| fields last_seq - first_seq + 1 - lines as missing
| filter missing > 0
| display process, first_seq, last_seq, lines, missing
| sort missing desc
| limit 50""",
)

SLOWEST_ROUTES = SavedQuery(
    name="slow-routes",
    title="The slowest routes of those that fail",
    text="""\
filter ispresent(route) and ispresent(duration_ms)
| stats count(*) as failures, pct(duration_ms, 95) as p95_ms, max(duration_ms) as max_ms \
by method, route
| sort p95_ms desc
| limit 20""",
)

SOURCE_STORY = SavedQuery(
    name="source-story",
    title="Everything that one source did",
    text=f"""\
# Write the source's address in place of {ANY_SOURCE}.
filter client_ip = "{ANY_SOURCE}"
| fields @timestamp, event, status, method, path, user, user_agent, id
| sort @timestamp asc
| limit 1000""",
)

DELIVERY_HEALTH = SavedQuery(
    name="delivery",
    title="What each process last reported about its delivery",
    text=f"""\
filter event = "{HEARTBEAT}"
| stats max(@timestamp) as last_seen, latest(data.emitted) as emitted, \
latest(data.delivered) as delivered, latest(data.pending) as pending, \
latest(data.dropped) as dropped by host, pid, process
| sort last_seen desc
| limit 50""",
)

LOST_LINES = SavedQuery(
    name="lost-lines",
    title="Lines that were lost, and why",
    text=f"""\
filter event = "{LINES_DROPPED}"
| stats sum(data.count) as lost, max(@timestamp) as last_reported by data.reason
| sort lost desc
| limit 20""",
)

SAVED_QUERIES: tuple[SavedQuery, ...] = (
    TOP_SOURCES,
    TOP_PATHS,
    NEWEST_CRITICALS,
    NEW_FAILURES,
    SEQUENCE_GAPS,
    SLOWEST_ROUTES,
    SOURCE_STORY,
    DELIVERY_HEALTH,
    LOST_LINES,
)


def saved_queries(config: Config) -> tuple[SavedQuery, ...]:
    """The saved queries for the lines that the app has with this configuration."""
    if not config.collapse_seconds:
        return SAVED_QUERIES
    return tuple(query.summing() for query in SAVED_QUERIES)
