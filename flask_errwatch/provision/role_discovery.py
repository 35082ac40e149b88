"""Finds out whether log alarms can be created: by the installed boto3, and the role of the app."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from flask_errwatch.alarms import SourceAlarm
from flask_errwatch.config import Config
from flask_errwatch.detectors import Catalogue
from flask_errwatch.errors import AwsCallError
from flask_errwatch.provision import from_aws
from flask_errwatch.provision.discovery import find_role, log_alarms, read_if_allowed
from flask_errwatch.provision.log_alarm_access import FIRST_BOTO3, LogAlarmAccess
from flask_errwatch.provision.query_role import role_name
from flask_errwatch.provision.resources.tags import tags_for
from flask_errwatch.provision.scope import AwsScope

if TYPE_CHECKING:
    from flask_errwatch._aws import Aws


def access_with_new_role(aws: Aws, config: Config, scope: AwsScope) -> LogAlarmAccess:
    """Returns whether log alarms can be created, with a role that may be created too."""
    return _old_boto3(aws) or LogAlarmAccess.with_new_role(config, scope)


def read_access(
    aws: Aws, catalogue: Catalogue, config: Config, scope: AwsScope, notes: list[str]
) -> LogAlarmAccess:
    """Returns whether log alarms can be created, with the configured role or the app's own.

    Args:
        aws: The account and region.
        catalogue: The app's detectors.
        config: The app's configuration.
        scope: Partition and region.
        notes: Takes a remark if the role cannot be read.
    """
    configured = _old_boto3(aws) or LogAlarmAccess.configured(config, scope)
    is_needed = config.source_alarms == "each" and (
        bool(config.per_source_alarms)
        or any(isinstance(detector.alarm, SourceAlarm) for detector in catalogue)
    )
    if not is_needed or not configured.lacks_role:
        return configured
    arn = _own_role(aws, config.app_name, scope.region, notes)
    return configured if arn is None else LogAlarmAccess(role=arn)


def _old_boto3(aws: Aws) -> LogAlarmAccess | None:
    """Returns why an older boto3 cannot create log alarms. None if it can."""
    if aws.has("cloudwatch", "PutLogAlarm"):
        return None
    return LogAlarmAccess(missing=f"this boto3 is older than {FIRST_BOTO3}, the first to have them")


def _own_role(aws: Aws, app_name: str, region: str, notes: list[str]) -> str | None:
    """Returns the ARN of the role that `apply --create-role` created, if it exists.

    Who may not read roles still keeps the log alarms that exist.
    """
    try:
        role = find_role(aws, role_name(app_name, region))
    except AwsCallError as error:
        notes.append(f"role of log alarms: {error}")
        alarms = read_if_allowed("log alarms", partial(log_alarms, aws, app_name), notes) or ()
        return next((alarm.role for alarm in alarms if alarm.belongs_to(app_name)), None)
    if role is None:
        return None
    is_own = set(tags_for(app_name)) <= set(from_aws.query_role(role, None).tags)
    return str(role["Arn"]) if is_own else None
