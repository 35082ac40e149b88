"""The saved Logs Insights queries: what a person asks first, written down once.

The dashboard's log widgets, the saved queries and their export all take the texts from here.
Fields are those of schema 1. Two rules of the language are kept (AWS, Logs Insights QL):
arithmetic stands in `fields`, and after `stats` only its own fields can be named.
"""

from __future__ import annotations

from dataclasses import dataclass

from flask_errwatch.detectors import HEARTBEAT, LINES_DROPPED

#: Stands for the address that a person fills in: TEST-NET-1, which nobody has (RFC 5737).
ANY_SOURCE = "192.0.2.1"


@dataclass(frozen=True, kw_only=True, slots=True)
class SavedQuery:
    """One question to the lines.

    Attributes:
        name: Kebab-case; `name_for` makes the saved query's name of it. At most 14 characters:
            an app's name has up to 240, a saved query's up to 255.
        title: What it answers, for people.
        text: The query, one command a line.
    """

    name: str
    title: str
    text: str

    def name_for(self, app_name: str) -> str:
        """The name under which it is saved; the console shows what precedes `/` as a folder.

        Example:
            >>> TOP_SOURCES.name_for("shop")
            'shop/top-sources'
        """
        return f"{app_name}/{self.name}"

    def on(self, log_group: str) -> str:
        """The query with its log group, as a dashboard's log widget takes it.

        Example:
            >>> print(NEWEST_CRITICALS.on("shop").splitlines()[0])
            SOURCE 'shop' | filter level = "critical"
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
    text="""\
filter level = "critical"
| fields @timestamp, event, method, path, exception.type, exception.message, \
exception.where, client_ip, id
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
    title="What each process last said of its delivery",
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
| stats sum(data.count) as lost, max(@timestamp) as last_told by data.reason
| sort lost desc
| limit 20""",
)

SAVED_QUERIES: tuple[SavedQuery, ...] = (
    TOP_SOURCES,
    TOP_PATHS,
    NEWEST_CRITICALS,
    SEQUENCE_GAPS,
    SLOWEST_ROUTES,
    SOURCE_STORY,
    DELIVERY_HEALTH,
    LOST_LINES,
)
