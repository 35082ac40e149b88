"""Makes plans from the state in AWS, and applies them."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from flask_errwatch.config import Config
from flask_errwatch.detectors import Catalogue
from flask_errwatch.errors import AwsCallError, ConfigurationError, Problem, ProvisioningError
from flask_errwatch.provision.aws_call import AwsCall
from flask_errwatch.provision.diff import destroy_plan, diff, missing_service_group
from flask_errwatch.provision.ip_set_problems import unusable_ip_sets
from flask_errwatch.provision.needed_fields import with_missing_fields
from flask_errwatch.provision.plan import Plan
from flask_errwatch.provision.refresh import read_state
from flask_errwatch.provision.to_aws import calls_for

if TYPE_CHECKING:
    from flask_errwatch._aws import Aws

#: What passes by itself, of any call: another change of the same resource is under way (API
#: References of CloudWatch Logs, IAM, CloudWatch and SNS).
_CONCURRENT = frozenset(
    {
        *("OperationAbortedException", "ConcurrentModification"),
        *("ConcurrentModificationException", "ConcurrentAccess"),
    }
)
#: Seconds between two attempts of a call that fails for a reason that passes.
_WAITS = (1, 2, 4, 8, 15)


def bootstrap(aws: Aws, catalogue: Catalogue, config: Config, *, dry_run: bool = False) -> Plan:
    """Creates, updates and deletes resources until AWS matches the catalogue.

    Resources that the app manages and no longer declares are deleted. Unmanaged resources are
    never touched.

    Args:
        aws: The account and region.
        catalogue: The app's detectors, as `Catalogue.configured` returns them.
        config: The app's configuration.
        dry_run: Only make the plan.

    Returns:
        The plan, applied unless `dry_run`.

    Raises:
        ProvisioningError: When AWS refused a call, an unmanaged resource has a declared name, or
            the plan would delete more than is likely to be intended (`Plan.raise_if_unsafe`).
            It names what was applied and what was not.
        ConfigurationError: When a value cannot work in this region, or the app's name is one that
            many apps have.
    """
    plan = make_plan(aws, catalogue, config)
    return plan if dry_run else apply_plan(aws, plan)


def make_plan(
    aws: Aws,
    catalogue: Catalogue,
    config: Config,
    *,
    import_unmanaged: bool = False,
    create_role: bool = False,
    limit_retention: bool = False,
) -> Plan:
    """Returns the plan that leads to the catalogue's resources. Makes only a few listing calls.

    Args:
        aws: The account and region.
        catalogue: The app's detectors, as `Catalogue.configured` returns them.
        config: The app's configuration.
        import_unmanaged: Import unmanaged resources that have a declared name.
        create_role: Create the role of log alarms, or bring it up to date.
        limit_retention: Also give a retention to a log group that has none, which deletes events.

    Raises:
        ProvisioningError: When AWS cannot be read, an unmanaged resource has a declared name, or
            the log group of an AWS service does not exist yet.
        ConfigurationError: When a value cannot work in this region, or the app's name is one that
            many apps have.
    """
    _refuse_generic_name(config)
    desired, actual = read_state(aws, catalogue, config, create_role=create_role)
    missing = missing_service_group(desired, actual)
    if missing is not None:  # a status shows the rest, but no filter could be put
        raise ProvisioningError(missing)
    unusable = (*unusable_ip_sets(desired.ip_sets, actual, desired.app_name),)
    if unusable:
        raise ProvisioningError(*unusable)
    plan = diff(desired, actual, import_unmanaged=import_unmanaged, limit_retention=limit_retention)
    if actual.counterpart(desired.log_group) is None:
        return plan
    return with_missing_fields(plan, aws, catalogue, config)


def _refuse_generic_name(config: Config) -> None:
    """Two apps of one name would change, and delete, each other's alarms."""
    if config.has_own_name:
        return
    remedy = (
        "Flask took it from the module, and another app of this name in the account would have the "
        'same alarms: set ERRWATCH_APP_NAME, or create the app as Flask("shop").'
    )
    raise ConfigurationError(Problem(key="ERRWATCH_APP_NAME", value=config.app_name, remedy=remedy))


def make_destroy_plan(
    aws: Aws, catalogue: Catalogue, config: Config, *, with_logs: bool = False
) -> Plan:
    """Returns the plan that deletes everything that the app manages.

    Args:
        aws: The account and region.
        catalogue: The app's detectors, as `Catalogue.configured` returns them.
        config: The app's configuration.
        with_logs: Delete the log group and its events too, if the app manages it.

    Raises:
        ProvisioningError: When AWS cannot be read.
        ConfigurationError: When a value cannot work in this region.
    """
    _, actual = read_state(aws, catalogue, config, for_removal=True)
    return destroy_plan(config.app_name, config.log_group, actual, with_logs=with_logs)


def apply_plan(aws: Aws, plan: Plan, *, force: bool = False) -> Plan:
    """Applies the pending changes of a plan, in order.

    Args:
        aws: The account and region.
        plan: The plan.
        force: Apply it even if it would delete more than is likely to be intended.

    Returns:
        The plan, with all its changes applied.

    Raises:
        ProvisioningError: At the first call that failed, or when the plan is unsafe.
    """
    *_, applied = [plan, *apply_steps(aws, plan, force=force)]
    return applied


def apply_steps(aws: Aws, plan: Plan, *, force: bool = False) -> Iterator[Plan]:
    """Applies the pending changes one by one, and yields the plan after each.

    If the caller is interrupted, the last plan shows what was applied. Applying can be repeated:
    the next plan contains every change that was not completed.

    Args:
        aws: The account and region.
        plan: The plan.
        force: Apply it even if it would delete more than is likely to be intended.

    Raises:
        ProvisioningError: At the first call that failed, or when the plan is unsafe.
    """
    if not force:
        plan.raise_if_unsafe()
    for change in plan.pending:
        is_begun = False
        try:
            for call in calls_for(change):
                _execute(aws, call)
                is_begun = True
        except AwsCallError as error:
            raise plan.failure(*error.problems, cause=error, is_begun=is_begun) from error
        plan = plan.one_more_applied()
        yield plan


def _execute(aws: Aws, call: AwsCall) -> None:
    try:
        response = _patiently(aws, call)
    except AwsCallError as error:
        if error.code not in call.tolerated:
            raise
        return
    # DeleteInsightRules answers 200 and lists the rules that it did not delete.
    for failure in response.get("Failures", ()):
        if failure.get("FailureCode") not in call.tolerated:
            raise AwsCallError(
                action="cloudwatch:DeleteInsightRules",
                code=str(failure.get("FailureCode")),
                message=str(failure.get("FailureDescription")),
                remedy="See the message; the AWS API Reference describes the call.",
            )


def _patiently(aws: Aws, call: AwsCall) -> Mapping[str, Any]:
    """Makes the call, and makes it again after an error that passes, for half a minute."""
    aws = aws.in_region(call.region)
    for seconds in _WAITS:
        try:
            return aws.call(call.service, call.method, **call.arguments)
        except AwsCallError as error:
            if error.code not in _CONCURRENT and not any(
                error.code == code and word in error.message.lower() for code, word in call.passing
            ):
                raise
        time.sleep(seconds)
    return aws.call(call.service, call.method, **call.arguments)
