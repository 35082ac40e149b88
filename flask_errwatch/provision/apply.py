"""The edge: makes the plan of what stands, and applies it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from flask_errwatch.config import Config
from flask_errwatch.detectors import Catalogue
from flask_errwatch.errors import AwsCallError, ProvisioningError
from flask_errwatch.provision.calls import Call, calls
from flask_errwatch.provision.diff import destroy_plan, diff
from flask_errwatch.provision.plan import Plan
from flask_errwatch.provision.refresh import read_state

if TYPE_CHECKING:
    from flask_errwatch._aws import Aws


def bootstrap(aws: Aws, catalogue: Catalogue, config: Config, *, dry_run: bool = False) -> Plan:
    """Brings AWS to what the catalogue declares; what stands as declared is left alone.

    What the app made and no longer declares is deleted. What somebody else made is never
    touched.

    Args:
        aws: The account and region.
        catalogue: The app's detectors.
        config: The app's configuration.
        dry_run: Only make the plan.

    Returns:
        The plan, applied unless `dry_run`.

    Raises:
        ProvisioningError: When AWS refused a call, something of somebody else is in the way,
            or the plan would lose more than a person is likely to mean
            (`Plan.raise_if_unsafe`); it says what was applied and what was not.
        ConfigurationError: When a value cannot work in this region.
    """
    made = make_plan(aws, catalogue, config)
    return made if dry_run else apply_plan(aws, made)


def make_plan(aws: Aws, catalogue: Catalogue, config: Config, *, adopt: bool = False) -> Plan:
    """What `apply` would do. It takes a handful of calls, however many detectors there are.

    Args:
        aws: The account and region.
        catalogue: The app's detectors.
        config: The app's configuration.
        adopt: Take over what somebody else made under a declared name.

    Raises:
        ProvisioningError: When AWS cannot be read, or something is in the way.
        ConfigurationError: When a value cannot work in this region.
    """
    declared, stands = read_state(aws, catalogue, config)
    return diff(declared, stands, adopt=adopt)


def make_destroy_plan(
    aws: Aws, catalogue: Catalogue, config: Config, *, with_logs: bool = False
) -> Plan:
    """The plan that deletes everything that is the app's own.

    Args:
        aws: The account and region.
        catalogue: The app's detectors.
        config: The app's configuration.
        with_logs: Delete the log group and its events too, if the group is the app's own.

    Raises:
        ProvisioningError: When AWS cannot be read.
        ConfigurationError: When a value cannot work in this region.
    """
    _, stands = read_state(aws, catalogue, config, for_removal=True)
    return destroy_plan(config.app_name, config.log_group, stands, with_logs=with_logs)


def apply_plan(aws: Aws, plan: Plan, *, force: bool = False) -> Plan:
    """Applies the pending changes of a plan, in order.

    Args:
        aws: The account and region.
        plan: The plan.
        force: Apply it even if it would lose more than a person is likely to mean.

    Returns:
        The plan, with all its changes applied.

    Raises:
        ProvisioningError: At the first call that failed, or when the plan is unsafe.
    """
    for plan in apply_steps(aws, plan, force=force):  # noqa: B007, B020, PLR1704 - the last one counts
        pass
    return plan


def apply_steps(aws: Aws, plan: Plan, *, force: bool = False) -> Iterator[Plan]:
    """Applies the pending changes one by one, and yields the plan as it is after each.

    Whoever is interrupted in between has the last plan, and knows what was done. Applying can
    be repeated: the next plan finds what was begun.

    Args:
        aws: The account and region.
        plan: The plan.
        force: Apply it even if it would lose more than a person is likely to mean.

    Raises:
        ProvisioningError: At the first call that failed, or when the plan is unsafe.
    """
    if not force:
        plan.raise_if_unsafe()
    while plan.pending:
        change, begun = plan.pending[0], False
        try:
            for call in calls(change):
                _make(aws, call)
                begun = True
        except AwsCallError as error:
            failed, *rest = map(str, plan.pending)
            raise ProvisioningError(
                *error.problems,
                cause=error,
                applied=map(str, plan.applied),
                pending=(f"{failed} (begun)" if begun else failed, *rest),
            ) from error
        plan = plan.one_more_applied()
        yield plan


def _make(aws: Aws, call: Call) -> None:
    try:
        answer = aws.call(call.service, call.method, **call.arguments)
    except AwsCallError as error:
        if error.code not in call.tolerated:
            raise
        return
    # DeleteInsightRules answers 200 and lists what it did not delete.
    for failure in answer.get("Failures", ()):
        if failure.get("FailureCode") not in call.tolerated:
            raise AwsCallError(
                action="cloudwatch:DeleteInsightRules",
                code=str(failure.get("FailureCode")),
                message=str(failure.get("FailureDescription")),
                remedy="See the message; the AWS API Reference describes the call.",
            )
