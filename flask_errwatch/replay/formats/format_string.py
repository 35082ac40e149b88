"""Access logs in the format that a format string of nginx, Apache or gunicorn describes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from flask_errwatch.errors import ErrWatchError, Problem
from flask_errwatch.replay.formats.clients import Peer, peer_of
from flask_errwatch.replay.formats.directives import APACHE, GUNICORN, NGINX, Field, Language, Need
from flask_errwatch.replay.formats.record import (
    NO_RESPONSE,
    AccessRecord,
    LogFormat,
    Parse,
    request_line,
)
from flask_errwatch.replay.formats.requests import Request
from flask_errwatch.replay.formats.strftime import (
    UnknownDirectiveError,
    missing_directives,
    second_in,
)
from flask_errwatch.replay.formats.times import iso_second, ncsa_second

_KEY: Final = "--log-format"
# nginx and Apache write a quote of a value with a backslash before it, or as \x22. gunicorn does
# not escape a backslash: where the value ends with one, the first quote ends it.
_QUOTED: Final = r'(?:(?:[^"\\]|\\.)*+|[^"]*+)'
_UNQUOTED: Final = r'(?:[^"\t\r\n]|(?<=\\)")*?'
# A request line that is not in quotes, or what stands for one.
_BARE_REQUEST: Final = r'(?:\S+ \S+ HTTP/[\d.]+|[^\s"]*+)'
# A blank after a comma does not end a value: nginx writes lists of addresses so.
_NOT_IN_LIST: Final = "(?<!,)"
#: Where a value ends that nothing separates from the next, by how the next begins.
_STOPS: Final = {"query": "?", "is_arguments": "?", "path": "/", "target": "/"}
# A whole directive of nginx or Apache, and what may be around a format string without one.
_STRING: Final = r"""(?:'(?:[^'\\]|\\.)*+'|"(?:[^"\\]|\\.)*+")"""
_DIRECTIVES: Final = (
    re.compile(rf"log_format\s+\S+\s+(?:escape=\w+\s+)?((?:{_STRING}\s*)+);?", re.ASCII),
    re.compile(rf"LogFormat\s+({_STRING})(?:\s+\S+)?", re.ASCII),
    re.compile(rf"({_STRING}|'(?:[^'\\]|\\.)*+'(?:\s+'(?:[^'\\]|\\.)*+')+);?", re.ASCII),
)
#: What a configuration file has escaped.
_ESCAPED: Final = re.compile(r"""\\(["'\\])""")
_ONE_OF: Final[Mapping[Need, frozenset[str]]] = {
    "time": frozenset({"ncsa", "iso", "epoch", "year", "short_year"}),
    "status": frozenset({"status"}),
    "request": frozenset({"request", "target", "path"}),
}
_GROUP: Final = re.compile(r"\(\?P<(\w+)>")


class LogFormatError(ErrWatchError):
    """A format string from which no reader can be made.

    Args:
        text: The format string.
        remedy: What to do, as a sentence.
    """

    def __init__(self, text: str, remedy: str) -> None:
        super().__init__(Problem(key=_KEY, value=text, remedy=remedy))


def log_format(text: str) -> LogFormat:
    r"""The format that a format string of nginx, Apache or gunicorn describes.

    A line that has anything more or less is not of this format. Fields that are not needed are
    skipped. Where a format has no method, each request is taken for a GET: any other word would
    look like a probe.

    Args:
        text: The string, as in the server's configuration, or the whole directive.

    Raises:
        LogFormatError: When it has no time, no status or no request, or when it cannot be told
            where one of its fields ends.

    Example:
        >>> parse = log_format('$time_iso8601 $remote_addr $request_method $uri $status').parser()
        >>> parse("1970-01-01T00:00:12+00:00 192.0.2.7 GET /a 404").request
        Request(source='192.0.2.7', status='404', line='GET /a HTTP/1.1', referrer=None, agent=None)
        >>> log_format("%h %>s %r")
        Traceback (most recent call last):
        flask_errwatch...LogFormatError: --log-format = '%h %>s %r': It lacks the time (%t).
    """
    language = _language_of(text)
    pattern = _compiled(text, language)
    lacking = [
        f"the {need} ({language.needed[need]})"
        for need, roles in _ONE_OF.items()
        if roles.isdisjoint(pattern.groupindex)
    ]
    if lacking:
        raise LogFormatError(text, f"It lacks {' and '.join(lacking)}.")
    if not {"ncsa", "iso"} & pattern.groupindex.keys():
        directives = missing_directives(frozenset(pattern.groupindex))
        if directives:
            raise LogFormatError(text, f"Its time lacks {' and '.join(directives)}.")
    title = "an access log in the format of --log-format"
    return LogFormat(name="log-format", title=title, parser=lambda: _parser(pattern))


def _language_of(text: str) -> Language:
    for mark, language in (("%(", GUNICORN), ("$", NGINX), ("%", APACHE)):
        if mark in text:
            return language
    raise LogFormatError(
        text,
        "Use the format string of nginx (as $status), of Apache (as %>s) or of gunicorn (as "
        "%(s)s).",
    )


