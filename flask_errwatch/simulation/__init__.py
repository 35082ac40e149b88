"""The judge: metric filters and alarms, evaluated offline as CloudWatch would; all pure."""

from flask_errwatch.simulation._alarms import AlarmRule, Datapoint, Evaluation, State, evaluate
from flask_errwatch.simulation._composite import CompositeRule
from flask_errwatch.simulation._intake import Outcome
from flask_errwatch.simulation._judge import Judge
from flask_errwatch.simulation._metrics import Metric, MetricRule, MetricSeries, Sample
from flask_errwatch.simulation._report import Report
from flask_errwatch.simulation._watch import Peak, Transition

__all__ = [
    "AlarmRule",
    "CompositeRule",
    "Datapoint",
    "Evaluation",
    "Judge",
    "Metric",
    "MetricRule",
    "MetricSeries",
    "Outcome",
    "Peak",
    "Report",
    "Sample",
    "State",
    "Transition",
    "evaluate",
]
