"""The prefixes of containers' logs: the CRI, Docker, Compose and Kubernetes."""

from __future__ import annotations

import re
from typing import Final

from flask_errwatch.replay.formats.times import iso_second
from flask_errwatch.replay.wrappers.parts import Parts
from flask_errwatch.replay.wrappers.wrapper import (
    COLOURS,
    NO_LOGGER,
    TIME,
    Join,
    Wrapped,
    Wrapper,
    prefix,
)

# Time, stream, tags of which the first says whether the line ends here, text.
_CRI = re.compile(rf"({TIME}) (stdout|stderr) ([FP])(?::\S*)?(?: |$)", re.ASCII)
_POD = r"[\w.-]{1,253}"


def _cri(line: str) -> Wrapped | None:
    match = _CRI.match(line)
    at = None if match is None else iso_second(match[1])
    if match is None or at is None or match[3] == "P":
        return None
    return Wrapped(at, line[match.end() :])


def _cri_joiner() -> Join:
    parts = Parts()

    def join(line: str) -> str | None:
        match = _CRI.match(line)
        if match is None or (match[3] == "F" and not parts):
            return line
        time, stream, tag = match.groups()
        text = line[match.end() :]
        if tag == "P":
            parts.begin(stream, time, text)
            return None
        time, text = parts.end(stream, time, text)
        return f"{time} {stream} F {text}"

    return join


#: `2026-11-25T01:17:00.123456789Z stdout F …`, where P marks a part of a line that is
#: continued.
#: https://github.com/kubernetes/design-proposals-archive/blob/main/node/kubelet-cri-logging.md
CRI: Final = Wrapper(name="CRI", unwrap=_cri, joiner=_cri_joiner)
#: `docker logs --timestamps`, `kubectl logs --timestamps`, `podman logs -t`: a time and a blank.
#: https://docs.docker.com/reference/cli/docker/container/logs/
TIMESTAMPS: Final = Wrapper(
    name="docker logs --timestamps", unwrap=prefix(rf"(?P<time>{TIME}) {NO_LOGGER}")
)
#: `web-1  | …`, also with colours, and with the time that `--timestamps` adds. `docker service
#: logs` adds the node, and honcho and foreman put the time of day first. https://docs.docker.com/reference/cli/docker/compose/logs/
COMPOSE: Final = Wrapper(
    name="docker compose",
    unwrap=prefix(
        rf"{COLOURS}(?:\d\d:\d\d:\d\d )?[\w.@-]{{1,256}} +\|{COLOURS}(?: {COLOURS}|$)"
        rf"(?:(?P<time>{TIME}) )?"
    ),
)
#: `[pod/web-0/app] …`, with the time that `--timestamps` adds.
#: https://kubernetes.io/docs/reference/kubectl/generated/kubectl_logs/
KUBECTL: Final = Wrapper(
    name="kubectl logs --prefix", unwrap=prefix(rf"\[pod/{_POD}/{_POD}\] (?:(?P<time>{TIME}) )?")
)
