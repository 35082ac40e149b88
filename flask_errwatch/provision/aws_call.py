"""`AwsCall`: one call that makes a part of a change, as a value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class AwsCall:
    """One writing call.

    Attributes:
        service: boto3's name of the service.
        method: boto3's name of the method.
        arguments: The call's arguments.
        tolerated: Error codes that do not count: another process just made the same change.
        passing: Errors after which the call is made again, a few times: the code, and a word of
            the message.
        region: The region of the call. None for that of the app.
    """

    service: str
    method: str
    arguments: Mapping[str, object]
    tolerated: frozenset[str] = frozenset()
    passing: frozenset[tuple[str, str]] = frozenset()
    region: str | None = None
