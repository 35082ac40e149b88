"""Calls to AWS, and pages of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import copy
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from flask_errwatch._aws.clients import DELIVERY, Client, Clients, Patience, Place, Response
from flask_errwatch._aws.failures import call_error, endless
from flask_errwatch._aws.retries import OnRetry
from flask_errwatch._fork import PerProcess
from flask_errwatch.config import Config

#: What IAM says is useful and not needed, and a private subnet often has no route to it.
_IAM = Patience(connect=3, read=10, attempts=2)

#: Seconds until GetCallerIdentity is tried again. It is the first call of a command, and quick.
_IDENTITY_READ = 3

#: The domains of the endpoints of AWS, also of those in a VPC (endpoints.json of botocore).
_DOMAINS = (".amazonaws.com", ".amazonaws.com.cn", ".amazonaws.eu", ".api.aws")

#: Bytes of a body that are read at once.
_PIECE = 1 << 20

_TOKENS = ("nextToken", "NextToken", "NextMarker")


def is_aws_endpoint(url: str) -> bool:
    """Whether the URL of an endpoint is one of AWS, and not that of an emulator or a proxy.

    Example:
        >>> is_aws_endpoint("https://logs.eu-central-1.amazonaws.com"), is_aws_endpoint("http://localhost:4566")
        (True, False)
    """
    return (urlsplit(url).hostname or "").endswith(_DOMAINS)


class Aws:
    """Calls AWS, by `call` and `pages`.

    Args:
        region: The region, or None for that of the environment or the profile.
        endpoint_url: The endpoint of every service, or None for boto3's default.
        patience: How long a call may take.
        profile: A profile of the AWS configuration files, or None for boto3's default credentials.
        on_retry: Called with a sentence before a call that got no answer is made again.
    """

    def __init__(
        self,
        *,
        region: str | None = None,
        endpoint_url: str | None = None,
        patience: Patience,
        profile: str | None = None,
        on_retry: OnRetry | None = None,
    ) -> None:
        self._region = region
        self._endpoint_url = endpoint_url
        self._patience = patience
        self.profile = profile
        self._on_retry = on_retry
        self._forget_clients()

    def _forget_clients(self) -> None:
        # boto3 objects are not safe across a fork (boto/botocore#1246): each process has its own.
        self._clients: PerProcess[Clients] = PerProcess(partial(Clients, self._on_retry))

    @classmethod
    def from_config(
        cls,
        config: Config,
        patience: Patience,
        *,
        profile: str | None = None,
        on_retry: OnRetry | None = None,
    ) -> Aws:
        """AWS in the region and at the endpoint of an app's configuration."""
        place = {"region": config.region, "endpoint_url": config.endpoint_url, "profile": profile}
        return cls(**place, patience=patience, on_retry=on_retry)

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

    def with_single_attempts(self) -> Aws:
        """Returns the same AWS, where each call is attempted once: the caller tries again."""
        other = copy(self)
        other._patience = self._patience._replace(attempts=1)  # noqa: SLF001 - of this class
        other._forget_clients()  # noqa: SLF001 - those that exist attempt more often
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
                raise endless(service, method)
            token = following

    def stream(self, service: str, method: str, key: str, /, **arguments: object) -> Iterator[Any]:
        """Yields the events of a call whose response goes on, and closes it at the end.

        Args:
            service: boto3's name of the service.
            method: boto3's name of the call.
            key: The member of the response that is the stream.
            **arguments: The call's arguments.

        Raises:
            AwsCallError: When the call failed, or the stream ended with an error.
        """
        stream = self.call(service, method, **arguments)[key]
        try:
            yield from stream
        except Exception as error:
            raise call_error(service, method, error) from error
        finally:
            stream.close()

    def body(self, service: str, method: str, key: str, /, **arguments: object) -> Iterator[bytes]:
        """Yields the bytes of a response's body, in pieces of up to a MiB, and closes it.

        Args:
            service: boto3's name of the service.
            method: boto3's name of the call.
            key: The member of the response that is the body.
            **arguments: The call's arguments.

        Raises:
            AwsCallError: When the call failed, or the body broke off.
        """
        body = self.call(service, method, **arguments)[key]
        try:
            yield from body.iter_chunks(_PIECE)
        except Exception as error:
            raise call_error(service, method, error) from error
        finally:
            body.close()

    def client(self, service: str) -> Client:
        """Returns this process's client of the service, created on first use."""
        patience = _IAM if service == "iam" else self._patience
        if service == "sts":
            read, attempts = min(patience.read, _IDENTITY_READ), patience.attempts
            patience = patience._replace(read=read, attempts=min(attempts, patience.unanswered))
        place = Place(service, self._region, self._endpoint_url, self.profile)
        return self._clients.get().client(place, patience)

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
        return self._meta(service, operation).service_model

    def _meta(self, service: str, operation: str) -> Any:
        """What the client of a service knows without a call."""
        try:
            return self.client(service).meta
        except Exception as error:
            raise call_error(service, operation, error) from error

    def forget(self) -> None:
        """Drops the clients, so that the next call looks up credentials again."""
        self._clients.get().forget()

    def place(self, service: str) -> str:
        """Where the calls go: the region, or the URL of an endpoint that is not one of AWS.

        Raises:
            AwsCallError: When no region is configured.
        """
        try:
            meta = self.client(service).meta
        except Exception as error:
            raise call_error(service, "get_endpoint", error) from error
        url = str(meta.endpoint_url)
        return str(meta.region_name) if is_aws_endpoint(url) else url.rstrip("/")

    def access_key(self) -> str | None:
        """The id of the access key that signs the calls, or None without credentials.

        Raises:
            AwsCallError: When credentials are configured and cannot be looked up.
        """
        try:
            return self._clients.get().access_key()
        except Exception as error:
            raise call_error("sts", "get_caller_identity", error) from error

    def region(self) -> str:
        """Returns the region of the calls."""
        return str(self._meta("logs", "describe_log_groups").region_name)

    def partition(self) -> str:
        """Returns the partition of the calls: `aws`, `aws-cn`, `aws-us-gov` …"""
        return str(self._meta("logs", "describe_log_groups").partition)

    def endpoint(self, service: str) -> str:
        """Returns the URL that the calls of a service go to."""
        return str(self._meta(service, "endpoint").endpoint_url)
