"""The only door to boto3: lazy, one client per process and service, every failure explained.

Nothing else in the package imports boto3 or botocore. A call that fails raises
`AwsCallError`, which names the IAM action and says what to do.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from flask_errwatch._fork import PerProcess
from flask_errwatch._text import described, one_line
from flask_errwatch.errors import AwsCallError, FailureKind

#: boto3's client objects have no common type: their methods are made at run time.
Client = Any
Response = dict[str, Any]


class Patience(NamedTuple):
    """How long a call may take before it counts as failed.

    Attributes:
        connect: Seconds to wait for a connection.
        read: Seconds to wait for an answer.
        attempts: Attempts that botocore makes of its own, throttling included.
    """

    connect: float
    read: float
    attempts: int


#: A sender has its own back-off, and a stopping process has little time.
DELIVERY = Patience(connect=2, read=5, attempts=1)
#: A person waits; throttling is normal there (PutMetricFilter: 5 calls a second).
PROVISIONING = Patience(connect=5, read=20, attempts=8)

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
    "quota": frozenset({"LimitExceededException", "LimitExceeded"}),
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
        "network's way out and, in a private subnet, the VPC endpoint."
    ),
    "throttled": "AWS asks for fewer calls: it is tried again later.",
    "quota": "A quota of the account is reached: remove what is unused or ask AWS for more.",
    "fault": "AWS has a fault of its own: it is tried again later.",
    "other": "See the message; the AWS API Reference describes the call.",
}


class Aws:
    """AWS as this library uses it: `call` and `pages`, nothing else.

    Args:
        region: The region, or None for boto3's own choice.
        endpoint_url: The endpoint of every service, or None for boto3's own choice.
        patience: How long a call may take.
    """

    def __init__(
        self, *, region: str | None = None, endpoint_url: str | None = None, patience: Patience
    ) -> None:
        self._region = region
        self._endpoint_url = endpoint_url
        self._patience = patience
        # No boto3 object is safe across a fork (boto/botocore#1246): each process has its own.
        self._clients: PerProcess[_Clients] = PerProcess(_Clients)

    def call(self, service: str, method: str, /, **arguments: object) -> Response:
        """What one AWS call answers.

        Args:
            service: boto3's name of the service, such as `logs`.
            method: boto3's name of the method, such as `put_log_events`.
            **arguments: The call's own arguments.

        Raises:
            AwsCallError: When it failed, whatever the reason.
        """
        try:
            client = self.client(service)
            response: Response = getattr(client, method)(**arguments)
        except Exception as error:
            raise explained(service, method, error) from error
        return response

    def pages(self, service: str, method: str, key: str, /, **arguments: object) -> Iterator[Any]:
        """Every entry of a listing, page after page; also where botocore has no paginator.

        Args:
            service: boto3's name of the service.
            method: boto3's name of the listing.
            key: The member of the answer that holds the entries.
            **arguments: The listing's own arguments.

        Raises:
            AwsCallError: When a page failed.
        """
        token: Mapping[str, object] = {}
        while True:
            page = self.call(service, method, **{**arguments, **token})
            yield from page.get(key, ())
            # SNS and CloudWatch spell it NextToken, Logs nextToken, WAF NextMarker.
            name = next((name for name in _TOKENS if page.get(name)), None)
            if name is None:
                return
            token = {name: page[name]}

    def client(self, service: str) -> Client:
        """This process's client of the service, made at its first use."""
        return self._clients.get().client(service, self._region, self._endpoint_url, self._patience)

    def forget(self) -> None:
        """Makes the next call with a new client: credentials are looked for anew."""
        self._clients.get().forget()

    def region(self) -> str:
        """The region that calls go to."""
        try:
            return str(self.client("logs").meta.region_name)
        except Exception as error:
            raise explained("logs", "describe_log_groups", error) from error

    def partition(self) -> str:
        """The partition that calls go to: `aws`, `aws-cn`, `aws-us-gov` …"""
        return str(self.client("logs").meta.partition)


_TOKENS = ("nextToken", "NextToken", "NextMarker")


#: Held while boto3, or what brings it in, is imported, and while it makes a client, which is not
#: thread-safe; and held across a fork: a child in which a module stays half imported, by a thread
#: that it does not have, would wait for that module for ever. Re-entrant, because making a client
#: may start a process.
making = threading.RLock()
os.register_at_fork(
    before=making.acquire, after_in_parent=making.release, after_in_child=making.release
)


class _Clients:
    """One process's clients."""

    def __init__(self) -> None:
        self._made: dict[str, Client] = {}
        self._loader: Any = None

    def forget(self) -> None:
        self._made = {}

    def client(
        self, service: str, region: str | None, endpoint_url: str | None, patience: Patience
    ) -> Client:
        with making:
            if service not in self._made:
                import boto3
                import botocore.session
                from botocore.config import Config

                config = Config(
                    connect_timeout=patience.connect,
                    read_timeout=patience.read,
                    # botocore's default mode has changed over time, so it is said.
                    retries={"mode": "standard", "total_max_attempts": patience.attempts},
                    user_agent_extra="flask-errwatch",
                )
                # A session of its own: boto3's default one belongs to the application. A later
                # one has the first one's descriptions of AWS, which are large and never change.
                session = botocore.session.get_session()
                if self._loader is None:
                    self._loader = session.get_component("data_loader")
                session.register_component("data_loader", self._loader)
                self._made[service] = boto3.session.Session(botocore_session=session).client(
                    service, region_name=region, endpoint_url=endpoint_url, config=config
                )
            return self._made[service]


def explained(service: str, method: str, error: Exception) -> AwsCallError:
    """The failure of a call, with the IAM action and what to do about it."""
    response = getattr(error, "response", None)
    details = response.get("Error", {}) if isinstance(response, dict) else {}
    code = str(details.get("Code") or type(error).__name__)
    message = one_line(str(details.get("Message") or described(error)))
    metadata = response.get("ResponseMetadata", {}) if isinstance(response, dict) else {}
    action = f"{service}:{_action_name(method)}"
    kind = _kind(code, metadata.get("HTTPStatusCode"))
    return AwsCallError(
        action=action,
        code=code,
        message=message,
        kind=kind,
        remedy=_REMEDIES[kind].format(action=action),
    )


def _action_name(method: str) -> str:
    return "".join(part.capitalize() for part in method.split("_"))


def _kind(code: str, status: object) -> FailureKind:
    for kind, codes in _CODES.items():
        if code in codes:
            return kind
    return "fault" if isinstance(status, int) and status >= 500 else "other"
