"""What exists in an account beside the app's own resources, because others create it."""

from __future__ import annotations

import json

from flask_errwatch._aws import PROVISIONING, Aws
from flask_errwatch.config import Config
from flask_errwatch.lab.moto_store import create_topic_of_any_account
from flask_errwatch.provision.export import console_rule
from flask_errwatch.provision.ip_set_discovery import usable_ip_sets
from flask_errwatch.provision.ip_sets import waf_region, waf_scope
from flask_errwatch.provision.service_groups import owner_of

_WEB_ACL = "errwatch-lab"


def create_what_others_own(config: Config) -> None:
    """Creates what exists in an account before the plan is applied, since others create it.

    That is the log group of an AWS service, and a topic that is configured by its ARN.

    Args:
        config: The app's configuration, read inside the lab's environment.
    """
    if owner_of(config.log_group) is not None:
        aws = Aws.from_config(config, PROVISIONING)
        aws.call("logs", "create_log_group", logGroupName=config.log_group)
    if config.sns_topic is not None and config.has_topic_arn:
        create_topic_of_any_account(config.sns_topic)


def create_web_acl(config: Config) -> None:
    """Creates a web ACL with the rule for the app's IP sets, as the owner of an account does.

    Args:
        config: The app's configuration, after the plan was applied in the lab.
    """
    if config.waf_scope is None:
        return
    aws = Aws.from_config(config, PROVISIONING)
    arns = [str(ip_set.arn) for ip_set in usable_ip_sets(aws, config)]
    aws.in_region(waf_region(config)).call(
        *("wafv2", "create_web_acl"),
        Name=_WEB_ACL,
        Scope=waf_scope(config),
        DefaultAction={"Allow": {}},
        Rules=[json.loads(console_rule(config, arns))],
        VisibilityConfig={
            "SampledRequestsEnabled": False,
            "CloudWatchMetricsEnabled": False,
            "MetricName": _WEB_ACL,
        },
    )
