"""The counting queries of Logs Insights, which joins nothing: `own` and `host` are not shown.

Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Parse.html and, for
`datefloor` and `toMillis`,
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-operations-functions.html
"""

from __future__ import annotations

from typing import Final

_ABOUT: Final = """\
# Save the result as CSV. Logs Insights returns at most 10,000 rows: if there are as many, query
# less time at once. replay takes several files."""
_MINUTE: Final = "toMillis(datefloor(@timestamp, 1m)) as minute"
#: A user's name is hostile, but holds no bare quote.
_HEAD: Final = r"- [^ \"]+ \[[^\]\"]+\]"
_REQUEST: Final = r"(?:[^\"\\]|\\.)*"

#: Over lines of flask-errwatch. Lines of one suspicion are a row, so its sum shows that of each.
OWN_LINES: Final = f"""\
{_ABOUT}
# The log group has lines of flask-errwatch. replay --from-insights asks for the fields that your
# own detectors read: take that where it may query.
filter ispresent(schema)
| fields {_MINUTE}, client_ip as client, suspicion as each
| stats count(*) as lines, count_distinct(path) as paths, sum(each) as suspicion
    by minute, detector, client, each
| display minute, detector, client, lines, paths, suspicion
| limit 10000
"""

#: Over access lines. Only a request that failed has a client, so all others are counted together.
ACCESS_LINES: Final = rf"""
{_ABOUT}
# The log group has access lines in the common or combined format, as gunicorn writes them.
# Lines that could not be read are those of rows without a status.
fields {_MINUTE}
| parse @message /^[^ ]+ {_HEAD} "{_REQUEST}" (?<status>[1-9][0-9][0-9]) /
| parse @message /^(?<client>[^ ]+) {_HEAD} "(?<method>[^ "]+) (?<path>[^ "]+) HTTP\/[^ "]+" [4-9]/
| parse @message /" [4-9][0-9][0-9] [0-9-]+ "(?<referrer>{_REQUEST})" "(?<agent>{_REQUEST})"/
| stats count(*) as lines by minute, status, client, method, path, referrer, agent
| limit 10000
""".lstrip()
