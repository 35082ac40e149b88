"""The rule of a web ACL that refers to the app's IP sets, for the console and for exports.

It is printed, never written: UpdateWebACL replaces the whole web ACL, also the members of it that
the installed boto3 does not have.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Literal, get_args

from flask_errwatch.config import Config
from flask_errwatch.detectors import Catalogue
from flask_errwatch.errors import ConfigurationError
from flask_errwatch.provision.export.cloudformation import with_references
from flask_errwatch.provision.export.cloudformation_resources import CloudFormationResources
from flask_errwatch.provision.export.hcl import Block, render
from flask_errwatch.provision.export.portable import portable_state
from flask_errwatch.provision.export.terraform_resources import TerraformResources
from flask_errwatch.provision.ip_set_problems import missing_scope
from flask_errwatch.provision.ip_sets import FORWARDED_HEADER, blocked_name, forwarded_position

#: What the rule does with a request from a blocked address.
RuleAction = Literal["block", "count", "captcha", "challenge"]
RULE_ACTIONS: tuple[RuleAction, ...] = get_args(RuleAction)

#: Every rule of a web ACL needs a priority of its own. The lowest number is the first rule.
_PRIORITY = 0


def rule_document(
    config: Config, arns: Sequence[str], action: RuleAction = "block"
) -> dict[str, object]:
    """The rule as the console's editor and UpdateWebACL take it.

    Args:
        config: The app's configuration. `ERRWATCH_WAF_PROXIES` decides which address is compared.
        arns: The ARNs of the two IP sets.
        action: What the rule does.

    Example:
        >>> from flask_errwatch import config
        >>> shop = config.load({"ERRWATCH_WAF_PROXIES": 1}, {}, app_name="shop")
        >>> rule = rule_document(shop, ("arn:4", "arn:6"))
        >>> rule["Statement"]["OrStatement"]["Statements"][0]["IPSetReferenceStatement"]
        {'ARN': 'arn:4', 'IPSetForwardedIPConfig': {'HeaderName': 'X-Forwarded-For', \
'FallbackBehavior': 'NO_MATCH', 'Position': 'LAST'}}
    """
    forwarded = _forwarded(config.waf_proxies)
    extra = {} if forwarded is None else {"IPSetForwardedIPConfig": forwarded}
    references = [{"IPSetReferenceStatement": {"ARN": arn, **extra}} for arn in arns]
    name = blocked_name(config.app_name)
    return {
        "Name": name,
        "Priority": _PRIORITY,
        "Statement": {"OrStatement": {"Statements": references}},
        "Action": {action.capitalize(): {}},
        "VisibilityConfig": {
            "SampledRequestsEnabled": True,
            "CloudWatchMetricsEnabled": True,
            "MetricName": name,
        },
    }


def _forwarded(proxies: int) -> dict[str, str] | None:
    position = forwarded_position(proxies)
    if position is None:
        return None
    # Without a valid address in the header nothing is blocked: the proxies write it.
    return {
        "HeaderName": FORWARDED_HEADER,
        "FallbackBehavior": "NO_MATCH",
        "Position": position,
    }


def console_rule(config: Config, arns: Sequence[str], action: RuleAction = "block") -> str:
    """The rule in JSON, for the editor of the console.

    Args:
        config: The app's configuration.
        arns: The ARNs of the two IP sets, which contain their ids.
        action: What the rule does.
    """
    return json.dumps(rule_document(config, arns, action), indent=2)


def cloudformation_rule(catalogue: Catalogue, config: Config, action: RuleAction = "block") -> str:
    """The rule for the property `Rules` of an `AWS::WAFv2::WebACL`, beside the exported sets.

    Args:
        catalogue: The app's detectors.
        config: The app's configuration.
        action: What the rule does.

    Raises:
        ConfigurationError: When the app has no IP sets.
    """
    _refuse_without_scope(config)
    resources = CloudFormationResources(portable_state(catalogue, config))
    rule = rule_document(config, resources.ip_set_arns(), action)
    # CloudFormation spells this one member otherwise.
    text = json.dumps(with_references(rule, resources), indent=2)
    return text.replace('"ARN":', '"Arn":')


def terraform_rule(catalogue: Catalogue, config: Config, action: RuleAction = "block") -> str:
    """The rule as a block of an `aws_wafv2_web_acl`, beside the exported sets.

    Args:
        catalogue: The app's detectors.
        config: The app's configuration.
        action: What the rule does.

    Raises:
        ConfigurationError: When the app has no IP sets.
    """
    _refuse_without_scope(config)
    resources = TerraformResources(portable_state(catalogue, config))
    arns = resources.ip_set_arns()
    forwarded = _forwarded(config.waf_proxies)
    references = tuple(Block("statement", blocks=(_reference(arn, forwarded),)) for arn in arns)
    name = blocked_name(config.app_name)
    visibility = {
        "sampled_requests_enabled": True,
        "cloudwatch_metrics_enabled": True,
        "metric_name": name,
    }
    rule = Block(
        "rule",
        arguments={"name": name, "priority": _PRIORITY},
        blocks=(
            Block("action", blocks=(Block(action),)),
            Block("statement", blocks=(Block("or_statement", blocks=references),)),
            Block("visibility_config", arguments=visibility),
        ),
    )
    return render((rule,), resources.links.__getitem__).rstrip("\n")


def _reference(arn: str, forwarded: Mapping[str, str] | None) -> Block:
    blocks: tuple[Block, ...] = ()
    if forwarded is not None:
        arguments = {
            "header_name": forwarded["HeaderName"],
            "fallback_behavior": forwarded["FallbackBehavior"],
            "position": forwarded["Position"],
        }
        blocks = (Block("ip_set_forwarded_ip_config", arguments=arguments),)
    return Block("ip_set_reference_statement", arguments={"arn": arn}, blocks=blocks)


def _refuse_without_scope(config: Config) -> None:
    if config.waf_scope is None:
        raise ConfigurationError(missing_scope())
