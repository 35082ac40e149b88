"""Which reports were published, so that a second delivery of an event publishes no second one.

SNS and Lambda deliver at least once. A function that only reports writes nothing but its messages,
so what it remembers is in the memory of its process and, for other processes, in its own log: the
runtime sends it there anyway. Two processes that have the same event at the same time both publish.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Mapping
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from flask_errwatch._parsers import parse_json
from flask_errwatch.respond.aws_lambda.invocation import MARK, Transition

if TYPE_CHECKING:
    from flask_errwatch._aws import Aws

#: Keys that a process remembers.
_REMEMBERED: Final = 1000
#: Seconds by which the clocks of an alarm and of a log may differ.
_SKEW: Final = 60
_KIND: Final = "published"


class Published:
    """The reports that this process published."""

    def __init__(self) -> None:
        self._keys: deque[str] = deque(maxlen=_REMEMBERED)

    def add(self, transition: Transition) -> str:
        """Notes that the report of a transition was published. Returns the line for the log."""
        key = key_of(transition)
        self._keys.append(key)
        document = {MARK: _KIND, "key": key, "alarm": transition.alarm, "time": transition.time}
        return json.dumps(document)

    def __contains__(self, transition: Transition) -> bool:
        return key_of(transition) in self._keys


def key_of(transition: Transition) -> str:
    """What identifies a transition, of letters and digits, since it is part of a pattern."""
    contributor = None if transition.contributor is None else sorted(transition.contributor.items())
    parts = (transition.account, transition.region, transition.alarm, transition.time, contributor)
    return sha256(json.dumps(parts).encode()).hexdigest()


def is_in_log(aws: Aws, log_group: str, transition: Transition) -> bool:
    """Whether the function's log shows that the report of a transition was published.

    Args:
        aws: The account and region of the function.
        log_group: The function's log group.
        transition: The transition.

    Raises:
        AwsCallError: When the log cannot be read.
    """
    key = key_of(transition)
    entries = aws.pages(
        *("logs", "filter_log_events", "events"),
        logGroupName=log_group,
        filterPattern=f'{{ $.{MARK} = "{_KIND}" && $.key = "{key}" }}',
        startTime=round((transition.at - _SKEW) * 1000),
    )
    # Emulators ignore the pattern.
    return any(_is_of(entry, key) for entry in entries)


def _is_of(entry: Mapping[str, object], key: str) -> bool:
    try:
        document = parse_json(str(entry.get("message", "")))
    except ValueError:
        return False
    return isinstance(document, dict) and document.get(MARK) == _KIND and document.get("key") == key
