"""How often alarms notify: quiet periods, and one composite alarm for the whole app. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from flask_errwatch.config import Config
from flask_errwatch.errors import ConfigurationError, Problem
from flask_errwatch.provision import descriptions
from flask_errwatch.provision.resources import CompositeAlarm, MetricAlarm
from flask_errwatch.provision.resources.tags import all_tags

#: Bounds of a composite alarm's rule (CloudWatch API Reference, PutCompositeAlarm, AlarmRule).
_RULE_LENGTH, _CHILDREN = 10_240, 100
#: Joins the terms of such a rule.
OR = " OR "
_DAY = 86_400


def app_alarm_name(app_name: str) -> str:
    """Returns the name of the composite alarm that notifies for the whole app.

    Example:
        >>> app_alarm_name("shop")
        'shop-alarms'
    """
    return f"{app_name}-alarms"


def with_quiet_periods(
    alarms: Iterable[MetricAlarm], quiet_periods: int, *, parts: frozenset[str]
) -> Iterator[MetricAlarm]:
    """Yields the alarms so that they return to OK only after so many periods without a breach.

    One datapoint of as many makes the alarm fire, as one of one did. Left are alarms that several
    datapoints make fire: they do not alternate so quickly. So is an alarm whose window would be
    longer than a day: CloudWatch would evaluate it once an hour, and it would fire later.

    Args:
        alarms: The alarms.
        quiet_periods: The number of periods.
        parts: Names of alarms that a `BusyAlarm` combines. They are left: an old failure would
            count for the requests of now.
    """
    for alarm in alarms:
        is_left = alarm.name in parts or _needed(alarm) != 1 or _is_long(alarm, quiet_periods)
        if is_left or (alarm.evaluation_periods or 1) >= quiet_periods:
            yield alarm
        else:
            yield replace(alarm, evaluation_periods=quiet_periods, datapoints_to_alarm=1)


def why_not_quiet(alarm: MetricAlarm, quiet_periods: int) -> str:
    """Returns why an alarm has no quiet periods, for the plan. Empty if it has them."""
    number = alarm.evaluation_periods or 1
    if _needed(alarm) != 1:
        reason = f"it needs {_needed(alarm)} of {number} periods"
    elif number >= quiet_periods:
        return ""
    elif _is_long(alarm, quiet_periods):
        reason = f"{quiet_periods} periods of {_period(alarm)} s are more than a day"
    else:
        reason = "it is a part of a composite alarm"
    return f"without quiet periods: {reason}"


def _is_long(alarm: MetricAlarm, quiet_periods: int) -> bool:
    return _period(alarm) * quiet_periods > _DAY


def _needed(alarm: MetricAlarm) -> int:
    return alarm.datapoints_to_alarm or alarm.evaluation_periods or 1


def _period(alarm: MetricAlarm) -> int:
    return alarm.period or max(query.period or 0 for query in alarm.metrics)


def app_alarms(
    names: Sequence[str], config: Config, actions: tuple[str, ...]
) -> tuple[CompositeAlarm, ...]:
    """Returns the composite alarm that notifies for all alarms of an app, after its parts.

    Its rule names every alarm. If that is more than a rule may hold, it names composite alarms
    without actions, which name the alarms: the subscribers still have one message.

    Args:
        names: The alarms that would notify by themselves.
        config: The app's configuration.
        actions: ARNs that are notified of the changes to ALARM and to OK.

    Raises:
        ConfigurationError: When the app's name cannot be written in a rule.
    """
    if not names:
        return ()
    refuse_unquotable(config)
    name = app_alarm_name(config.app_name)
    rules = [*_rules(names)]
    parts = {} if len(rules) == 1 else {f"{name}-{n}": rule for n, rule in enumerate(rules, 1)}
    rule = OR.join(map(in_alarm, parts)) if parts else rules[0]
    whole = CompositeAlarm(
        name=name,
        description=descriptions.of_app(config),
        rule=rule,
        alarm_actions=actions,
        ok_actions=actions if config.ok_actions else (),
        tags=all_tags(config),
    )
    none: tuple[str, ...] = ()
    silent = replace(whole, alarm_actions=none, ok_actions=none)
    return (*(replace(silent, name=part, rule=rule) for part, rule in parts.items()), whole)


def refuse_unquotable(config: Config) -> None:
    """Refuses an app name that would end its quotation in a composite alarm's rule, or escape it.

    Raises:
        ConfigurationError: Names the character.
    """
    for mark in '"\\':
        if mark in config.app_name:
            remedy = (
                f"A composite alarm's rule cannot name it: leave '{mark}' out of the app's name."
            )
            raise ConfigurationError(
                Problem(key="ERRWATCH_APP_NAME", value=config.app_name, remedy=remedy)
            )


def in_alarm(name: str) -> str:
    """Returns the term of a composite alarm's rule for an alarm that is in ALARM."""
    return f'ALARM("{name}")'


def _rules(names: Sequence[str]) -> Iterator[str]:
    """Yields as few rules as hold all the names, in their order."""
    terms: list[str] = []
    for term in map(in_alarm, names):
        if len(terms) == _CHILDREN or len(OR.join([*terms, term])) > _RULE_LENGTH:
            yield OR.join(terms)
            terms = []
        terms.append(term)
    yield OR.join(terms)
