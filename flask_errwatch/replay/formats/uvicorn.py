"""The access lines of uvicorn. They have no time: it is known where a wrapper states one.

Source: `AccessFormatter` of https://github.com/encode/uvicorn/blob/master/uvicorn/logging.py.
"""

from __future__ import annotations

import re
from typing import Final

from flask_errwatch.replay.formats.clients import client_of, without_port
from flask_errwatch.replay.formats.colours import without_colours
from flask_errwatch.replay.formats.record import AccessRecord, LogFormat
from flask_errwatch.replay.formats.requests import Request

# uvicorn percent-encodes the path: nothing in it is a blank or a quote. A line ends with the phrase
# of the status.
_LINE: Final = re.compile(
    r'(?:INFO: +)?(\S*) - "([A-Z]+ [^\s"]+ HTTP/[\d.]+)" (\d{3})(?: [A-Za-z\' -]*)?', re.ASCII
)


def _parse(line: str) -> AccessRecord | None:
    match = _LINE.fullmatch(without_colours(line))
    if match is None:
        return None
    source = client_of(without_port(match[1]))
    return None if source is None else AccessRecord(None, Request(source, match[3], match[2]))


#: Lines of uvicorn, which have no time.
UVICORN: Final = LogFormat(name="uvicorn", title="an access log of uvicorn", parser=lambda: _parse)
