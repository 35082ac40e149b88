"""Whether log alarms can be created, with which role, and why not. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from flask_errwatch.config import Config
from flask_errwatch.provision.query_role import query_role
from flask_errwatch.provision.resources import QueryRole
from flask_errwatch.provision.scope import AwsScope
from flask_errwatch.provision.tokens import ANYWHERE

#: The commercial regions without log alarms, and the partitions with them. They are missing in the
#: CloudFormation schemas of the other partitions (October 2026; What's New, 1 July 2026).
_REGIONS_WITHOUT = frozenset({"me-central-1", "me-south-1"})
_PARTITIONS = frozenset({"aws", ANYWHERE.partition})
#: The first boto3 with PutLogAlarm.
FIRST_BOTO3 = "1.43.37"


@dataclass(frozen=True, kw_only=True, slots=True)
class LogAlarmAccess:
    """Whether log alarms can be created.

    Attributes:
        role: ARN of the role that queries the lines. None if log alarms cannot be created.
        missing: What is missing, as the end of a sentence. Empty if there is a role.
        to_create: The role, if it shall be created.
        lacks_role: Whether only a role is missing.

    Example:
        >>> LogAlarmAccess(missing="boto3 is too old").role is None
        True
    """

    role: str | None = None
    missing: str = ""
    to_create: QueryRole | None = None
    lacks_role: bool = False

    @classmethod
    def configured(cls, config: Config, scope: AwsScope | None) -> LogAlarmAccess:
        """Returns what the configuration and the region allow."""
        reason = "" if scope is None else why_not_there(scope.region, scope.partition)
        if reason:
            return cls(missing=reason)
        if config.log_alarm_role is None:
            return cls(
                lacks_role=True,
                missing="there is no role for its query: run `flask errwatch apply --create-role`, "
                "or set ERRWATCH_LOG_ALARM_ROLE",
            )
        return cls(role=config.log_alarm_role)

    @classmethod
    def with_new_role(cls, config: Config, scope: AwsScope) -> LogAlarmAccess:
        """Returns the same with a role to create, unless one is configured or none is needed."""
        configured = cls.configured(config, scope)
        has_none = why_not_there(scope.region, scope.partition)
        if configured.role or has_none or config.source_alarms != "each":
            return configured
        role = query_role(config, scope)
        return cls(role=role.arn, to_create=role)


def why_not_there(region: str, partition: str) -> str:
    """Returns why a region has no log alarms. Empty if it has them, or is not known.

    Example:
        >>> why_not_there("me-south-1", "aws"), why_not_there("eu-central-1", "aws")
        ('me-south-1 has no log alarms', '')
    """
    if partition not in _PARTITIONS:
        return f"the partition {partition} has no log alarms"
    return f"{region} has no log alarms" if region in _REGIONS_WITHOUT else ""
