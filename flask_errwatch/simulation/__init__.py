"""The judge: metric filters and alarms, evaluated offline as CloudWatch would; all pure."""

from flask_errwatch.simulation._advice import Advice, advise
from flask_errwatch.simulation._alarms import (
    AlarmRule,
    Datapoint,
    Evaluation,
    State,
    evaluate,
    shown_time,
)
from flask_errwatch.simulation._composite import CompositeRule
from flask_errwatch.simulation._intake import Outcome
from flask_errwatch.simulation._judge import Judge
from flask_errwatch.simulation._metrics import Metric, MetricRule, MetricSeries, Sample
from flask_errwatch.simulation._replay import (
    DetectorReplay,
    RaisedAlarm,
    Replay,
    Span,
    judgeable,
    replay,
)
from flask_errwatch.simulation._report import Report
from flask_errwatch.simulation._tally import Named, Tally
from flask_errwatch.simulation._watch import Peak, Transition

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
