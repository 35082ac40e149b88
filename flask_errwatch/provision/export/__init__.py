"""Exports of the resource model: Terraform, CloudFormation, IAM policies, queries."""
