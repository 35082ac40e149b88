"""Why a person might not be notified: what `flask errwatch status --check` refuses. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from flask_errwatch._text import counted
from flask_errwatch.provision.plan import Plan
from flask_errwatch.provision.resources import AwsAlarm, LogAlarm, Subscription


def shortcomings(
    plan: Plan, alarms: Sequence[AwsAlarm], subscriptions: Iterable[Subscription]
) -> Iterator[str]:
    """Yields a sentence for each reason, with what to do.

    Args:
        plan: The drift.
        alarms: The alarms that the app manages.
        subscriptions: The topic's subscriptions.
    """
    if not plan.is_empty:
        resources = counted(len(plan.changes), "resource")
        verb = "differs" if len(plan.changes) == 1 else "differ"
        yield f"{resources} {verb} from the declaration: `flask errwatch apply` changes that."
    if not alarms:
        yield "The app has no alarms: `flask errwatch apply` creates those that it declares."
    for alarm in alarms:
        if alarm.alarm_actions and not alarm.actions_enabled:
            yield f"{alarm.name} notifies no one: its actions are disabled."
        if isinstance(alarm, LogAlarm) and alarm.evaluation_state == "EVALUATION_ERROR":
            yield f"{alarm.name} notifies no one: its query was refused."
    for subscription in subscriptions:
        if subscription.arn is None:
            yield subscription.confirmation or f"{subscription.label} has to be confirmed."
