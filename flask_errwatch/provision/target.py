"""`AwsTarget`: the account, region and endpoints that a command works on, and whom it asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from flask_errwatch._aws import is_aws_endpoint
from flask_errwatch._text import one_line
from flask_errwatch._urls import shown_endpoint
from flask_errwatch.errors import AwsCallError, AwsSetupError

if TYPE_CHECKING:
    from flask_errwatch._aws import Aws

#: The services that commands call: those that each command needs, and those that some apps need.
_SERVICES = ("logs", "cloudwatch", "sns", "sts")
_OPTIONAL_SERVICES = ("iam", "wafv2")

#: Why the account is unknown, by the kind of the failure. For others it is the error code.
_REASONS = {
    "credentials": "no valid credentials",
    "region": "no region is configured",
    "unreachable": "AWS STS does not answer",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class AwsTarget:
    """Where the calls of a command go.

    Attributes:
        account: Twelve digits, as STS answers. None when it is unknown.
        region: The region. None when none is configured.
        endpoints: The URL of each service, safe to show. Empty without a region.
        profile: The profile that the command was given.
        failure: Why the account is unknown.
        is_answerless: Whether nothing answers at the one endpoint of all services.

    Example:
        >>> target = AwsTarget(account="123456789012", region="eu-central-1",
        ...     endpoints={"logs": "https://logs.eu-central-1.amazonaws.com"})
        >>> print(target)
        Account 123456789012 in eu-central-1, endpoint logs.eu-central-1.amazonaws.com
        >>> target.phrase
        'account 123456789012 in eu-central-1'
    """

    account: str | None
    region: str | None
    endpoints: Mapping[str, str] = field(default_factory=dict)
    profile: str | None = None
    failure: AwsCallError | None = None
    is_answerless: bool = False

    @classmethod
    def identify(cls, aws: Aws) -> AwsTarget:
        """Asks for the account by GetCallerIdentity, which needs no permission. Never raises."""
        region = account = failure = None
        endpoints: dict[str, str] = {}
        is_answerless = False
        try:
            region = aws.region()
            endpoints |= _endpoints(aws)
            account = one_line(str(aws.call("sts", "get_caller_identity")["Account"]))
        except AwsCallError as error:
            failure = error
            if error.kind == "unreachable":
                is_answerless = len({*endpoints.values()}) == 1
        return cls(
            account=account,
            region=region,
            endpoints=endpoints,
            profile=aws.profile,
            failure=failure,
            is_answerless=is_answerless,
        )

    def raise_if_hopeless(self) -> None:
        """Raises the failure if every other call would fail with it too.

        Raises:
            AwsCallError: Without credentials or a region, and when nothing answers at the one
                endpoint of all services, such as that of an emulator.
        """
        if self.failure is not None and (self.is_answerless or self.failure.is_lasting):
            raise self.failure

    @property
    def endpoint(self) -> str | None:
        """The URL of CloudWatch Logs. None without a region."""
        return self.endpoints.get("logs")

    @property
    def is_one_place(self) -> bool:
        """Whether all services are those of AWS, or at one endpoint, such as an emulator.

        Otherwise the answer of STS does not prove whose account the other services change.
        """
        return len({_owner(url) for url in self.endpoints.values()}) <= 1

    @property
    def phrase(self) -> str:
        """The account and region within a sentence. The endpoints too, unless all are of AWS."""
        account = f"account {self._account}" if self.account else "an unknown account"
        if not self.is_one_place:
            return f"{account} in {self.region}, with {self._listed_endpoints}"
        place = "" if is_aws_endpoint(self.endpoint or "") else f" at {self.endpoint}"
        return f"{account} in {self.region}{place}"

    def to_dict(self) -> dict[str, object]:
        """Returns the target as JSON values."""
        values: dict[str, object] = {
            "account": self.account if self.is_one_place else None,
            "region": self.region,
            "endpoint": self.endpoint,
            "profile": self.profile,
        }
        if self.failure is not None:
            values["account_unknown"] = self._reason(self.failure)
        elif not self.is_one_place:
            values["account_unknown"] = f"the services have different endpoints: {self._account}"
        if not self.is_one_place:
            values["endpoints"] = dict(self.endpoints)
        return values

    def __str__(self) -> str:
        account = f"Account {self._account}"
        if self.failure is not None:
            account = f"Account unknown ({self._reason(self.failure)})"
        parts = [account if self.region is None else f"{account} in {self.region}"]
        if not self.is_one_place:
            parts.append(f"with {self._listed_endpoints}")
        elif self.endpoint is not None:
            parts.append(f"endpoint {self.endpoint.removeprefix('https://')}")
        if self.profile is not None:
            parts.append(f"profile {one_line(self.profile)}")
        return ", ".join(parts)

    @property
    def _account(self) -> str:
        """The account, and who answered it where that is not proof for every service."""
        source = "" if self.is_one_place else f" according to STS at {self.endpoints['sts']}"
        return f"{self.account}{source}"

    @property
    def _listed_endpoints(self) -> str:
        listed = [f"{service} at {url}" for service, url in self.endpoints.items()]
        return f"{', '.join(listed[:-1])} and {listed[-1]}"

    def _reason(self, failure: AwsCallError) -> str:
        return _REASONS.get(failure.kind) or failure.outcome


def _endpoints(aws: Aws) -> Iterator[tuple[str, str]]:
    """Yields the URL of each service. One that not every app needs is left out if it is wrong."""
    for service in _SERVICES:
        yield service, shown_endpoint(aws.endpoint(service))
    for service in _OPTIONAL_SERVICES:
        with suppress(AwsSetupError):
            yield service, shown_endpoint(aws.endpoint(service))


def _owner(url: str) -> str:
    """Who answers at the URL: AWS, whose credentials decide the account, or another endpoint."""
    return "AWS" if is_aws_endpoint(url) else url
