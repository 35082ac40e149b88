"""The environment variables that point every AWS client of this process at the lab."""

from __future__ import annotations

import os
import tempfile
from types import TracebackType

from flask_errwatch.lab.clock import CLOCK_VARIABLE, Clock
from flask_errwatch.lab.moto_server import HOST

REGION = "us-east-1"

#: What could point a client at another endpoint or at the user's own credentials.
_REMOVED = (
    *("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN", "AWS_ROLE_ARN"),
    *("AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"),
)


class LabEnvironment:
    """Context manager: AWS is the lab, for this process and its children.

    Credentials are made up, proxies are bypassed, and the journal is in a temporary folder, so
    that lines of the lab and real lines never mix. Leaving restores everything.

    Args:
        endpoint: The lab's address.
    """

    def __init__(self, endpoint: str) -> None:
        self._endpoint = endpoint
        self._original: dict[str, str] = {}
        self._clock: Clock | None = None
        # A process that the lab has started may write its last line while the folder is removed.
        self._journal = tempfile.TemporaryDirectory(
            prefix="errwatch-lab-", ignore_cleanup_errors=True
        )

    @property
    def exports(self) -> dict[str, str]:
        """The variables with which the AWS CLI or a script in another shell uses the lab."""
        clock = {} if self._clock is None else {CLOCK_VARIABLE: str(self._clock)}
        return {
            "AWS_ENDPOINT_URL": self._endpoint,
            "AWS_ACCESS_KEY_ID": "lab",
            "AWS_SECRET_ACCESS_KEY": "lab",
            "AWS_DEFAULT_REGION": os.environ.get("AWS_DEFAULT_REGION", REGION),
            **clock,
        }

    @property
    def settings(self) -> dict[str, str]:
        """The configuration keys with which this library uses the lab."""
        return {
            "ERRWATCH_ENDPOINT_URL": self._endpoint,
            "ERRWATCH_SINKS": "cloudwatch",
            "ERRWATCH_JOURNAL_DIR": self._journal.name,
        }

    def set_clock(self, clock: Clock) -> None:
        """Sets the variable that has the lab's clock, for `flask errwatch why`."""
        self._clock = clock
        os.environ[CLOCK_VARIABLE] = str(clock)

    def __enter__(self) -> None:
        self._original = dict(os.environ)
        service_endpoints = [name for name in os.environ if name.startswith("AWS_ENDPOINT_URL_")]
        for name in (*_REMOVED, *service_endpoints):
            os.environ.pop(name, None)
        os.environ.update(self.exports)
        os.environ.update(self.settings)
        os.environ["AWS_CONFIG_FILE"] = os.environ["AWS_SHARED_CREDENTIALS_FILE"] = os.devnull
        os.environ["AWS_EC2_METADATA_DISABLED"] = "true"
        os.environ["NO_PROXY"] = os.environ["no_proxy"] = HOST

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.environ.clear()
        os.environ.update(self._original)
        self._journal.cleanup()
