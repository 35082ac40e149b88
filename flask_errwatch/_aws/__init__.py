"""The only package that imports boto3 or botocore: lazily, with one client per process and service.

A call that fails raises `AwsCallError`, which names the IAM action and the remedy.
"""

from flask_errwatch._aws.calls import Aws, is_aws_endpoint
from flask_errwatch._aws.clients import DELIVERY, PROVISIONING, Client, Patience, Response
from flask_errwatch._aws.environment import (
    Variable,
    endpoint_variable,
    profile_variable,
    region_origin,
    region_variable,
)
from flask_errwatch._aws.failures import call_error
from flask_errwatch._aws.retries import OnRetry
from flask_errwatch._aws.shared_files import configured

__all__ = [
    "DELIVERY",
    "PROVISIONING",
    "Aws",
    "Client",
    "OnRetry",
    "Patience",
    "Response",
    "Variable",
    "call_error",
    "configured",
    "endpoint_variable",
    "is_aws_endpoint",
    "profile_variable",
    "region_origin",
    "region_variable",
]
