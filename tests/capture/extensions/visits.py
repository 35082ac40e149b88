"""A visitor with cookies of an app with security extensions, and the lines of its visits."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urlencode

from flask import Flask

from flask_errwatch import DEFAULT_DETECTORS, SECURITY_DETECTORS, ErrWatch
from tests.wsgi_driver import Answer, Event, events_of, serve

Build = Callable[[], Flask]
#: The catalogue of an app that records security events.
SECURED = (*DEFAULT_DETECTORS, *SECURITY_DETECTORS)


@dataclass(frozen=True, kw_only=True)
class Visits:
    """One request: a GET, or a POST of a form or of JSON.

    Attributes:
        path: Its path.
        form: The form's fields.
        json: What is posted as JSON, and JSON is wanted in return.
        environ: More of the WSGI environment, such as headers.
    """

    path: str
    form: Mapping[str, str] | None = None
    json: object = None
    environ: Mapping[str, Any] = field(default_factory=dict)


def get(path: str, **environ: Any) -> Visits:
    """A GET."""
    return Visits(path=path, environ=environ)


def get_json(path: str, **environ: Any) -> Visits:
    """A GET that wants JSON."""
    return Visits(path=path, environ={"HTTP_ACCEPT": "application/json", **environ})


def post(path: str, **form: str) -> Visits:
    """A POST of a form."""
    return Visits(path=path, form=form)


def post_json(path: str, **fields: object) -> Visits:
    """A POST of JSON."""
    return Visits(path=path, json=fields)


class Visitor:
    """A client that keeps cookies."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self._cookies: SimpleCookie = SimpleCookie()

    @classmethod
    def watching(cls, app: Flask) -> Visitor:
        """A visitor of an app that records security events."""
        app.config["ERRWATCH_SINKS"] = "memory"
        ErrWatch(app, detectors=SECURED)
        return cls(app)

    @property
    def events(self) -> list[Event]:
        """What the app recorded, oldest first."""
        return events_of(self.app)

    @property
    def failures(self) -> int:
        """Failures of the extension itself."""
        count: int = self.app.extensions["errwatch"].recorder.guard.failures
        return count

    def visit(self, visits: Visits) -> Answer:
        """Sends the request."""
        environ: dict[str, Any] = {**visits.environ}
        if visits.form is not None:
            environ |= {"REQUEST_METHOD": "POST", "body": urlencode(visits.form).encode()}
        if visits.json is not None:
            environ |= {
                "REQUEST_METHOD": "POST",
                "CONTENT_TYPE": "application/json",
                "HTTP_ACCEPT": "application/json",
                "body": json.dumps(visits.json).encode(),
            }
        environ["HTTP_COOKIE"] = "; ".join(
            f"{name}={cookie.value}" for name, cookie in self._cookies.items() if cookie.value
        )
        answer = serve(self.app, visits.path, **environ)
        for name, value in answer.headers:
            if name == "Set-Cookie":
                self._cookies.load(value)
        return answer


@dataclass(frozen=True, kw_only=True)
class Visited:
    """Answers and lines, per visit.

    Attributes:
        answers: The answers, which are the same without the extension.
        events: The lines of each visit.
    """

    answers: list[Answer]
    events: list[list[Event]]

    @property
    def status(self) -> int:
        """The status of the last answer."""
        return int(self.answers[-1].status[:3])

    @property
    def seen(self) -> tuple[int, str | None]:
        """The status of the last answer, and the event of its only line, or None."""
        assert len(self.events[-1]) <= 1
        return self.status, self.events[-1][0]["event"] if self.events[-1] else None

    @property
    def event(self) -> Event:
        """The only line of the last visit."""
        (event,) = self.events[-1]
        return event

    @property
    def names(self) -> list[str]:
        """The events of all visits."""
        return [event["event"] for events in self.events for event in events]
