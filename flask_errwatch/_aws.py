"""The only module that imports boto3 or botocore: lazily, with one client per process and service.

A call that fails raises `AwsCallError`, which names the IAM action and the remedy.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import copy
from typing import Any, NamedTuple

from flask_errwatch._fork import PerProcess
from flask_errwatch._text import described, one_line
from flask_errwatch.config import Config
from flask_errwatch.errors import AwsCallError, FailureKind

#: boto3's client objects have no common type: their methods are created at run time.
Client = Any
Response = dict[str, Any]


class Patience(NamedTuple):
    """How long a call may take before it fails.

    Attributes:
        connect: Seconds to wait for a connection.
        read: Seconds to wait for a response.
        attempts: Attempts that botocore makes, also when throttled.
    """

    connect: float
    read: float
    attempts: int


#: The sender has its own back-off, and a stopping process has little time.
DELIVERY = Patience(connect=2, read=5, attempts=1)
#: A person waits, and throttling is normal (PutMetricFilter: 5 calls a second).
PROVISIONING = Patience(connect=5, read=20, attempts=8)

#: What IAM says is useful and not needed, and a private subnet often has no route to it.
_IDENTITY = Patience(connect=3, read=10, attempts=2)

_CODES: dict[FailureKind, frozenset[str]] = {
    "credentials": frozenset(
        {
            *("NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError"),
            *("TokenRetrievalError", "SSOTokenLoadError", "UnauthorizedSSOTokenError"),
            *("ProfileNotFound", "UnrecognizedClientException", "InvalidClientTokenId"),
            *("SignatureDoesNotMatch", "InvalidSignatureException", "ExpiredToken"),
            *("ExpiredTokenException", "MissingAuthenticationToken"),
            "MissingAuthenticationTokenException",
        }
    ),
    "region": frozenset({"NoRegionError", "InvalidRegionError"}),
    "permission": frozenset(
        {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError"}
    ),
    "unreachable": frozenset(
        {
            *("EndpointConnectionError", "ConnectTimeoutError", "ReadTimeoutError"),
            *("ConnectionClosedError", "ConnectionError", "ProxyConnectionError", "SSLError"),
            "HTTPClientError",
        }
    ),
    "throttled": frozenset({"Throttling", "ThrottlingException", "TooManyRequestsException"}),
    "quota": frozenset({"LimitExceededException", "LimitExceeded", "WAFLimitsExceededException"}),
}
_REMEDIES: dict[FailureKind, str] = {
    "credentials": (
        "Give the process AWS credentials: a role of the instance, task or function, or "
        "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; an expired session needs a new one."
    ),
    "region": "Set ERRWATCH_REGION (or AWS_DEFAULT_REGION) to the region of the log group.",
    "permission": "Allow {action} in the IAM policy of this process's role.",
    "unreachable": (
        "Nothing answers there: check ERRWATCH_ENDPOINT_URL or AWS_ENDPOINT_URL, the "
        "route to the internet and, in a private subnet, the VPC endpoint."
    ),
    "throttled": "AWS asks for fewer calls: {again}.",
    "quota": "A quota of the account is reached: delete unused resources or request an increase.",
    "fault": "AWS has an internal fault: {again}.",
    "other": "See the message; the AWS API Reference describes the call.",
}
#: The remedies for errors that have one of their own.
_REMEDIES_OF_CODES = {
    "WAFAssociatedItemException": (
        "A rule of a web ACL or of a rule group refers to the IP set: remove that rule first."
    ),
    "WAFOptimisticLockException": (
        "The IP set was changed after it was read: run the command again."
    ),
}


class Aws:
    """Calls AWS, by `call` and `pages`.

    Args:
        region: The region, or None for boto3's default.
        endpoint_url: The endpoint of every service, or None for boto3's default.
        patience: How long a call may take.
    """

    def __init__(
        self, *, region: str | None = None, endpoint_url: str | None = None, patience: Patience
    ) -> None:
        self._region = region
        self._endpoint_url = endpoint_url
        self._patience = patience
        # boto3 objects are not safe across a fork (boto/botocore#1246): each process has its own.
        self._clients: PerProcess[_Clients] = PerProcess(_Clients)

    @classmethod
    def from_config(cls, config: Config, patience: Patience) -> Aws:
        """AWS in the region and at the endpoint of an app's configuration."""
        return cls(region=config.region, endpoint_url=config.endpoint_url, patience=patience)

    def in_region(self, region: str | None) -> Aws:
        """Returns the same AWS in another region. Both use the same clients and credentials.

        Args:
            region: The region. None for the one that it has.
        """
        if region is None:
            return self
        other = copy(self)
        other._region = region  # noqa: SLF001 - of this class
        return other

    def call(self, service: str, method: str, /, **arguments: object) -> Response:
        """Returns the response of one AWS call.

        Args:
            service: boto3's name of the service, such as `logs`.
            method: boto3's name of the method, such as `put_log_events`.
            **arguments: The call's arguments.

        Raises:
            AwsCallError: When it failed, whatever the reason.
        """
        try:
            client = self.client(service)
            response: Response = getattr(client, method)(**arguments)
        except Exception as error:
            is_sender = self._patience is DELIVERY
            raise call_error(service, method, error, is_sender=is_sender) from error
        return response

    def pages(self, service: str, method: str, key: str, /, **arguments: object) -> Iterator[Any]:
        """Yields every entry of a list call, page by page, also where botocore has no paginator.

        Args:
            service: boto3's name of the service.
            method: boto3's name of the list call.
            key: The member of the response that holds the entries.
            **arguments: The call's arguments.

        Raises:
            AwsCallError: When a page failed.
        """
        token: Mapping[str, object] = {}
        while True:
            page = self.call(service, method, **{**arguments, **token})
            yield from page.get(key, ())
            # SNS and CloudWatch spell it NextToken, Logs nextToken, WAF NextMarker.
            token_key = next((name for name in _TOKENS if page.get(name)), None)
            if token_key is None:
                return
            following = {token_key: page[token_key]}
            if following == token:
                raise _endless(service, method)
            token = following

    def client(self, service: str) -> Client:
        """Returns this process's client of the service, created on first use."""
        patience = _IDENTITY if service == "iam" else self._patience
        return self._clients.get().client(service, self._region, self._endpoint_url, patience)

    def has(self, service: str, operation: str) -> bool:
        """Whether the installed boto3 knows an operation, such as `PutLogAlarm`.

        Raises:
            AwsCallError: When no region is configured.
        """
        return operation in self._model(service, operation).operation_names

    def takes(self, service: str, operation: str, argument: str) -> bool:
        """Whether an operation of the installed boto3 has an argument.

        Raises:
            AwsCallError: When no region is configured.
        """
        model = self._model(service, operation).operation_model(operation)
        return argument in model.input_shape.members

    def _model(self, service: str, operation: str) -> Any:
        """What the installed boto3 knows of a service, to find out about an operation."""
        try:
            return self.client(service).meta.service_model
        except Exception as error:
            raise call_error(service, operation, error) from error

    def forget(self) -> None:
        """Drops the clients, so that the next call looks up credentials again."""
        self._clients.get().forget()

    def region(self) -> str:
        """Returns the region of the calls."""
        try:
            return str(self.client("logs").meta.region_name)
        except Exception as error:
            raise call_error("logs", "describe_log_groups", error) from error

    def partition(self) -> str:
        """Returns the partition of the calls: `aws`, `aws-cn`, `aws-us-gov` …"""
        return str(self.client("logs").meta.partition)


