"""Load over real HTTP: each request has a different path, and answered paths are recorded."""

from __future__ import annotations

import http.client
import itertools
import threading
import time

_TIMEOUT = 60
_PAUSE = 0.02


class Load:
    """Requests paths that the app does not have, from several threads, until it is stopped.

    Args:
        port: The server's port on loopback.
        prefix: The beginning of every path.
        count: Number of requests, or None for no end.
        rate: Requests a second, or None for as fast as they are answered.
        threads: Requests at the same time.

    Attributes:
        answered: Seconds from request to answer, by path, of those whose answer arrived.
        failed: Paths that were sent and not answered, and why. It is unknown whether they were
            served.
    """

    def __init__(
        self,
        port: int,
        prefix: str,
        *,
        count: int | None = None,
        rate: float | None = None,
        threads: int = 8,
    ) -> None:
        self.answered: dict[str, float] = {}
        self.failed: list[str] = []
        self._port = port
        self._prefix = prefix
        self._numbers = iter(range(count)) if count is not None else itertools.count()
        self._rate = rate
        self._numbering = threading.Lock()
        self._stopped = threading.Event()
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(threads)]

    def start(self) -> Load:
        """Starts the threads."""
        self._began = time.perf_counter()
        for thread in self._threads:
            thread.start()
        return self

    def stop(self) -> Load:
        """Waits for the requests in progress, and starts no new one."""
        self._stopped.set()
        return self.wait()

    def wait(self) -> Load:
        """Waits for the last response."""
        for thread in self._threads:
            thread.join()
        return self

    def percentile(self, share: float) -> float:
        """Milliseconds within which this share of the responses came."""
        times = sorted(self.answered.values())
        return 1000 * times[min(len(times) - 1, int(share * len(times)))] if times else 0.0

    def _run(self) -> None:
        while not self._stopped.is_set():
            with self._numbering:
                number = next(self._numbers, None)
            if number is None:
                return
            if self._rate is not None:
                due = self._began + number / self._rate
                if self._stopped.wait(max(0.0, due - time.perf_counter())):
                    return
            self._ask(f"{self._prefix}/{number:07d}")

    def _ask(self, path: str) -> None:
        # A connection for each request: a server may close a kept one just when the next request is
        # sent, and then it is unknown whether that was served.
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=_TIMEOUT)
        begun = time.perf_counter()
        try:
            while not _connected(connection):
                if self._stopped.wait(_PAUSE):
                    return
            connection.request("GET", path, headers={"Connection": "close"})
            connection.getresponse().read()
        except (OSError, http.client.HTTPException) as error:
            self.failed.append(f"{path}: {error!r}")
            return
        finally:
            connection.close()
        self.answered[path] = time.perf_counter() - begun


def _connected(connection: http.client.HTTPConnection) -> bool:
    """Whether a server listens. Until then the request is not sent, and has not failed."""
    try:
        connection.connect()
    except OSError:
        return False
    return True
