"""Operations that moto lacks and `apply` calls.

They are those of composite alarms, of data protection policies, of log alarms
(`log_alarm_operations`) and of the history of alarms (`alarm_history`). moto stores composite
alarms already, and only lacks the operation that puts one. A policy is stored with its log group.
Nothing is masked.

Any other operation that moto lacks is answered with an error, as AWS answers.
"""

from __future__ import annotations

import json
from typing import Any

from flask_errwatch.lab.alarm_history import describe_history
from flask_errwatch.lab.log_alarm_operations import add_log_alarms
from flask_errwatch.lab.moto_store import given


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

    for service, operations in (
        (
            CloudWatchResponse,
            {
                "put_composite_alarm": CloudWatchResponse.put_metric_alarm,
                "describe_alarm_history": describe_history,
            },
        ),
        (
            LogsResponse,
            {
                "put_data_protection_policy": _put_policy,
                "get_data_protection_policy": _get_policy,
                "delete_data_protection_policy": _delete_policy,
            },
        ),
    ):
        for name, operation in operations.items():
            if not hasattr(service, name):
                setattr(service, name, operation)
    add_log_alarms(CloudWatchResponse)
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
            name = response._get_action()  # noqa: SLF001 - how moto itself reads it
            error = _NotEmulatedError(f"The lab does not emulate {name}.")
            return response.serialized(ActionResult(error))

    responses: Any = BaseResponse
    responses.call_action = call_action


def _group(response: Any) -> Any:
    """Returns moto's log group. Raises ResourceNotFoundException, as AWS does."""
    from moto.logs.exceptions import ResourceNotFoundException

    group = response.logs_backend.groups.get(given(response, "logGroupIdentifier"))
    if group is None:
        raise ResourceNotFoundException
    return group


def _put_policy(response: Any) -> str:
    group = _group(response)
    group.data_protection_policy = given(response, "policyDocument")
    return _get_policy(response)


def _get_policy(response: Any) -> str:
    group = _group(response)
    policy = getattr(group, "data_protection_policy", None)
    document = {} if policy is None else {"policyDocument": policy}
    return json.dumps({"logGroupIdentifier": group.name, **document})


def _delete_policy(response: Any) -> str:
    _group(response).data_protection_policy = None
    return ""
