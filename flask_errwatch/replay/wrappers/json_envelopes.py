"""Lines of JSON in which a collector puts the line that it read, as a text."""

from __future__ import annotations

import json
import re
from typing import Final, NamedTuple

from flask_errwatch.patterns import JsonEvent, read_event
from flask_errwatch.replay.formats.times import epoch_second, iso_second
from flask_errwatch.replay.wrappers.parts import Parts
from flask_errwatch.replay.wrappers.wrapper import (
    BEGINNING,
    OF_UVICORN,
    Join,
    Wrapped,
    Wrapper,
    whole_text,
)

_DOCKER_STREAMS = ("", "stdout", "stderr")
_DOCKER_KEYS = frozenset({"log", "stream", "time", "attrs"})
# Docker cuts a line after so many bytes.
_DOCKER_BUFFER = 16 * 1024
# What routers of logs add to a line, and the keys of the time beside it.
_ROUTER_KEYS = frozenset(
    {"container_id", "container_name", "ecs_cluster", "ecs_task_arn", "kubernetes", "source"}
)
# The keys of a line that has nothing else: Fluent Bit's own outputs add the date.
_TEXT_KEYS = frozenset({"log", "date"})
_TIME_KEYS = ("time", "@timestamp", "timestamp", "date", "asctime")
_MESSAGE_KEYS = ("message", "msg", "event")
# The message of an entry of the journal that is not UTF-8 is a list of its bytes.
_BYTES = range(256)
_BEGINNING = re.compile(f"{BEGINNING}|{OF_UVICORN}", re.ASCII)


class _Entry(NamedTuple):
    """A line of Docker's file."""

    log: str
    stream: str
    time: str


def _docker(line: str) -> Wrapped | None:
    entry = _docker_entry(line)
    if entry is None:
        return None
    at, message = _time(entry.time), whole_text(entry.log).removesuffix("\n").removesuffix("\r")
    return None if at is None else Wrapped(at, message)


def _docker_entry(line: str) -> _Entry | None:
    entry = read_event(line)
    if entry is None or not _DOCKER_KEYS.issuperset(entry):
        return None
    log, stream, time = entry.get("log"), entry.get("stream", ""), entry.get("time")
    if not isinstance(log, str) or not isinstance(time, str) or stream not in _DOCKER_STREAMS:
        return None
    return _Entry(log, str(stream), time)


def _docker_joiner() -> Join:
    parts = Parts()

    def join(line: str) -> str | None:
        if len(line) < _DOCKER_BUFFER and not parts:
            return line  # saves parsing it
        entry = _docker_entry(line)
        if entry is None:
            return line
        is_cut = not entry.log.endswith("\n") and _size(entry.log) >= _DOCKER_BUFFER
        if is_cut:
            parts.begin(entry.stream, entry.time, entry.log)
            return None
        time, log = parts.end(entry.stream, entry.time, entry.log)
        return json.dumps({"log": log, "stream": entry.stream, "time": time})

    return join


def _size(text: str) -> int:
    return len(text.encode("utf-8", "replace"))


def _router(line: str) -> Wrapped | None:
    entry = read_event(line)
    if entry is None or "partial_message" in entry:
        return None
    if _ROUTER_KEYS.isdisjoint(entry) and not _TEXT_KEYS.issuperset(entry):
        return None
    return _inside(entry, entry.get("log"))


def _journald(line: str) -> Wrapped | None:
    entry = read_event(line)
    time = None if entry is None else entry.get("__REALTIME_TIMESTAMP")
    if entry is None or not isinstance(time, str) or not (time.isascii() and time.isdigit()):
        return None
    at, message = epoch_second(int(time[:20])), entry.get("MESSAGE")
    if isinstance(message, list) and all(type(byte) is int and byte in _BYTES for byte in message):
        message = bytes(message).decode("utf-8", "replace")
    if at is None or not isinstance(message, str):
        return None
    return Wrapped(at, whole_text(message).rstrip("\r\n"))


def _message(line: str) -> Wrapped | None:
    entry = read_event(line)
    if entry is None:
        return None
    texts = [text for key in _MESSAGE_KEYS if isinstance(text := entry.get(key), str)]
    return _inside(entry, next(filter(_BEGINNING.match, texts), None))


def _inside(entry: JsonEvent, message: object) -> Wrapped | None:
    """The text in an envelope, at the first time that is beside it."""
    if not isinstance(message, str):
        return None
    times = (_time(entry.get(key)) for key in _TIME_KEYS)
    at = next((time for time in times if time is not None), None)
    return Wrapped(at, whole_text(message).rstrip("\r\n"))


def _time(value: object) -> float | None:
    if isinstance(value, str):
        return iso_second(value)
    return epoch_second(value) if type(value) in (int, float) else None  # type: ignore[arg-type]


#: Docker's logging driver json-file: `{"log":"…\n","stream":"stdout","time":"…"}`.
#: https://docs.docker.com/engine/logging/drivers/json-file/
DOCKER_JSON: Final = Wrapper(name="docker json-file", unwrap=_docker, joiner=_docker_joiner)
#: FireLens, and Fluent Bit on ECS and Kubernetes: a text `log` beside what they know of the
#: container, or alone, as on Fargate with EKS. A part of a line that Docker cut is refused.
#: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/firelens-using-fluentbit.html
FIRELENS: Final = Wrapper(name="FireLens", unwrap=_router)
#: `journalctl -o json`. https://systemd.io/JOURNAL_EXPORT_FORMATS/
JOURNALD_JSON: Final = Wrapper(name="journald JSON", unwrap=_journald)
#: Another envelope, as loggers and collectors write it: an access line, or one of our own, in
#: `message` or `msg`, or in structlog's `event`.
JSON_MESSAGE: Final = Wrapper(name="JSON with a message", unwrap=_message)
