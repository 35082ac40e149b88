"""The judge: the resources that `apply` creates, evaluated offline. Pure."""

from flask_errwatch.simulation.advice import Advice, advise
from flask_errwatch.simulation.alarm_state import Peak, Transition
from flask_errwatch.simulation.alarms import (
    AlarmCondition,
    Datapoint,
    Evaluation,
    StateValue,
    evaluate,
)
from flask_errwatch.simulation.backtest import judge_log
from flask_errwatch.simulation.composite import CompositeCondition
from flask_errwatch.simulation.filters import LineFilter, Sample
from flask_errwatch.simulation.inputs import InputShows, Unjudged, judgeable
from flask_errwatch.simulation.judge import HEARTBEAT_LINE, Judge
from flask_errwatch.simulation.judged_log import (
    JudgedAlarm,
    JudgedDetector,
    JudgedLog,
    RaisedAlarm,
    Span,
)
from flask_errwatch.simulation.matching import LineMatch
from flask_errwatch.simulation.metrics import Metric, MetricSeries
from flask_errwatch.simulation.report import Report
from flask_errwatch.simulation.tally import NameCount, Tally

__all__ = [
    "HEARTBEAT_LINE",
    "Advice",
    "AlarmCondition",
    "CompositeCondition",
    "Datapoint",
    "Evaluation",
    "InputShows",
    "Judge",
    "JudgedAlarm",
    "JudgedDetector",
    "JudgedLog",
    "LineFilter",
    "LineMatch",
    "Metric",
    "MetricSeries",
    "NameCount",
    "Peak",
    "RaisedAlarm",
    "Report",
    "Sample",
    "Span",
    "StateValue",
    "Tally",
    "Transition",
    "Unjudged",
    "advise",
    "evaluate",
    "judge_log",
    "judgeable",
]
