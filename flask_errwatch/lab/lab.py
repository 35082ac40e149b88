"""`Lab`: a private AWS on loopback, for the duration of a `with` block."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from types import MappingProxyType, TracebackType
from typing import final

from flask_errwatch._aws import Aws, Patience
from flask_errwatch._text import one_line
from flask_errwatch.errors import AwsCallError, ErrWatchError, Problem
from flask_errwatch.lab.clock import Clock
from flask_errwatch.lab.emulator import CloudWatchEmulator
from flask_errwatch.lab.environment import LabEnvironment
from flask_errwatch.lab.moto_server import MotoServer
from flask_errwatch.simulation import ContributorTransition, Transition

#: moto answers at once or not at all. A publish waits until moto has posted to the subscriber.
_LOOPBACK = Patience(connect=5, read=30, attempts=1)


class LabFailedError(ErrWatchError):
    """The lab stopped judging. The cause is chained."""


@final
class Lab:
    """CloudWatch Logs, metrics, alarms and SNS on a loopback port, in this process.

    moto stores resources and log events. A thread adds what moto lacks: it reads the lines back,
    matches them against the stored metric filters, puts the metric data, evaluates the alarms,
    sets their states and notifies their topics. Inside the block, AWS is the lab for this process
    and its children (`LabEnvironment`). Afterwards the environment is restored.

    Time may run faster: at `speed=60` a minute of the lab is a real second. Metrics, evaluations,
    notifications and the interval of heartbeats have the lab's time. Log events keep the real time
    of their writing.

    Args:
        speed: Seconds of the lab per real second.
        origin: The lab's time at `begin`, in seconds since the epoch. None means the real time.
        settle: Real seconds that a minute stays open for lines still on their way.
        defaults: Configuration keys for those that neither the app nor the environment has, such as
            `TOPIC_WITH_SUBSCRIBER`.
        on_transition: Called with each transition of an alarm, on the lab's thread.
        on_contributor: Called with each transition of a contributor of a log alarm, on that
            thread.
        on_warning: Called once with each sentence about something that the lab cannot do. It may
            quote names and texts that any client of the lab stored.

    Raises:
        LabMissingError: On entering, when moto's server is not installed.

    Example:
        >>> with Lab() as lab:
        ...     lab.endpoint.startswith("http://127.0.0.1:")
        True
    """

    def __init__(
        self,
        *,
        speed: float = 1.0,
        origin: float | None = None,
        settle: float = 3.0,
        defaults: Mapping[str, str] = MappingProxyType({}),
        on_transition: Callable[[Transition], object] = lambda _: None,
        on_contributor: Callable[[ContributorTransition], object] = lambda _: None,
        on_warning: Callable[[str], object] = lambda sentence: sys.stderr.write(
            f"{one_line(sentence)}\n"
        ),
    ) -> None:
        self._speed = speed
        self._origin = origin
        self._settle = settle
        self._defaults = defaults
        self._on_transition = on_transition
        self._on_contributor = on_contributor
        self._on_warning = on_warning
        self._warnings: set[str] = set()
        self._cleanup = ExitStack()
        self._stopping = threading.Event()
        self._stepped = threading.Condition()
        self._judged = float("-inf")
        self._failure: Exception | None = None

    def __enter__(self) -> Lab:
        with ExitStack() as started:
            server = MotoServer()
            started.callback(server.close)
            self.endpoint = server.endpoint
            self.environment = LabEnvironment(
                server.endpoint, speed=self._speed, defaults=self._defaults
            )
            started.enter_context(self.environment)
            self._cleanup = started.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stopping.set()
        self._cleanup.close()

    def begin(self, region: str | None = None) -> Clock:
        """Starts the lab's clock and the thread that judges.

        Args:
            region: The region of the filters and alarms. None means the environment's region.

        Returns:
            The lab's clock.
        """
        start = time.time()
        origin = start if self._origin is None else self._origin
        clock = Clock(start=start, origin=origin, speed=self._speed)
        self.environment.set_clock(clock)
        aws = Aws(region=region, endpoint_url=self.endpoint, patience=_LOOPBACK)
        emulator = CloudWatchEmulator(
            aws,
            clock,
            on_transition=self._on_transition,
            on_contributor=self._on_contributor,
            on_warning=self._warn_once,
        )
        thread = threading.Thread(
            target=self._run, args=(emulator, clock), name="errwatch-lab-service", daemon=True
        )
        thread.start()
        # Joined before the server is closed: the calls of the last step are still answered.
        self._cleanup.callback(thread.join)
        return clock

    def wait_until_judged(self, moment: float, timeout: float) -> bool:
        """Waits until the lab has evaluated every minute up to a moment.

        Args:
            moment: In the lab's time, in seconds since the epoch.
            timeout: Real seconds to wait at most.

        Returns:
            False on a timeout.

        Raises:
            LabFailedError: When the lab stopped judging.
        """
        with self._stepped:
            self._stepped.wait_for(
                lambda: self._failure is not None or self._judged >= moment, timeout
            )
            if self._failure is not None:
                remedy = "Start the lab again; please report it with its cause."
                problem = Problem(key="lab", value=str(self._failure), remedy=remedy)
                raise LabFailedError(problem) from self._failure
            return self._judged >= moment

    def _run(self, emulator: CloudWatchEmulator, clock: Clock) -> None:
        # Four steps per minute of the lab, but at most five per real second.
        interval = min(1.0, max(0.2, 15 / self._speed))
        while self._failure is None and not self._stopping.wait(interval):
            until = clock.lab_time(time.time() - self._settle)
            try:
                emulator.step(until)
            except AwsCallError as error:
                # An alarm was changed or deleted during the step. The next step reads it again.
                self._warn_once(f"lab: {error}")
                continue
            except Exception as error:  # noqa: BLE001 - warned about, and raised to the caller that waits
                self._warn_once(f"The lab stopped judging: {error}")
                self._failure = error
            with self._stepped:
                self._judged = until
                self._stepped.notify_all()

    def _warn_once(self, sentence: str) -> None:
        if sentence not in self._warnings:
            self._warnings.add(sentence)
            self._on_warning(sentence)
