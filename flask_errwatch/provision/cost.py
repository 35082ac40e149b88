"""Monthly cost of resources: one table of list prices, and the sum over a plan."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from flask_errwatch._text import counted
from flask_errwatch.provision.resources import (
    CompositeAlarm,
    Dashboard,
    InsightRule,
    LogAlarm,
    MetricAlarm,
    MetricFilter,
    Resource,
)

#: When the prices below were read, and the region they are for. They come from copies of AWS's
#: pricing page and from third parties. For current prices see aws.amazon.com/cloudwatch/pricing.
PRICES_AS_OF = "2026-02"
PRICES_REGION = "us-east-1"

#: US dollars a month: a custom metric of the first 10,000, an alarm per metric that it evaluates
#: (a band counts as two more), and so on. The free tier is not subtracted.
PRICES = {
    "metric": 0.30,
    "alarm": 0.10,
    "anomaly alarm": 0.30,
    "log alarm": 0.10,
    "composite alarm": 0.50,
    "insight rule": 0.50,
    "dashboard": 3.00,
}


#: US dollars for a GB of lines that Logs Insights scans, also for the query of a log alarm.
PER_GB_SCANNED = 0.005


@dataclass(frozen=True, kw_only=True, slots=True)
class Cost:
    """The cost of all resources of one price.

    Attributes:
        what: The item of the price list.
        count: The number of resources.
        dollars: US dollars a month for all of them.
    """

    what: str
    count: int
    dollars: float


def monthly_costs(resources: Iterable[Resource]) -> tuple[Cost, ...]:
    """Returns the maximum monthly cost of the resources. A metric without data is free.

    Log groups, topics, subscriptions and saved queries are charged by use, which is not included.

    Example:
        >>> monthly_costs([Dashboard(name="shop-errors", body="{}")])
        (Cost(what='dashboard', count=1, dollars=3.0),)
    """
    by_item = Counter(filter(None, map(_priced_as, resources)))
    return tuple(
        Cost(what=what, count=by_item[what], dollars=round(by_item[what] * price, 2))
        for what, price in PRICES.items()
        if by_item[what]
    )


def log_alarm_dollars(alarm: LogAlarm, gigabytes: float) -> float:
    """Returns US dollars a month for a log alarm, with the lines that its queries scan.

    Each line is in as many windows as there are runs in a window.

    Args:
        alarm: The alarm.
        gigabytes: The lines of a month in its log groups.

    Example:
        >>> alarm = LogAlarm(name="shop-scan", description="", log_groups=("shop",), query="",
        ...     aggregation="count(*)", window=600, threshold=16, role="")
        >>> log_alarm_dollars(alarm, 1), log_alarm_dollars(alarm, 100)
        (0.15, 5.1)
    """
    scanned = gigabytes * alarm.window / alarm.rate
    return round(PRICES["log alarm"] + scanned * PER_GB_SCANNED, 2)


def _priced_as(resource: Resource) -> str | None:
    match resource:
        case MetricFilter():
            return "metric"
        case MetricAlarm():
            return "alarm" if resource.threshold_metric_id is None else "anomaly alarm"
        case LogAlarm() | CompositeAlarm() | InsightRule() | Dashboard():
            return resource.kind
        case _:
            return None


def cost_line(costs: tuple[Cost, ...]) -> str:
    """Renders the costs as a sentence.

    Example:
        >>> cost_line((Cost(what="metric", count=7, dollars=2.1),
        ...     Cost(what="alarm", count=1, dollars=0.1)))
        'Cost: at most 2.20 USD a month (7 metrics 2.10, 1 alarm 0.10; us-east-1, 2026-02; \
lines, queries and free tier not counted).'
    """
    total = sum(cost.dollars for cost in costs)
    items = ", ".join(f"{counted(cost.count, cost.what)} {cost.dollars:.2f}" for cost in costs)
    basis = f"{PRICES_REGION}, {PRICES_AS_OF}; lines, queries and free tier not counted"
    return f"Cost: at most {total:.2f} USD a month ({items or 'nothing'}; {basis})."
