"""The environment variables that point every AWS client of this process at the lab."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from types import TracebackType
from typing import Final
from urllib.request import getproxies_environment

from flask_errwatch._aws import region_variable
from flask_errwatch.lab.clock import CLOCK_VARIABLE, Clock
from flask_errwatch.lab.moto_server import HOST

REGION = "us-east-1"

#: What could point a client at another endpoint or at the user's own credentials.
_REMOVED = (
    *("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN", "AWS_ROLE_ARN"),
    *("AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"),
)


#: A topic and a subscriber, so that alarms notify as they do in an account. moto sends no mail, and
#: the domain is reserved for examples (RFC 2606).
TOPIC_WITH_SUBSCRIBER: Final = {
    "ERRWATCH_SNS_TOPIC": "errwatch-lab",
    "ERRWATCH_SUBSCRIPTIONS": "mailto:on-call@example.com",
}
_HEARTBEAT = "ERRWATCH_HEARTBEAT_SECONDS"
#: Seconds between two heartbeats without the setting, and the fewest with which the lab keeps up.
_DEFAULT_HEARTBEAT, _SHORTEST_HEARTBEAT = 60.0, 0.25
_SEND_INTERVAL = "ERRWATCH_SEND_INTERVAL"


class LabEnvironment:
    """Context manager: AWS is the lab, for this process and its children.

    Credentials are made up, proxies are bypassed, and the journal is in a temporary folder, so
    that lines of the lab and real lines never mix. Leaving restores everything.

    Args:
        endpoint: The lab's address.
        speed: Seconds of the lab per real second. Heartbeats come so much more often.
        defaults: Configuration keys for those that neither the app nor the environment has.
    """

    def __init__(self, endpoint: str, *, speed: float, defaults: Mapping[str, str]) -> None:
        self._endpoint = endpoint
        self._speed = speed
        self._defaults = defaults
        self._original: dict[str, str] = {}
        self._clock: Clock | None = None
        # A process that the lab has started may write its last line while the folder is removed.
        self._journal = tempfile.TemporaryDirectory(
            prefix="errwatch-lab-", ignore_cleanup_errors=True
        )

    @property
    def exports(self) -> dict[str, str]:
        """The variables with which a program in another shell uses the lab.

        Those of AWS are for every program, the others for the commands of this package.
        """
        clock = {} if self._clock is None else {CLOCK_VARIABLE: str(self._clock)}
        proxies = {"NO_PROXY": HOST} if getproxies_environment().keys() - {"no"} else {}
        return {
            "AWS_ENDPOINT_URL": self._endpoint,
            "AWS_ACCESS_KEY_ID": "lab",
            "AWS_SECRET_ACCESS_KEY": "lab",
            "AWS_DEFAULT_REGION": self._region,
            **proxies,
            **self.settings,
            **{name: os.environ.get(name) or value for name, value in self._defaults.items()},
            **self._heartbeat,
            **clock,
        }

    @property
    def _region(self) -> str:
        variable = region_variable(os.environ)
        return variable.value if variable else REGION

    @property
    def _heartbeat(self) -> dict[str, str]:
        """The interval in the lab's time. Left to the configuration where it is not a number.

        Lines are sent sooner, too. Otherwise each heartbeat would count those before it as pending.
        """
        try:
            seconds = float(self._original.get(_HEARTBEAT, _DEFAULT_HEARTBEAT))
        except ValueError:
            return {}
        if self._speed == 1 or seconds <= 0:
            return {}
        interval = max(_SHORTEST_HEARTBEAT, seconds / self._speed)
        sooner = (
            {}
            if self._original.get(_SEND_INTERVAL)
            else {_SEND_INTERVAL: f"{min(2, interval / 4):g}"}
        )
        return {_HEARTBEAT: f"{interval:g}", **sooner}

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
