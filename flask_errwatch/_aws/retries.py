"""Bounds how often a call is attempted that gets no answer, and reports each further attempt.

botocore attempts a throttled call often, and waits longer each time. That is right for throttling,
and minutes of silence where nothing answers.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from flask_errwatch._urls import shown_endpoint

#: Gets a sentence about the attempt that follows.
OnRetry = Callable[[str], None]


class BoundedRetries:
    """The attempts of the clients of one process.

    Args:
        on_retry: Called before each further attempt. None means no one.
    """

    def __init__(self, on_retry: OnRetry | None) -> None:
        self._on_retry = on_retry
        self._is_cut_off = False

    def bound(self, client: Any, most: int) -> None:
        """Ends the calls of a client after so many attempts without an answer.

        botocore emits `needs-retry` after each attempt, and its own handler, which runs later,
        decides about throttling. An exception ends the call.
        """
        service = client.meta.service_model.service_id.hyphenize()
        handler = partial(self._after_attempt, client, most)
        client.meta.events.register_first(f"needs-retry.{service}", handler)

    def _after_attempt(
        self,
        client: Any,
        most: int,
        *,
        attempts: int,
        response: tuple[Any, dict[str, Any]] | None,
        caught_exception: Exception | None,
        operation: Any,
        **_: object,
    ) -> None:
        failure = caught_exception
        if response is not None:
            self._is_cut_off = False
            code = str(response[1].get("Error", {}).get("Code"))
            if response[0].status_code < 500 or "Throttl" in code:
                return
            failure = client.exceptions.ClientError(response[1], operation.name)
        if failure is None:
            return
        # Whoever got no answer from one service at all its attempts does not wait as long again.
        if attempts >= most or (self._is_cut_off and response is None):
            self._is_cut_off = response is None
            raise failure
        if self._on_retry is not None:
            place = shown_endpoint(client.meta.endpoint_url)
            what = "does not answer" if response is None else f"answers {response[0].status_code}"
            self._on_retry(f"{place} {what}: retrying, attempt {attempts + 1} of {most}")
