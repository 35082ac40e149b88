"""An `Aws` with botocore's Stubber, for what moto lacks or does differently from AWS.

The Stubber checks every parameter and every response against the service's own model.
"""

from __future__ import annotations

import boto3
from botocore.stub import Stubber

from flask_errwatch._aws import PROVISIONING, Aws


class StubbedAws(Aws):
    """An `Aws` with stubbed clients."""

    def __init__(self) -> None:
        super().__init__(region="eu-central-1", patience=PROVISIONING)
        session = boto3.session.Session(
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
            region_name="eu-central-1",
        )
        self.stubbed = {name: session.client(name) for name in ("logs", "cloudwatch", "sns", "iam")}
        self.stubs = {name: Stubber(client) for name, client in self.stubbed.items()}

    def client(self, service: str) -> object:
        """Returns the stubbed client."""
        return self.stubbed[service]

    def expect(self, method: str, answer: dict[str, object], **arguments: object) -> None:
        """Expects one call with exactly these arguments."""
        service = next(name for name, client in self.stubbed.items() if hasattr(client, method))
        self.stubs[service].add_response(method, answer, arguments)
