"""Exports of the desired state: Terraform, CloudFormation, IAM, console and the rule of WAF."""

from flask_errwatch.provision.export.aws_console import (
    dashboard_text,
    queries_document,
    queries_text,
)
from flask_errwatch.provision.export.cloudformation import to_cloudformation
from flask_errwatch.provision.export.iam import ROLES, Role, iam_policy
from flask_errwatch.provision.export.terraform import to_terraform
from flask_errwatch.provision.export.waf_rule import (
    RULE_ACTIONS,
    RuleAction,
    cloudformation_rule,
    console_rule,
    terraform_rule,
)

__all__ = [
    "ROLES",
    "RULE_ACTIONS",
    "Role",
    "RuleAction",
    "cloudformation_rule",
    "console_rule",
    "dashboard_text",
    "iam_policy",
    "queries_document",
    "queries_text",
    "terraform_rule",
    "to_cloudformation",
    "to_terraform",
]
