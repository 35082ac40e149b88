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


#: The first lines of the comparisons that were explained in a test.
_EXPLAINED = pytest.StashKey[list[str]]()


def pytest_assertrepr_compare(
    config: pytest.Config, op: str, left: object, right: object
) -> list[str] | None:
    """Explains the alarms when a comparison with them failed."""
    explanations = sys.modules.get("flask_errwatch.testing.explanations")
    if explanations is None:
        return None
    lines: list[str] | None = explanations.explain_comparison(op, left, right)
    if lines is not None:
        config.stash.setdefault(_EXPLAINED, []).append(lines[0])
    return lines


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Explains the alarms when the failure itself does not, as for `not alarms()`."""
    report = yield
    explained = item.config.stash.get(_EXPLAINED, [])
    item.config.stash[_EXPLAINED] = []
    judge = getattr(item, "funcargs", {}).get("errwatch_judge")
    if judge is None or call.when != "call" or not report.failed:
        return report
    if any(first in report.longreprtext for first in explained):
        # In CI and with -vv the short summary at the end would repeat the whole table.
        crash = getattr(report.longrepr, "reprcrash", None)
        if crash is not None:
            crash.message = crash.message.split("\n", 1)[0]
        return report
    from flask_errwatch.errors import ErrWatchError
    from flask_errwatch.testing.explanations import explain_alarms

    try:
        explanation = explain_alarms(judge.alarms())
    except ErrWatchError as error:
        explanation = str(error)
    report.sections.append(("errwatch_judge", explanation))
    return report
