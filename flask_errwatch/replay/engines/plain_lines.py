"""Plain lines of access logs: those that SQL reads exactly as the reader does.

The expression is a subset of the reader's. It is in the syntax that RE2 and `re` share, and has no
capturing group, so that RE2 decides in one pass, however long a line is.
"""

from __future__ import annotations

import re
from typing import Final

from flask_errwatch.replay.formats.minutes import MONTHS

_OCTET: Final = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_IPV4: Final = rf"(?:{_OCTET}\.){{3}}{_OCTET}"
_GROUP: Final = "[0-9a-f]{1,4}"
# In lower case, without an embedded address of IPv4 (RFC 5952, section 4.3).
_IPV6: Final = "|".join(
    (
        f"(?:{_GROUP}:){{7}}{_GROUP}",
        *(f"(?:{_GROUP}:){{1,{before}}}(?::{_GROUP}){{1,{7 - before}}}" for before in range(1, 7)),
        f"(?:{_GROUP}:){{1,7}}:",
        f":(?::{_GROUP}){{1,7}}",
        "::",
    )
)
# Every date of it exists, in any year. The 29th of February is left to the reader.
_DATE: Final = (
    f"(?:(?:0[1-9]|1[0-9]|2[0-8])/(?:{'|'.join(MONTHS)})"
    "|(?:29|30)/(?:Jan|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
    "|31/(?:Jan|Mar|May|Jul|Aug|Oct|Dec))/20[0-9][0-9]"
)
_TIME: Final = "(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
_ZONE: Final = "[+-](?:0[0-9]|1[0-4])[0-5][0-9]"
# A user's name without brackets, quotes and backslashes.
_USER: Final = "[!#-Z^-~]+"
# The reader refuses what ends as the time of another record does.
_QUOTED: Final = r'"(?:[^"\\]*(?:[^"\\ ]|[^"\\\]] ))?"'

#: A line of the common or the combined format that is plain.
PLAIN_LINE: Final = (
    rf"(?:{_IPV4}|{_IPV6}) - {_USER} \[{_DATE}:{_TIME} {_ZONE}\] "
    rf"{_QUOTED} [1-9][0-9][0-9] (?:[0-9]+|-)(?: {_QUOTED} {_QUOTED})?"
)

# Lines of the beginning of a log that are looked at, and the part of them that must be plain.
_SAMPLE: Final = 200
_PLAIN: Final = 0.9
_compiled: Final = re.compile(PLAIN_LINE, re.ASCII)


def is_mostly_plain(head: bytes) -> bool:
    """Whether most lines of a log are plain, by its beginning.

    Args:
        head: The first bytes of the log. The last line may be incomplete.

    Example:
        >>> line = b'192.0.2.7 - - [25/Nov/2026:01:17:12 +0000] "GET /a HTTP/1.1" 404 9'
        >>> is_mostly_plain(line), is_mostly_plain(b"shop.example " + line)
        (True, False)
    """
    whole = head[: head.rfind(b"\n") + 1] or head
    lines = whole.decode("utf-8", "replace").split("\n", _SAMPLE)[:_SAMPLE]
    lines = [line for line in lines if line]
    plain = sum(_compiled.fullmatch(line) is not None for line in lines)
    return plain > 0 and plain >= _PLAIN * len(lines)
