"""`Lab`: an AWS of one's own, for as long as a `with` block lasts."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from types import TracebackType
from typing import final

from flask_errwatch._aws import Aws, Patience
from flask_errwatch.errors import AwsCallError, ErrWatchError, Problem
from flask_errwatch.lab.clock import Clock
from flask_errwatch.lab.server import Environment, Server
from flask_errwatch.lab.service import Service
from flask_errwatch.simulation import Transition

#: moto answers at once or not at all; while it posts to a subscriber, the call waits for it.
_LOOPBACK = Patience(connect=5, read=30, attempts=1)


class LabFailedError(ErrWatchError):
    """The lab's service stopped; its cause says why."""


@final
class Lab:
    """CloudWatch Logs, metrics, alarms and SNS on a loopback port, in this process.

    moto stores what is put there; beside it runs what moto lacks: lines are read back, matched
    against the stored metric filters and put as metric data; alarms are evaluated, get their
    states, and publish to their topics. Inside the block, AWS is the lab for this process and
    those it starts (`environ`); then everything is as before.

    Time may run faster: at `speed=60` a minute of the lab is a second of the world. Metrics,
    evaluations and messages live in the lab's time, log events keep the time they were written.

    Args:
        speed: Seconds of the lab per second of the world.
        origin: The lab's time at `begin`, in seconds since the epoch; None means the real one.
        settle: Seconds of the world that a minute is left open for lines under way.
        tell: Called with each transition, from the lab's thread.
        warn: Called with a sentence about something that the lab cannot do; each comes once.

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
        tell: Callable[[Transition], object] = lambda _: None,
        warn: Callable[[str], object] = lambda sentence: sys.stderr.write(f"{sentence}\n"),
    ) -> None:
        self._speed = speed
        self._origin = origin
        self._settle = settle
        self._tell = tell
        self._warn = warn
        self._warned: set[str] = set()
        self._cleanup = ExitStack()
        self._stopping = threading.Event()
        self._stepped = threading.Condition()
        self._judged = float("-inf")
        self._failure: Exception | None = None

    def __enter__(self) -> Lab:
        with ExitStack() as started:
            server = Server()
            started.callback(server.close)
            self.endpoint = server.endpoint
            self.environment = Environment(server.endpoint)
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
        """Starts the lab's time and its service.

        Args:
            region: Where filters and alarms stand; None means the environment's region.

        Returns:
            The lab's clock.
        """
        start = time.time()
        origin = start if self._origin is None else self._origin
        clock = Clock(start=start, origin=origin, speed=self._speed)
        aws = Aws(region=region, endpoint_url=self.endpoint, patience=_LOOPBACK)
        service = Service(aws, clock, tell=self._tell, warn=self._warn_once)
        thread = threading.Thread(
            target=self._run, args=(service, clock), name="errwatch-lab-service", daemon=True
        )
        thread.start()
        # Before the server: a step under way ends with its calls answered.
        self._cleanup.callback(thread.join)
        return clock

    def wait_until_judged(self, moment: float, timeout: float) -> bool:
        """Waits until the lab has evaluated every minute up to a moment.

        Args:
            moment: In the lab's time, in seconds since the epoch.
            timeout: Seconds of the world to wait at most.

        Returns:
            Whether it has.

        Raises:
            LabFailedError: When the lab's service stopped.
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

    def _run(self, service: Service, clock: Clock) -> None:
        # Four steps in a minute of the lab, but not more than the machine likes.
        interval = min(1.0, max(0.2, 15 / self._speed))
        while self._failure is None and not self._stopping.wait(interval):
            until = clock.lab_time(time.time() - self._settle)
            try:
                service.step(until)
            except AwsCallError as error:
                # What stands changed under the step's hands; the next one goes by what is there.
                self._warn_once(f"lab: {error}")
                continue
            except Exception as error:  # noqa: BLE001 - said, and raised to who waits
                self._warn_once(f"The lab stopped judging: {error}")
                self._failure = error
            with self._stepped:
                self._judged = until
                self._stepped.notify_all()

    def _warn_once(self, sentence: str) -> None:
        if sentence not in self._warned:
            self._warned.add(sentence)
            self._warn(sentence)
