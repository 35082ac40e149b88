"""The clients of boto3: one per process, service, place and profile."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from flask_errwatch._aws.environment import endpoint_variable, region_variable
from flask_errwatch._aws.failures import InvalidEndpointError
from flask_errwatch._aws.retries import BoundedRetries, OnRetry
from flask_errwatch._parsers import RefusedValueError
from flask_errwatch._parsers import url as valid_url

#: boto3's client objects have no common type: their methods are created at run time.
Client = Any

Response = dict[str, Any]


class Patience(NamedTuple):
    """How long a call may take before it fails.

    Attributes:
        connect: Seconds to wait for a connection.
        read: Seconds to wait for a response.
        attempts: Attempts that botocore makes, also when throttled.
        unanswered: Attempts at most while nothing answers, or AWS has an internal fault.
    """

    connect: float
    read: float
    attempts: int
    unanswered: int = 3


#: The sender has its own back-off, and a stopping process has little time.
DELIVERY = Patience(connect=2, read=5, attempts=1)

#: A person waits, and throttling is normal (PutMetricFilter: 5 calls a second).
PROVISIONING = Patience(connect=3, read=20, attempts=8)


class Place(NamedTuple):
    """What decides where the calls of a client go, and as whom."""

    service: str
    region: str | None
    endpoint_url: str | None
    profile: str | None


class Clients:
    """The clients of one process."""

    def __init__(self, on_retry: OnRetry | None) -> None:
        self._by_place: dict[Place, Client] = {}
        self._loader: Any = None
        self._retries = BoundedRetries(on_retry)
        self._session: Any = None

    def access_key(self) -> str | None:
        """That of the newest client."""
        credentials = self._session and self._session.get_credentials()
        return str(credentials.get_frozen_credentials().access_key) if credentials else None

    def forget(self) -> None:
        self._by_place = {}

    def client(self, place: Place, patience: Patience) -> Client:
        # Without a lock: creating a client may look up credentials over the network, and whoever
        # forks or calls AWS meanwhile must not wait for that. Of two that are created at once, one
        # is discarded: no two threads share a session.
        by_place = self._by_place
        if place not in by_place:
            client = self._create(place, patience)
            by_place.setdefault(place, client)
        return by_place[place]

    def _create(self, place: Place, patience: Patience) -> Client:
        import boto3
        import botocore.config
        import botocore.session

        config = botocore.config.Config(
            connect_timeout=patience.connect,
            read_timeout=patience.read,
            # Explicit, because botocore's default has changed over time.
            retries={"mode": "standard", "total_max_attempts": patience.attempts},
            user_agent_extra="flask-errwatch",
            **_host_prefix(place.endpoint_url),
        )
        # A separate session: boto3's default one belongs to the application. Later ones share the
        # loaded service descriptions, which are large and never change.
        session = botocore.session.get_session()
        if self._loader is None:
            self._loader = session.get_component("data_loader")
        session.register_component("data_loader", self._loader)
        self._session = session
        service, region, endpoint_url, profile = place
        boto_session = boto3.session.Session(botocore_session=session, profile_name=profile)
        store = session.get_component("config_store")
        store.set_config_variable("region", region or _default_region(session))
        with _endpoint_errors(session, service):
            client = boto_session.client(
                service, region_name=region, endpoint_url=endpoint_url, config=config
            )
            valid_url(client.meta.endpoint_url)  # botocore accepts any scheme
        if patience.attempts > 1:
            self._retries.bound(client, min(patience.attempts, patience.unanswered))
        return client


@contextmanager
def _endpoint_errors(session: Any, service: str) -> Iterator[None]:
    """Raises an error that names what sets the endpoint, where it is not valid."""
    try:
        yield
    except ValueError as error:
        if not isinstance(error, RefusedValueError) and type(error) is not ValueError:
            raise  # botocore's own, such as that of a region
        service_id = session.get_service_model(service).service_id
        variable = endpoint_variable(os.environ, service_id)
        if variable is not None:
            raise InvalidEndpointError(*variable) from error
        raise InvalidEndpointError("endpoint_url in the AWS configuration file", None) from error


def _host_prefix(endpoint_url: str | None) -> dict[str, bool]:
    """What keeps botocore from `streaming-` before the host of an endpoint that is configured.

    StartLiveTail has this prefix in AWS. Before the host of an emulator it is another host.
    """
    is_configured = endpoint_url or any(name.startswith("AWS_ENDPOINT_URL") for name in os.environ)
    return {"inject_host_prefix": False} if is_configured else {}


def _default_region(session: Any) -> str | None:
    """The region where none is configured, if there is one.

    boto3 does not read AWS_REGION, and takes an empty AWS_DEFAULT_REGION, as in a compose file, for
    the name of a region.
    """
    variable = region_variable(os.environ)
    return variable.value if variable else session.get_scoped_config().get("region") or None
