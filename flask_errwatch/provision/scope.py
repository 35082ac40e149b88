"""`AwsScope`: the partition, region and account of resources, and the ARNs that contain them.

A resource's values are the same everywhere except for these three. Provisioning knows them. An
export does not, and uses tokens that each language replaces with a reference (`tokens.ANYWHERE`).
"""

from __future__ import annotations

from dataclasses import dataclass

from flask_errwatch.provision.resources.waf import CLOUDFRONT_REGION, WafScope


@dataclass(frozen=True, kw_only=True, slots=True)
class AwsScope:
    """A partition, region and account.

    Attributes:
        partition: Such as `aws`, `aws-cn` or `aws-us-gov`.
        region: Such as `eu-central-1`.
        account: Twelve digits.

    Example:
        >>> AwsScope(partition="aws", region="eu-central-1", account="123456789012").alarm_arn("a")
        'arn:aws:cloudwatch:eu-central-1:123456789012:alarm:a'
    """

    partition: str
    region: str
    account: str

    def arn(self, service: str, resource: str) -> str:
        """Returns the ARN of a resource of the region, as the service spells it."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{resource}"

    def alarm_arn(self, name: str) -> str:
        """Returns the ARN of a metric alarm or composite alarm."""
        return self.arn("cloudwatch", f"alarm:{name}")

    def mute_rule_arn(self, name: str) -> str:
        """Returns the ARN of a rule that mutes alarms."""
        return self.arn("cloudwatch", f"alarm-mute-rule:{name}")

    def insight_rule_arn(self, name: str) -> str:
        """Returns the ARN of a Contributor Insights rule."""
        return self.arn("cloudwatch", f"insight-rule/{name}")

    def dashboard_arn(self, name: str) -> str:
        """Returns the ARN of a dashboard. It has no region."""
        return f"arn:{self.partition}:cloudwatch::{self.account}:dashboard/{name}"

    def role_arn(self, name: str) -> str:
        """Returns the ARN of a role. It has no region."""
        return f"arn:{self.partition}:iam::{self.account}:role/{name}"

    def log_group_arn(self, name: str) -> str:
        """Returns the ARN of a log group, as tagging expects it. Some actions need a final `:*`."""
        return self.arn("logs", f"log-group:{name}")

    def waf_arn(self, scope: WafScope, resource: str) -> str:
        """Returns the ARN of a resource of WAF. What is for CloudFront is in one region.

        Example:
            >>> scope = AwsScope(partition="aws", region="eu-central-1", account="123456789012")
            >>> scope.waf_arn("CLOUDFRONT", "ipset/shop-blocked-ipv4/*")
            'arn:aws:wafv2:us-east-1:123456789012:global/ipset/shop-blocked-ipv4/*'
        """
        region, place = self.region, "regional"
        if scope == "CLOUDFRONT":
            region, place = CLOUDFRONT_REGION, "global"
        return f"arn:{self.partition}:wafv2:{region}:{self.account}:{place}/{resource}"

    def topic_arn(self, name_or_arn: str) -> str:
        """Returns the ARN of a topic that is configured by its name or by its ARN.

        Example:
            >>> scope = AwsScope(partition="aws", region="eu-central-1", account="123456789012")
            >>> scope.topic_arn("ops")
            'arn:aws:sns:eu-central-1:123456789012:ops'
            >>> scope.topic_arn("arn:aws:sns:eu-central-1:210987654321:ops")
            'arn:aws:sns:eu-central-1:210987654321:ops'
        """
        return name_or_arn if name_or_arn.startswith("arn:") else self.arn("sns", name_or_arn)


#: Placeholders for the reader to fill in, spelled as in AWS's Service Authorization Reference.
TO_FILL_IN = AwsScope(partition="${Partition}", region="${Region}", account="${Account}")
