"""All wrappers, in the order in which they are tried."""

from __future__ import annotations

from typing import Final

from flask_errwatch.replay.wrappers.cloudwatch import (
    AWSLOGS,
    AWSLOGS_TIMESTAMP,
    EVENT_LINES,
    EXPORT,
    INSIGHTS_LINES,
    TAIL,
    TAIL_SHORT,
    TEXT_OUTPUT,
)
from flask_errwatch.replay.wrappers.containers import COMPOSE, CRI, KUBECTL, TIMESTAMPS
from flask_errwatch.replay.wrappers.json_envelopes import (
    DOCKER_JSON,
    FIRELENS,
    JOURNALD_JSON,
    JSON_MESSAGE,
)
from flask_errwatch.replay.wrappers.loggers import LOGGER
from flask_errwatch.replay.wrappers.syslog import (
    HEROKU,
    ISO_SYSLOG,
    JOURNALD_TEXT,
    RFC3164,
    RFC5424,
)
from flask_errwatch.replay.wrappers.wrapper import Wrapper

#: Of those that would take the same line, the one that says more of it comes first. Of those that
#: begin with a time: what follows it decides (a stream of the CRI, a dyno, a host with a program, a
#: log stream), then the form of the time: three digits of a second and `Z` are an export.
WRAPPERS: Final[tuple[Wrapper, ...]] = (
    DOCKER_JSON,
    FIRELENS,
    JOURNALD_JSON,
    EVENT_LINES,
    INSIGHTS_LINES,
    JSON_MESSAGE,
    CRI,
    HEROKU,
    ISO_SYSLOG,
    TAIL,
    EXPORT,
    TAIL_SHORT,
    TIMESTAMPS,
    RFC5424,
    RFC3164,
    JOURNALD_TEXT,
    COMPOSE,
    KUBECTL,
    TEXT_OUTPUT,
    AWSLOGS_TIMESTAMP,
    LOGGER,
    AWSLOGS,
)
