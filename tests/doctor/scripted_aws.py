"""botocore's Stubber behind the library's door, for every service that a checkup asks.

For what moto does not do: policy simulation, alarm history, refusals. The Stubber checks each
parameter and each answer against the service's own model.
"""

from __future__ import annotations

from collections.abc import Mapping

import boto3
from botocore.stub import Stubber

from flask_errwatch import config as configuration
from flask_errwatch._aws import PROVISIONING, Aws
from flask_errwatch.config import Config
from flask_errwatch.detectors import DEFAULT_DETECTORS, Catalogue

#: One for all tests: the descriptions of the services are large.
SESSION = boto3.session.Session(
    aws_access_key_id="testing",
    aws_secret_access_key="testing",
    region_name="eu-central-1",
)


class ScriptedAws(Aws):
    """The library's door, with scripted answers behind it."""

    def __init__(self) -> None:
        super().__init__(region="eu-central-1", patience=PROVISIONING)
        self._scripted: dict[str, tuple[object, Stubber]] = {}

    def client(self, service: str) -> object:
        """The scripted client."""
        return self._made(service)[0]

    def script(self, service: str) -> Stubber:
        """What the service answers."""
        return self._made(service)[1]

    def _made(self, service: str) -> tuple[object, Stubber]:
        if service not in self._scripted:
            client = SESSION.client(service)
            stub = Stubber(client)
            stub.activate()
            self._scripted[service] = client, stub
        return self._scripted[service]

    def answers(self, service: str, method: str, answer: Mapping[str, object]) -> None:
        """The next call of the service is this one, with whatever arguments."""
        self.script(service).add_response(method, answer)

    def expects(
        self, service: str, method: str, answer: Mapping[str, object], **arguments: object
    ) -> None:
        """The next call of the service is this one, with exactly these arguments."""
        self.script(service).add_response(method, answer, arguments)

    def refuses(self, service: str, method: str, code: str) -> None:
        """The next call of the service is this one, and fails with that code."""
        self.script(service).add_client_error(method, code, "said so")

    def all_asked(self) -> None:
        """Fails when a scripted call was not made."""
        for _, each in self._scripted.values():
            each.assert_no_pending_responses()


def shop(**settings: object) -> tuple[Catalogue, Config]:
    """Catalogue and configuration of the app `shop`."""
    given = {f"ERRWATCH_{key}": value for key, value in settings.items()}
    config = configuration.load(given, {}, app_name="shop")
    return Catalogue(DEFAULT_DETECTORS).configured(config), config
