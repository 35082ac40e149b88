"""The pytest plugin of flask-errwatch: its fixtures, loaded at every start of pytest.

It stands outside the package, because importing the package imports Flask; what the fixtures
need is imported at their first use. See `flask_errwatch.testing`.
"""

from __future__ import annotations

import sys
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from flask_errwatch.testing import TrafficJudge


@pytest.fixture
def errwatch_events() -> Iterator[list[dict[str, Any]]]:
    """The events of every app that ErrWatch watches, as dicts, as they are recorded."""
    from flask_errwatch.testing import capture_events

    with capture_events() as events:
        yield events


@pytest.fixture
def errwatch_judge() -> Iterator[TrafficJudge]:
    """Says which alarms the test's requests would raise; `advance` lets time pass."""
    from flask_errwatch.testing import TrafficJudge

    with TrafficJudge() as judge:
        yield judge


def pytest_assertrepr_compare(op: str, left: object, right: object) -> list[str] | None:
    """Shows how the alarms came about when a comparison with them failed."""
    testing = sys.modules.get("flask_errwatch.testing")
    return None if testing is None else testing.explained(op, left, right)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Shows how the alarms came about where the failure itself does not, as in `not alarms()`."""
    report = yield
    judge = getattr(item, "funcargs", {}).get("errwatch_judge")
    if judge is not None and call.when == "call" and report.failed:
        from flask_errwatch.testing import table

        said = table(judge)
        if said.split("\n", 1)[0] not in report.longreprtext:
            report.sections.append(("errwatch_judge", said))
    return report
