"""Operations that moto lacks and this package calls, added to moto's classes.

They are those of composite alarms, of log alarms (`log_alarm_operations`), of the history of alarms
(`alarm_history`), of anomaly detectors (`anomaly_detectors`), of mute rules (`mute_rules`), and
some of CloudWatch Logs (`logs_operations`). moto stores composite alarms already, and only lacks
the operation that puts one.

Any other operation that moto lacks is answered with an error, as AWS answers.
"""

from __future__ import annotations

from typing import Any

from flask_errwatch.lab.alarm_history import describe_history
from flask_errwatch.lab.anomaly_detectors import add_anomaly_detectors
from flask_errwatch.lab.log_alarm_operations import add_log_alarms
from flask_errwatch.lab.logs_operations import add_logs_operations
from flask_errwatch.lab.mute_rules import add_mute_rules


class _NotEmulatedError(Exception):
    """Has what moto puts into the answer."""

    # moto warns of any code that the service does not declare, but for a few common ones.
    code = "ValidationError"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


def add_missing_operations() -> None:
    """Adds the operations to moto's classes, unless moto has them by now."""
    from moto.cloudwatch.responses import CloudWatchResponse
    from moto.logs.responses import LogsResponse

    for name, operation in {
        "put_composite_alarm": CloudWatchResponse.put_metric_alarm,
        "describe_alarm_history": describe_history,
    }.items():
        if not hasattr(CloudWatchResponse, name):
            setattr(CloudWatchResponse, name, operation)
    add_log_alarms(CloudWatchResponse)
    add_anomaly_detectors(CloudWatchResponse)
    add_mute_rules(CloudWatchResponse)
    add_logs_operations(LogsResponse)
    _refuse_all_others()


def _refuse_all_others() -> None:
    """Answers an operation that moto lacks with an error instead of a page and a traceback."""
    from moto.core.responses import ActionResult, BaseResponse

    answer: Any = BaseResponse.call_action
    if answer.__module__ == __name__:
        return  # an earlier lab of this process has done it

    def call_action(response: Any) -> Any:
        try:
            return answer(response)
        except NotImplementedError:
            service, name = response.service_name, response._get_action()  # noqa: SLF001 - as moto does
            error = _NotEmulatedError(f"The lab does not emulate {service}:{name}.")
            return response.serialized(ActionResult(error))

    responses: Any = BaseResponse
    responses.call_action = call_action
