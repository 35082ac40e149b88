"""The judge: metric filters and alarms, evaluated offline as CloudWatch would; all pure."""

from flask_errwatch.simulation.advice import Advice, advise
from flask_errwatch.simulation.alarm_state import Peak, Transition
from flask_errwatch.simulation.alarms import (
    AlarmRule,
    Datapoint,
    Evaluation,
    State,
    evaluate,
    shown_time,
)
from flask_errwatch.simulation.backtest import (
    DetectorReplay,
    RaisedAlarm,
    Replay,
    Span,
    judgeable,
    replay,
)
from flask_errwatch.simulation.composite import CompositeRule
from flask_errwatch.simulation.judge import Judge
from flask_errwatch.simulation.matching import Outcome
from flask_errwatch.simulation.metrics import Metric, MetricRule, MetricSeries, Sample
from flask_errwatch.simulation.report import Report
from flask_errwatch.simulation.tally import Named, Tally

__all__ = [
    "Advice",
    "AlarmRule",
    "CompositeRule",
    "Datapoint",
    "DetectorReplay",
    "Evaluation",
    "Judge",
    "Metric",
    "MetricRule",
    "MetricSeries",
    "Named",
    "Outcome",
    "Peak",
    "RaisedAlarm",
    "Replay",
    "Report",
    "Sample",
    "Span",
    "State",
    "Tally",
    "Transition",
    "advise",
    "evaluate",
    "judgeable",
    "replay",
    "shown_time",
]
