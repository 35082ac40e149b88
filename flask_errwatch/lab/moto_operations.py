"""Operations that moto lacks and `apply` calls: composite alarms, and data protection policies.

moto stores composite alarms already, and only lacks the operation that puts one. A policy is
stored with its log group. Nothing is masked.
"""

from __future__ import annotations

import json
from typing import Any


def add_missing_operations() -> None:
    """Adds the operations to moto's classes, unless moto has them by now."""
    from moto.cloudwatch.responses import CloudWatchResponse
    from moto.logs.responses import LogsResponse

    for service, operations in (
        (CloudWatchResponse, {"put_composite_alarm": CloudWatchResponse.put_metric_alarm}),
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


def _group(response: Any) -> Any:
    """Returns moto's log group. Raises ResourceNotFoundException, as AWS does."""
    from moto.logs.exceptions import ResourceNotFoundException

    name = response._get_param("logGroupIdentifier")  # noqa: SLF001 - how moto's own operations read it
    group = response.logs_backend.groups.get(name)
    if group is None:
        raise ResourceNotFoundException
    return group


def _put_policy(response: Any) -> str:
    group = _group(response)
    group.data_protection_policy = response._get_param("policyDocument")  # noqa: SLF001 - see above
    return _get_policy(response)


def _get_policy(response: Any) -> str:
    group = _group(response)
    policy = getattr(group, "data_protection_policy", None)
    document = {} if policy is None else {"policyDocument": policy}
    return json.dumps({"logGroupIdentifier": group.name, **document})


def _delete_policy(response: Any) -> str:
    _group(response).data_protection_policy = None
    return ""
