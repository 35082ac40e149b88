"""Where the environment variables of AWS send calls: the endpoint, the region and the profile."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

#: Of the endpoint of every service.
_ENDPOINT = "AWS_ENDPOINT_URL"
#: AWS_REGION is what AWS sets in containers and functions. boto3 does not read it.
_REGIONS = ("AWS_DEFAULT_REGION", "AWS_REGION")
#: In botocore's order.
_PROFILES = ("AWS_DEFAULT_PROFILE", "AWS_PROFILE")


class Variable(NamedTuple):
    """An environment variable that is set, and not empty."""

    name: str
    value: str


def endpoint_variable(
    environ: Mapping[str, str], service_id: str = "CloudWatch Logs"
) -> Variable | None:
    """The variable that sets the endpoint of a service, if any does.

    The one of the service is first (AWS SDKs and Tools Reference Guide, Service-specific
    endpoints). Its name has the service's id.

    Args:
        environ: The environment.
        service_id: What botocore's `ServiceModel.service_id` returns.

    Example:
        >>> endpoint_variable({"AWS_ENDPOINT_URL": "http://127.0.0.1:4566"})
        Variable(name='AWS_ENDPOINT_URL', value='http://127.0.0.1:4566')
        >>> endpoint_variable({"AWS_ENDPOINT_URL_SNS": "http://127.0.0.1:4575"}, "SNS").name
        'AWS_ENDPOINT_URL_SNS'
    """
    if environ.get("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "").lower() == "true":
        return None
    return _first(environ, (f"{_ENDPOINT}_{service_id.upper().replace(' ', '_')}", _ENDPOINT))


def region_variable(environ: Mapping[str, str]) -> Variable | None:
    """The variable that sets the region, if any does.

    Example:
        >>> region_variable({"AWS_DEFAULT_REGION": "", "AWS_REGION": "eu-central-1"})
        Variable(name='AWS_REGION', value='eu-central-1')
    """
    return _first(environ, _REGIONS)


def region_origin(environ: Mapping[str, str]) -> str:
    """Where the region of boto3 comes from: a variable's name, or the configuration file.

    Example:
        >>> region_origin({"AWS_REGION": "eu-central-1"})
        'AWS_REGION'
    """
    variable = region_variable(environ)
    return variable.name if variable else "the configuration file of AWS"


def profile_variable(environ: Mapping[str, str]) -> Variable | None:
    """The variable that sets the profile, if any does."""
    return _first(environ, _PROFILES)


def _first(environ: Mapping[str, str], names: tuple[str, ...]) -> Variable | None:
    values = (Variable(name, environ.get(name, "").strip()) for name in names)
    return next((variable for variable in values if variable.value), None)
