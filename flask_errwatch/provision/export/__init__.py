"""Exports of the desired state: Terraform, CloudFormation, IAM policies, dashboard and queries."""

from flask_errwatch.provision.export.aws_console import (
    dashboard_text,
    queries_document,
    queries_text,
)
from flask_errwatch.provision.export.cloudformation import to_cloudformation
from flask_errwatch.provision.export.iam import ROLES, Role, iam_policy
from flask_errwatch.provision.export.terraform import to_terraform

__all__ = [
    "ROLES",
    "Role",
    "dashboard_text",
    "iam_policy",
    "queries_document",
    "queries_text",
    "to_cloudformation",
    "to_terraform",
]
