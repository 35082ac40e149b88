"""What prevents the use of an app's IP sets, each with its remedy. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from flask_errwatch._text import counted
from flask_errwatch.config import Config
from flask_errwatch.errors import Problem
from flask_errwatch.provision.actual import Actual
from flask_errwatch.provision.ip_sets import waf_scope
from flask_errwatch.provision.resources import IpSet
from flask_errwatch.provision.resources.tags import ip_set_description, is_own_ip_set, marker
from flask_errwatch.provision.resources.waf import CLOUDFRONT_REGION, IP_SET_NAME_LENGTH


def name_problems(declared: Iterable[IpSet], app_name: str) -> Iterator[Problem]:
    """Refuses names that are too long for WAF, and those that WAF cannot tell from another app's.

    Args:
        declared: The sets that the app declares.
        app_name: The app.
    """
    declared = tuple(declared)
    if declared and ip_set_description(app_name) != marker(app_name):
        remedy = (
            "It has characters that AWS WAF does not allow in the description of an IP set, so "
            "that another app could have the same sets. Set ERRWATCH_APP_NAME to a name of letters "
            "a to z, digits, spaces and _+=#@/,.- only, or unset ERRWATCH_WAF_SCOPE."
        )
        yield Problem(key="ERRWATCH_APP_NAME", value=app_name, remedy=remedy)
    for ip_set in declared:
        if len(ip_set.name) > IP_SET_NAME_LENGTH:
            remedy = (
                f"It would have {len(ip_set.name)} characters of at most {IP_SET_NAME_LENGTH}: "
                "choose a shorter ERRWATCH_APP_NAME."
            )
            yield Problem(key=ip_set.kind, value=ip_set.name, remedy=remedy)


def partition_problems(config: Config, partition: str) -> Iterator[Problem]:
    """Refuses sets for CloudFront where their region is not."""
    if waf_scope(config) == "CLOUDFRONT" and partition != "aws":
        remedy = (
            f"The sets for CloudFront are in {CLOUDFRONT_REGION}, which partition {partition} does "
            "not have: use regional."
        )
        yield Problem(key="ERRWATCH_WAF_SCOPE", value=config.waf_scope, remedy=remedy)


def unusable_ip_sets(declared: Iterable[IpSet], actual: Actual, app_name: str) -> Iterator[Problem]:
    """Yields a problem for each set that exists under a declared name and cannot be used.

    Args:
        declared: The sets that the app declares.
        actual: The resources that exist.
        app_name: The app.
    """
    for ip_set in declared:
        existing = actual.counterpart(ip_set)
        if isinstance(existing, IpSet):
            yield from misfits(ip_set, existing, app_name)


def misfits(declared: IpSet, existing: IpSet, app_name: str) -> Iterator[Problem]:
    """Yields why an existing set of a declared name cannot be used."""
    if not is_own_ip_set(existing.description, app_name):
        remedy = (
            f"An IP set of this name exists, with {counted(existing.entries, 'address')}, and this "
            "app does not manage it: it is left alone. Delete it, or choose another "
            "ERRWATCH_APP_NAME."
        )
        yield Problem(key=declared.kind, value=declared.name, remedy=remedy)
    elif existing.family != declared.family:
        remedy = (
            f"It is a set of {existing.family}, and the family of a set cannot be changed: delete "
            "it, and run `flask errwatch apply`."
        )
        yield Problem(key=declared.kind, value=declared.name, remedy=remedy)


def missing_scope() -> Problem:
    """Returns the problem of an app that needs IP sets and declares none."""
    remedy = (
        "Without it the app has no IP sets: set it to regional or cloudfront, and run "
        "`flask errwatch apply`."
    )
    return Problem(key="ERRWATCH_WAF_SCOPE", value=None, remedy=remedy)


def missing_ip_set(declared: IpSet) -> Problem:
    """Returns the problem of a declared set that does not exist."""
    remedy = "It does not exist: run `flask errwatch apply`."
    return Problem(key=declared.kind, value=declared.name, remedy=remedy)
