"""Syslog's prefixes, which journald's text output and Heroku's are like."""

from __future__ import annotations

from typing import Final

from flask_errwatch.replay.formats.minutes import MONTHS
from flask_errwatch.replay.wrappers.wrapper import LEVELS, TIME, Wrapper, prefix

_PRIORITY = r"<\d{1,3}>"
_CLOCK = r"\d\d:\d\d:\d\d"
_HOST = r"[\w.-]{1,255} "
# The program, and its process: `gunicorn[7]: `. A level begins a logger's line instead.
_TAG = rf"(?!(?:{LEVELS}):)[\w()./@+-]{{1,128}}(?:\[[\w.-]{{1,64}}\])?:(?: |$)"
# `Nov 25 01:17:00`, without a year. journald's `short-precise` has a fraction.
_BSD = rf"(?:{'|'.join(MONTHS)}) [ \d]\d {_CLOCK}(?:\.\d{{1,6}})?"
# The other times of journald without a zone that can be read, and those since the boot.
_DAY = rf"\d{{4}}-\d\d-\d\d {_CLOCK}"
_FULL = rf"[A-Z][a-z]{{2}} (?:(?P<time>{_DAY} UTC)|{_DAY} \S{{1,5}})"
_SECONDS = r"(?:\d{9,10}\.\d{6}|\[ {0,10}\d{1,10}\.\d{6}\])"
_NAME = r"""[^\s=\]"]{1,32}"""
# Without a value only where the name has its enterprise: Heroku leaves the data out, and `[INFO]`
# is then the beginning of the message.
_VALUES = rf"""(?: {_NAME}="(?:[^"\\]|\\.)*+")++"""
_ELEMENT = rf"""\[(?:{_NAME}{_VALUES}|[^\s=\]"@]{{1,32}}@[\d.]{{1,32}})\]"""

#: `Nov 25 01:17:00 web-1 nginx: …` (RFC 3164, section 4.1), also without the host, as a program
#: writes it to `/dev/log`. Nginx: https://nginx.org/en/docs/syslog.html
RFC3164: Final = Wrapper(
    name="syslog (RFC 3164)", unwrap=prefix(rf"(?:{_PRIORITY})?{_BSD} (?:{_HOST})?{_TAG}")
)
#: `<165>1 2026-11-25T01:17:00Z host app 7 ID47 [data] …` (RFC 5424, section 6). Heroku's drains
#: leave the data out and may count the octets first (RFC 6587):
#: https://devcenter.heroku.com/articles/log-drains
RFC5424: Final = Wrapper(
    name="syslog (RFC 5424)",
    unwrap=prefix(
        rf"(?:\d{{1,7}} )?{_PRIORITY}\d{{1,2}} (?:(?P<time>{TIME})|-) \S{{1,255}} \S{{1,48}} "
        rf"\S{{1,128}} \S{{1,32}}(?: (?:-|(?:{_ELEMENT}){{1,32}}+)(?= |$))?(?: |$)\ufeff?"
    ),
)
#: `2026-11-25T01:17:00.123456+00:00 web-1 nginx: …`: how rsyslog writes files
#: (`RSYSLOG_FileFormat`), and journald's `short-iso` and `short-iso-precise`.
#: https://www.rsyslog.com/doc/configuration/templates.html
ISO_SYSLOG: Final = Wrapper(
    name="syslog (ISO 8601)", unwrap=prefix(rf"(?:{_PRIORITY})?(?P<time>{TIME}) {_HOST}{_TAG}")
)
#: The other outputs of journald that have a prefix: `short-full`, `with-unit`, `short-unix` and
#: `short-monotonic`. https://www.freedesktop.org/software/systemd/man/latest/journalctl.html
JOURNALD_TEXT: Final = Wrapper(
    name="journald", unwrap=prefix(rf"(?:{_FULL}|{_SECONDS}) {_HOST}{_TAG}")
)
#: `2026-11-25T01:17:00.123456+00:00 app[web.1]: …`.
#: https://devcenter.heroku.com/articles/logging#log-format
HEROKU: Final = Wrapper(
    name="Heroku", unwrap=prefix(rf"(?P<time>{TIME}) [a-z][\w-]{{0,63}}\[[\w.-]{{1,64}}\]:(?: |$)")
)