_TOKENS = ("nextToken", "NextToken", "NextMarker")


class _Clients:
    """The clients of one process."""

    def __init__(self) -> None:
        self._by_place: dict[tuple[str, str | None], Client] = {}
        self._loader: Any = None

    def forget(self) -> None:
        self._by_place = {}

    def client(
        self, service: str, region: str | None, endpoint_url: str | None, patience: Patience
    ) -> Client:
        # Without a lock: creating a client may look up credentials over the network, and whoever
        # forks or calls AWS meanwhile must not wait for that. Of two that are created at once, one
        # is discarded: no two threads share a session.
        by_place, place = self._by_place, (service, region)
        if place not in by_place:
            client = self._create(service, region, endpoint_url, patience)
            by_place.setdefault(place, client)
        return by_place[place]

    def _create(
        self, service: str, region: str | None, endpoint_url: str | None, patience: Patience
    ) -> Client:
        import boto3
        import botocore.config
        import botocore.session

        config = botocore.config.Config(
            connect_timeout=patience.connect,
            read_timeout=patience.read,
            # Explicit, because botocore's default has changed over time.
            retries={"mode": "standard", "total_max_attempts": patience.attempts},
            user_agent_extra="flask-errwatch",
        )
        # A separate session: boto3's default one belongs to the application. Later ones share the
        # loaded service descriptions, which are large and never change.
        session = botocore.session.get_session()
        if self._loader is None:
            self._loader = session.get_component("data_loader")
        session.register_component("data_loader", self._loader)
        return boto3.session.Session(botocore_session=session).client(
            service, region_name=region, endpoint_url=endpoint_url, config=config
        )


def call_error(
    service: str, method: str, error: Exception, *, is_sender: bool = False
) -> AwsCallError:
    """The error of a failed call, with its IAM action and remedy.

    Args:
        service: boto3's name of the service.
        method: boto3's name of the method, or the operation's.
        error: What was raised.
        is_sender: Whether it is a call of the sender, which tries again by itself.
    """
    response = getattr(error, "response", None)
    details = response.get("Error", {}) if isinstance(response, dict) else {}
    code = str(details.get("Code") or type(error).__name__)
    message = one_line(str(details.get("Message") or described(error)))
    metadata = response.get("ResponseMetadata", {}) if isinstance(response, dict) else {}
    action = _refused_action(message) or f"{service}:{_action_name(method)}"
    kind = _kind(code, metadata.get("HTTPStatusCode"))
    return AwsCallError(
        action=action,
        code=code,
        message=message,
        kind=kind,
        remedy=_REMEDIES_OF_CODES.get(code)
        or _REMEDIES[kind].format(
            action=action, again="it is tried again later" if is_sender else "run it again later"
        ),
    )


def _endless(service: str, method: str) -> AwsCallError:
    """The error of a list whose next page is the same page again."""
    return AwsCallError(
        action=f"{service}:{_action_name(method)}",
        code="nextToken",
        message="the next page is the same page again",
        remedy="The list has no end: run it again.",
        kind="fault",
    )


def _refused_action(message: str) -> str:
    """The action that IAM refused, which may be another than the call's: `iam:PassRole`."""
    refused = message.partition("not authorized to perform: ")[2]
    return refused.partition(" ")[0]


#: Parts of the methods of AWS WAF whose actions are in capitals.
_ACRONYMS = {"ip": "IP", "acl": "ACL", "acls": "ACLs"}


def _action_name(method: str) -> str:
    """The action of a method of boto3, or of an operation, whose name it is."""
    parts = (_ACRONYMS.get(part) or f"{part[:1].upper()}{part[1:]}" for part in method.split("_"))
    return "".join(parts)


def _kind(code: str, status: object) -> FailureKind:
    for kind, codes in _CODES.items():
        if code in codes:
            return kind
    return "fault" if isinstance(status, int) and status >= 500 else "other"
