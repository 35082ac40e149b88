"""The pytest plugin of flask-errwatch, loaded whenever pytest starts.

It is outside the package, because importing the package imports Flask. The fixtures import what
they need on first use. See `flask_errwatch.testing`.
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
    """The events of every app with ErrWatch, as dicts, in the order in which they are recorded."""
    from flask_errwatch.testing import capture_events

    with capture_events() as events:
        yield events


@pytest.fixture
def errwatch_judge() -> Iterator[TrafficJudge]:
    """Evaluates which alarms would fire on the test's requests. `advance` moves its clock."""
    from flask_errwatch.testing import TrafficJudge

    with TrafficJudge() as judge:
        yield judge


def pytest_assertrepr_compare(op: str, left: object, right: object) -> list[str] | None:
    """Explains the alarms when a comparison with them failed."""
    explanations = sys.modules.get("flask_errwatch.testing.explanations")
    return None if explanations is None else explanations.explain_comparison(op, left, right)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Explains the alarms when the failure itself does not, as for `not alarms()`."""
    report = yield
    judge = getattr(item, "funcargs", {}).get("errwatch_judge")
    if judge is not None and call.when == "call" and report.failed:
        from flask_errwatch.errors import ErrWatchError
        from flask_errwatch.testing.explanations import explain_alarms

        try:
            explanation = explain_alarms(judge.alarms())
        except ErrWatchError as error:
            explanation = str(error)
        if explanation.split("\n", 1)[0] not in report.longreprtext:
            report.sections.append(("errwatch_judge", explanation))
    return report
