"""The judge: the resources that `apply` creates, evaluated offline. Pure."""

from flask_errwatch.provision.source_alarms import PEER_MARK
from flask_errwatch.simulation.advice import Advice, advise
from flask_errwatch.simulation.alarm_state import Peak, Transition
from flask_errwatch.simulation.backtest import judge_log
from flask_errwatch.simulation.composite import CompositeCondition
from flask_errwatch.simulation.conditions import (
    AlarmCondition,
    Datapoint,
    StateValue,
)
from flask_errwatch.simulation.filters import LineFilter, Sample
from flask_errwatch.simulation.inputs import InputCoverage, Unjudged, split_judgeable
from flask_errwatch.simulation.judge import HEARTBEAT_LINE, Judge
from flask_errwatch.simulation.judged_log import (
    FiredAlarm,
    JudgedAlarm,
    JudgedDetector,
    JudgedLog,
    Offence,
    Span,
    Worst,
)
from flask_errwatch.simulation.kinds import LineKind, LineKinds
from flask_errwatch.simulation.line_matcher import LineMatch
from flask_errwatch.simulation.log_alarms import ContributorTransition
from flask_errwatch.simulation.log_conditions import LogAlarmCondition
from flask_errwatch.simulation.metrics import MINUTE, Metric, MetricSeries
from flask_errwatch.simulation.names import NameCount
from flask_errwatch.simulation.report import LogAlarmReport, Report
from flask_errwatch.simulation.tally import Tally

__all__ = [
    "HEARTBEAT_LINE",
    "MINUTE",
    "PEER_MARK",
    "Advice",
    "AlarmCondition",
    "CompositeCondition",
    "ContributorTransition",
    "Datapoint",
    "FiredAlarm",
    "InputCoverage",
    "Judge",
    "JudgedAlarm",
    "JudgedDetector",
    "JudgedLog",
    "LineFilter",
    "LineKind",
    "LineKinds",
    "LineMatch",
    "LogAlarmCondition",
    "LogAlarmReport",
    "Metric",
    "MetricSeries",
    "NameCount",
    "Offence",
    "Peak",
    "Report",
    "Sample",
    "Span",
    "StateValue",
    "Tally",
    "Transition",
    "Unjudged",
    "Worst",
    "advise",
    "judge_log",
    "split_judgeable",
]
