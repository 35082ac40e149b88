"""Operations of CloudWatch Logs that moto lacks.

`TestMetricFilter` is answered by this package's own pattern engine. A saved query is stored, and a
data protection policy is stored with its log group: nothing is masked.
"""

from __future__ import annotations

import json
import time
import uuid
from typing import Any

from flask_errwatch.errors import PatternSyntaxError
from flask_errwatch.lab.moto_store import given, stored
from flask_errwatch.patterns import parse

_QUERIES = "errwatch_saved_queries"
#: The members of PutQueryDefinition that DescribeQueryDefinitions returns as they were put.
_MEMBERS = ("name", "queryString", "logGroupNames", "queryLanguage", "parameters")


def add_logs_operations(responses: Any) -> None:
    """Adds the operations to moto's class, unless moto has them by now."""
    for name, operation in {
        "test_metric_filter": _test_filter,
        "stop_query": _stop_query,
        "put_query_definition": _put_query,
        "describe_query_definitions": _describe_queries,
        "delete_query_definition": _delete_query,
        "put_data_protection_policy": _put_policy,
        "get_data_protection_policy": _get_policy,
        "delete_data_protection_policy": _delete_policy,
    }.items():
        if not hasattr(responses, name):
            setattr(responses, name, operation)


def _test_filter(response: Any) -> str:
    """The messages that the pattern matches, numbered from 1. No values are extracted."""
    from moto.logs.exceptions import InvalidParameterException

    try:
        pattern = parse(given(response, "filterPattern") or "")
    except PatternSyntaxError as error:
        raise InvalidParameterException(str(error)) from error
    messages = given(response, "logEventMessages") or []
    return json.dumps(
        {
            "matches": [
                {"eventNumber": number, "eventMessage": message, "extractedValues": {}}
                for number, message in enumerate(messages, start=1)
                if pattern.matches(message)
            ]
        }
    )


def _stop_query(_response: Any) -> str:
    """A query of moto has ended when it was started: there is nothing to stop."""
    return json.dumps({"success": False})


def _put_query(response: Any) -> str:
    """Stores a saved query, or replaces the one with the id."""
    queries = _queries(response)
    key = given(response, "queryDefinitionId")
    if key is not None and key not in queries:
        raise _missing("saved query")
    key = key or str(uuid.uuid4())
    members = {member: given(response, member) for member in _MEMBERS}
    queries[key] = {
        "queryDefinitionId": key,
        "lastModified": round(time.time() * 1000),
        **{member: value for member, value in members.items() if value is not None},
    }
    return json.dumps({"queryDefinitionId": key})


def _describe_queries(response: Any) -> str:
    """The saved queries whose name has the prefix."""
    prefix = given(response, "queryDefinitionNamePrefix") or ""
    found = [
        query for query in _queries(response).values() if str(query["name"]).startswith(prefix)
    ]
    return json.dumps({"queryDefinitions": found})


def _delete_query(response: Any) -> str:
    """Deletes the saved query with the id."""
    if _queries(response).pop(given(response, "queryDefinitionId"), None) is None:
        raise _missing("saved query")
    return json.dumps({"success": True})


def _put_policy(response: Any) -> str:
    """Stores the policy with its log group."""
    _group(response).data_protection_policy = given(response, "policyDocument")
    return _get_policy(response)


def _get_policy(response: Any) -> str:
    """The policy of the log group, if it has one."""
    group = _group(response)
    policy = getattr(group, "data_protection_policy", None)
    document = {} if policy is None else {"policyDocument": policy}
    return json.dumps({"logGroupIdentifier": group.name, **document})


def _delete_policy(response: Any) -> str:
    """Deletes the policy of the log group."""
    _group(response).data_protection_policy = None
    return ""


def _queries(response: Any) -> dict[str, Any]:
    return stored(response.logs_backend, _QUERIES)


def _group(response: Any) -> Any:
    group = response.logs_backend.groups.get(given(response, "logGroupIdentifier"))
    if group is None:
        raise _missing("log group")
    return group


def _missing(kind: str) -> Exception:
    """AWS's ResourceNotFoundException."""
    from moto.logs.exceptions import ResourceNotFoundException

    error: Exception = ResourceNotFoundException(f"The specified {kind} does not exist.")
    return error
