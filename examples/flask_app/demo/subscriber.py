"""An HTTP endpoint on loopback that is subscribed to the topic of the alarms."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, final


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """A notification from SNS about one alarm.

    Attributes:
        subject: The subject, as in a mail.
        alarm: The alarm's name.
        state: Its new state.
        time: When it changed, RFC 3339.
        reason: The reason for the change.
        contributor: The address that the message names. None for an alarm that names none.
    """

    subject: str
    alarm: str
    state: str
    time: str
    reason: str
    contributor: str | None = None


@final
class Subscriber:
    """Accepts notifications on a free port inside its `with` block."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        messages = self.messages

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                if body["Type"] == "Notification":
                    messages.append(_message(body))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Logs nothing: the report shows the messages."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), daemon=True
        )

    @property
    def url(self) -> str:
        """The endpoint to subscribe."""
        return f"http://127.0.0.1:{self._server.server_port}/alarms"

    def __enter__(self) -> Subscriber:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _message(body: dict[str, str]) -> Message:
    alarm: dict[str, Any] = json.loads(body["Message"])
    return Message(
        subject=body["Subject"],
        alarm=alarm["AlarmName"],
        state=alarm["NewStateValue"],
        time=alarm["StateChangeTime"],
        reason=alarm["NewStateReason"],
        contributor=next(iter(alarm.get("AlarmContributorAttributes", {}).values()), None),
    )
