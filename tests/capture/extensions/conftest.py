"""Serves visits to an app without and with the extension, and compares every byte."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable

import pytest

from tests.capture.extensions.visits import Build, Visited, Visitor, Visits


@pytest.fixture
def _still(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time stands still and nothing is random, so that cookies and tokens are the same twice."""
    now = time.time()  # not another time than that of `datetime.now`, which goes on
    monkeypatch.setattr(time, "time", lambda: now)
    monkeypatch.setattr(os, "urandom", lambda size: b"r" * size)
    monkeypatch.setattr(random, "_urandom", lambda size: b"r" * size)


@pytest.fixture
def visit(_still: None) -> Callable[..., Visited]:
    """Makes the same visits to both apps. Fails when an answer differs."""

    def visit_both(build: Build, *requests: Visits) -> Visited:
        plain = Visitor(build())
        expected = [plain.visit(request) for request in requests]
        watched = Visitor.watching(build())
        events = []
        for request, answer in zip(requests, expected, strict=True):
            before = len(watched.events)
            assert watched.visit(request) == answer
            events.append(watched.events[before:])
        assert watched.failures == 0
        return Visited(answers=expected, events=events)

    return visit_both