def _compiled(text: str, language: Language) -> re.Pattern[str]:
    """A regular expression with a group for each role.

    Once a field and what follows it are matched, their match is final (an atomic group): the time
    that a line takes grows with its length alone.
    """
    literals, fields = _split(text, language)
    pattern, seen = re.escape(literals[0]), set[str]()
    for field, following, before, after in zip(
        fields, [*fields[1:], None], literals, literals[1:], strict=False
    ):
        if field.pattern is not None:
            value = field.pattern
        elif before.endswith('"') and after.startswith('"'):
            value = _QUOTED
        elif field.role == "request":
            value = _BARE_REQUEST
        elif after.startswith(" ") and not before.endswith(","):
            value = _UNQUOTED + _NOT_IN_LIST
        elif after or following is None:
            value = _UNQUOTED
        else:
            value = _before(text, field, following)
        group = f"(?P<{field.role}>{value})" if field.role else f"(?:{value})"
        end = re.escape(after) + (r"\Z" if following is None else "")
        pattern += f"(?>{_once(group, seen)}{end})"
    return re.compile(pattern, re.ASCII)


def _unquoted(text: str) -> str:
    """The format string of a directive, or of strings in quotes, which nginx joins."""
    matches = (directive.fullmatch(text.strip()) for directive in _DIRECTIVES)
    directive = next(filter(None, matches), None)
    if directive is None:
        return text
    return "".join(found[0][1:-1] for found in re.finditer(_STRING, directive[1]))


def _split(text: str, language: Language) -> tuple[list[str], list[Field]]:
    """What is around the fields, and the fields."""
    plain = _ESCAPED.sub(r"\1", _unquoted(text)).replace(r"\t", "\t").removesuffix(r"\n")
    literals, fields, position = [""], list[Field](), 0
    for found in language.token.finditer(plain):
        literals[-1] += plain[position : found.start()]
        position = found.end()
        try:
            piece = language.field(found)
        except UnknownDirectiveError as unknown:
            remedy = f"It has {unknown} in {found[0]}: use directives such as %Y-%m-%dT%H:%M:%S%z."
            raise LogFormatError(text, remedy) from None
        if isinstance(piece, str):
            literals[-1] += piece
        else:
            fields.append(piece)
            literals.append("")
    literals[-1] += plain[position:]
    return literals, fields


def _before(text: str, field: Field, following: Field) -> str:
    """The regular expression of a field that nothing separates from the following one."""
    stop = _STOPS.get(following.role)
    if stop is None:
        remedy = f"It cannot be told where {field.name} ends: separate it from {following.name}."
        raise LogFormatError(text, remedy)
    return rf'[^{stop}\s"]*+'


def _once(pattern: str, seen: set[str]) -> str:
    """The pattern, in which a group that was seen before has no name."""

    def named(found: re.Match[str]) -> str:
        is_new = found[1] not in seen
        seen.add(found[1])
        return found[0] if is_new else "(?:"

    return _GROUP.sub(named, pattern)


def _parser(pattern: re.Pattern[str]) -> Parse:
    def parse(line: str) -> AccessRecord | None:
        match = pattern.match(line)
        if match is None:
            return None
        values = match.groupdict()
        at, peer = _second(values), _peer(values)
        if at is None or peer is None:
            return None
        status = NO_RESPONSE if values["status"] == "-" else values["status"]
        referrer, agent = values.get("referrer"), values.get("agent")
        return AccessRecord(
            at, Request(peer.source, status, _request(values), referrer, agent), peer.forwarded
        )

    return parse


def _second(values: Mapping[str, str]) -> float | None:
    if "ncsa" in values:
        return ncsa_second(values["ncsa"])
    return iso_second(values["iso"]) if "iso" in values else second_in(values)


def _peer(values: Mapping[str, str]) -> Peer | None:
    """The peer. Where only `X-Forwarded-For` is in the line, what was appended to it last."""
    forwarded = values.get("forwarded")
    named = values.get("chain") or values.get("client") or values.get("peer")
    user = values.get("user", "")
    if "," in user or " - " in f" {user}":  # the end of what was forwarded, or a user called so
        return Peer("")
    if named is None:
        return peer_of(forwarded or "")
    peer = peer_of(named)
    if peer is None or peer.forwarded is not None or forwarded is None:
        return peer
    return peer._replace(forwarded="" if forwarded == "-" else forwarded)


def _request(values: Mapping[str, str]) -> str:
    if "request" in values:
        return values["request"]
    target = values.get("target")
    if target is None:
        arguments = values.get("arguments", "-")
        query = "" if arguments in {"", "-"} else f"?{arguments}"
        target = values["path"] + (values.get("query") or query)
    protocol = values.get("protocol", "-")
    return request_line(
        values.get("method", "GET"), target, "HTTP/1.1" if protocol == "-" else protocol
    )
