"""Where resources stand, and the ARNs that follow from it.

A resource's values are the same everywhere but for three words: partition, region and account.
Provisioning knows them; an export does not, and puts tokens in their place that each language
turns into its own reference (`ANYWHERE`).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class AwsScope:
    """A partition, region and account.

    Attributes:
        partition: `aws`, `aws-cn`, `aws-us-gov` …
        region: As `eu-central-1`.
        account: Twelve digits.

    Example:
        >>> AwsScope(partition="aws", region="eu-central-1", account="123456789012").alarm_arn("a")
        'arn:aws:cloudwatch:eu-central-1:123456789012:alarm:a'
    """

    partition: str
    region: str
    account: str

    def arn(self, service: str, resource: str) -> str:
        """The ARN of a resource of the region, as the service spells it."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{resource}"

    def alarm_arn(self, name: str) -> str:
        """The ARN of an alarm, of a metric or composite."""
        return self.arn("cloudwatch", f"alarm:{name}")

    def insight_rule_arn(self, name: str) -> str:
        """The ARN of a Contributor Insights rule."""
        return self.arn("cloudwatch", f"insight-rule/{name}")

    def dashboard_arn(self, name: str) -> str:
        """The ARN of a dashboard: dashboards belong to no region."""
        return f"arn:{self.partition}:cloudwatch::{self.account}:dashboard/{name}"

    def log_group_arn(self, name: str) -> str:
        """The ARN of a log group, as tagging takes it; some actions want `:*` after it."""
        return self.arn("logs", f"log-group:{name}")

    def topic_arn(self, name: str) -> str:
        """The ARN of a topic."""
        return self.arn("sns", name)


#: What a person fills in, spelled as AWS's Service Authorization Reference does.
TO_FILL_IN = AwsScope(partition="${Partition}", region="${Region}", account="${Account}")
