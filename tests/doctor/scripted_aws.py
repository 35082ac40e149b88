"""An AWS client with botocore's Stubber, for every service that doctor and drill call.

It replaces what moto lacks: policy simulation, alarm history, denials. The Stubber checks each
parameter and each response against the service's own model.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

import boto3
from botocore.stub import Stubber

from flask_errwatch import config as configuration
from flask_errwatch._aws import PROVISIONING, Aws
from flask_errwatch.config import Config
from flask_errwatch.detectors import DEFAULT_DETECTORS, Catalogue

#: Shared by all tests: the models of the services are large.
SESSION = boto3.session.Session(
    aws_access_key_id="testing",
    aws_secret_access_key="testing",
    region_name="eu-central-1",
)


class ScriptedAws(Aws):
    """The library's AWS client with scripted responses."""

    def __init__(self) -> None:
        super().__init__(region="eu-central-1", patience=PROVISIONING)
        self._scripted: dict[str, tuple[object, Stubber]] = {}

    def client(self, service: str) -> object:
        """The scripted client."""
        return self._stubbed(service)[0]

    def script(self, service: str) -> Stubber:
        """The service's scripted responses."""
        return self._stubbed(service)[1]

    def _stubbed(self, service: str) -> tuple[object, Stubber]:
        if service not in self._scripted:
            client = SESSION.client(service)
            stub = Stubber(client)
            stub.activate()
            self._scripted[service] = client, stub
        return self._scripted[service]

    def answers(self, service: str, method: str, response: Mapping[str, object]) -> None:
        """Expects this call next, with any arguments."""
        self.script(service).add_response(method, response)

    def expects(
        self, service: str, method: str, response: Mapping[str, object], **arguments: object
    ) -> None:
        """Expects this call next, with exactly these arguments."""
        self.script(service).add_response(method, response, arguments)

    def refuses(self, service: str, method: str, code: str) -> None:
        """Expects this call next, and lets it fail with that code."""
        self.script(service).add_client_error(method, code, "said so")

    def assert_all_called(self) -> None:
        """Fails when a scripted call was not made."""
        for _, stub in self._scripted.values():
            stub.assert_no_pending_responses()


def shop(**settings: object) -> tuple[Catalogue, Config]:
    """Catalogue and configuration of the app `shop`."""
    keys = {f"ERRWATCH_{key}": value for key, value in settings.items()}
    config = configuration.load(keys, {}, app_name="shop")
    return Catalogue(DEFAULT_DETECTORS).configured(config), config


def log_entry(**event: object) -> dict[str, object]:
    """A log event as FilterLogEvents returns it."""
    line = {"event": "Not Found Error", "app": "shop", **event}
    return {"timestamp": 1_700_000_000_000, "message": json.dumps(line)}
