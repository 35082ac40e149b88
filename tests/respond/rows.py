"""Builds the lines and summaries of the tests of answers."""

from __future__ import annotations

from flask_errwatch.respond.ranking.summarize import TimedEvent, summarize
from flask_errwatch.respond.ranking.summary import Event, Summary
from flask_errwatch.respond.ranking.window import Window

#: A window whose hour before begins at 0.
WINDOW = Window(start=3600, end=4200)


def probe(
    at: float, source: str = "203.0.113.66", path: str = "/.env", **fields: object
) -> TimedEvent:
    """A request of a scanner."""
    line = {
        "event": "Not Found Error",
        "detector": "not-found-error",
        "status": 404,
        "method": "GET",
        "path": path,
        "client_ip": source,
        "client_ip_trust": "verified",
        "agent": "library",
        "referrer": "none",
        "path_class": "probe",
        "suspicion": 2,
    }
    return at, {**line, **fields}


def failed_login(at: float, source: str = "203.0.113.66", user: str | None = None) -> TimedEvent:
    """A failed login, with the account where it is known."""
    line = {"event": "Login Failed", "detector": "login-failed", "status": 200, "method": "POST"}
    account = {} if user is None else {"user": user}
    return at, {**line, "path": "/login", "client_ip": source, "referrer": "same", **account}


def sign_in(at: float, source: str = "203.0.113.66", user: str = "7") -> TimedEvent:
    """A sign-in."""
    line = {"event": "Login Succeeded", "detector": "login-succeeded", "status": 302}
    return at, {**line, "method": "POST", "path": "/login", "client_ip": source, "user": user}


def refusal(at: float, source: str = "203.0.113.66", **fields: object) -> TimedEvent:
    """A 401."""
    line = {"event": "Authentication Error", "detector": "authentication-error", "status": 401}
    return at, {**line, "method": "GET", "path": "/private", "client_ip": source, **fields}


def crash(
    at: float, source: str = "203.0.113.66", fingerprint: str = "f1", **fields: object
) -> TimedEvent:
    """A crash of the app."""
    exception = {"type": "KeyError", "where": "shop/cart.py:7 in add", "fingerprint": fingerprint}
    line = {"event": "Critical Error", "detector": "critical-error", "status": 500}
    line |= {"method": "GET", "path": "/cart", "route": "/cart", "client_ip": source}
    return at, {**line, "path_class": "own", "suspicion": 0, "exception": exception, **fields}


def is_failure(event: Event) -> bool:
    """Whether an alarm on all failures counts a line: not sign-ins, nor requests that succeed."""
    return "event" in event and event.get("detector") != "login-succeeded"


def summed(*lines: TimedEvent, window: Window = WINDOW) -> Summary:
    """The summary of lines for an alarm on all failures."""
    return summarize(lambda: lines, is_failure, window=window)
