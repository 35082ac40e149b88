"""What every case needs: a stage with a fake CloudWatch and a journal, child processes, counts."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.fake_logs import FakeLogsProcess
from tests.fake_logs_service import Arrived

ROOT = Path(__file__).parents[2]
#: Seconds after which a condition that must come true counts as failed.
PATIENCE = 60.0

_PORT = re.compile(r"127\.0\.0\.1:([1-9]\d*)")


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """The result of a case.

    Attributes:
        case: Its name.
        figures: What was measured.
        broken: Promises that were not kept.
        late: Promises about time that were not kept. They hold on a machine that does nothing
            else: only the long form asserts them.
    """

    case: str
    figures: dict[str, object] = field(default_factory=dict)
    broken: tuple[str, ...] = ()
    late: tuple[str, ...] = ()


def promises(**kept: bool) -> tuple[str, ...]:
    """The names of the promises that were not kept."""
    return tuple(name.replace("_", " ") for name, is_kept in kept.items() if not is_kept)


def wait_until(condition: Callable[[], bool], seconds: float = PATIENCE) -> bool:
    """Waits for a condition, and returns whether it came true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


class Child:
    """A process group, with its output in a file.

    Args:
        command: The program and its arguments.
        env: Its whole environment.
        output: Where its output goes.
    """

    def __init__(self, command: Sequence[str], env: dict[str, str], output: Path) -> None:
        self._output = output
        with output.open("wb") as file:
            self.process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=env,
                stdin=subprocess.PIPE,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def output(self) -> str:
        """The output so far."""
        return self._output.read_text("utf-8", "replace")

    def port(self) -> int:
        """The port in its output that it listens on."""
        if not wait_until(lambda: bool(_PORT.search(self.output)) or not self.is_alive):
            raise TimeoutError(self.output)
        match = _PORT.search(self.output)
        if match is None:
            raise RuntimeError(self.output)
        return int(match[1])

    def wait_for(self, text: str, seconds: float = PATIENCE) -> None:
        """Waits until its output contains the text."""
        if not wait_until(lambda: text in self.output or not self.is_alive, seconds):
            raise TimeoutError(f"never wrote {text!r}: {self.output}")
        if text not in self.output:
            raise RuntimeError(f"ended before {text!r}: {self.output}")

    def resume(self) -> None:
        """Closes its standard input, for which a burst waits."""
        if self.process.stdin is not None:
            self.process.stdin.close()

    @property
    def is_alive(self) -> bool:
        """Whether it is running."""
        return self.process.poll() is None

    def end(self, number: signal.Signals = signal.SIGTERM, seconds: float = PATIENCE) -> float:
        """Asks it to stop, waits, and returns the seconds that this took."""
        self.process.send_signal(number)
        return self.ended(seconds)

    def ended(self, seconds: float = PATIENCE) -> float:
        """Waits for its end, and returns the seconds that this took."""
        begun = time.monotonic()
        self.process.wait(seconds)
        return time.monotonic() - begun

    def kill(self) -> None:
        """Ends the whole group at once, as `kill -9` does."""
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            return  # the whole group has ended
        finally:
            self.process.wait()
            self.resume()

    def pids(self) -> list[int]:
        """Its process and all descendants."""
        pids, index = [self.process.pid], 0
        while index < len(pids):
            path = Path(f"/proc/{pids[index]}/task/{pids[index]}/children")
            pids += [int(pid) for pid in _text(path).split()]
            index += 1
        return pids

    def rss(self) -> float:
        """MiB of memory that its processes use together."""
        pages = [_text(Path(f"/proc/{pid}/statm")).split() for pid in self.pids()]
        size = os.sysconf("SC_PAGE_SIZE")
        return sum(int(fields[1]) for fields in pages if fields) * size / 2**20


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""  # the process has ended


class Stage:
    """A fake CloudWatch, a journal folder, and the child processes that use them.

    Args:
        fake: The endpoint.
        folder: The folder for all files.
        settings: `ERRWATCH_…` settings of the children, without the prefix.
    """

    def __init__(self, fake: FakeLogsProcess, folder: Path, settings: dict[str, object]) -> None:
        self.fake = fake
        self.folder = folder
        self.journal = folder / "journal"
        self.children: list[Child] = []
        self.settings: dict[str, object] = {"HEARTBEAT_SECONDS": 0, "SEND_INTERVAL": 0.5}
        self.settings.update(settings)
        self.extra: dict[str, str] = {}

    def env(self) -> dict[str, str]:
        """The environment of the children, with nothing from the developer's own."""
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "AWS_ACCESS_KEY_ID": "made-up",
            "AWS_SECRET_ACCESS_KEY": "made-up",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_DEFAULT_REGION": "eu-central-1",
            "AWS_ENDPOINT_URL": self.fake.url,
            "ERRWATCH_JOURNAL_DIR": str(self.journal),
            "PYTHONUNBUFFERED": "1",
            "PYTHONFAULTHANDLER": "1",
            **{f"ERRWATCH_{name}": str(value) for name, value in self.settings.items()},
            **self.extra,
        }

    def start(self, *command: str) -> Child:
        """Starts a child."""
        output = self.folder / f"output-{len(self.children)}.txt"
        child = Child(command, self.env(), output)
        self.children.append(child)
        return child

    def python(self, module: str, *arguments: object) -> Child:
        """Starts a module of this repository."""
        return self.start(sys.executable, "-m", module, *map(str, arguments))

    def gunicorn(
        self, worker: str, *options: object, preload: bool = False, port: int = 0
    ) -> Child:
        """Starts gunicorn with a kind of worker, by default with two of them."""
        threads = ["--threads", "8"] if worker == "gthread" else []
        return self.start(
            *(sys.executable, "-m", "gunicorn", "--no-control-socket", "-k", worker, "-w", "2"),
            *(*threads, *map(str, options), *(["--preload"] if preload else [])),
            *("-b", f"127.0.0.1:{port}", "tests.stress.stressed:app"),
        )

    def arrived(self) -> list[dict[str, Any]]:
        """Every line that the endpoint accepted, parsed."""
        return [parsed(line) for line in self.fake.lines()]

    def drain(self, *names: str) -> None:
        """Starts a later process of the same apps, which delivers what was left.

        Raises:
            RuntimeError: When it could not deliver all.
        """
        self.extra.pop("STRESS_NOISE", None)
        child = self.python("tests.stress.drain", *(names or ("stress",)))
        child.ended(2 * PATIENCE)
        if child.process.returncode:
            raise RuntimeError(f"not all could be drained: {child.output}")

    def journals(self) -> list[Path]:
        """The segments in the journal folder that are not empty."""
        return [path for path in self.journal.glob("*/*.log") if path.stat().st_size]


@contextmanager
def stage(keep: int | None = None, **settings: object) -> Iterator[Stage]:
    """A stage. All its child processes are killed at the end.

    Args:
        keep: Characters that the endpoint keeps of each message.
        **settings: `ERRWATCH_…` settings of the children, without the prefix.
    """
    with tempfile.TemporaryDirectory(prefix="stress-") as name, FakeLogsProcess(keep) as fake:
        set_up = Stage(fake, Path(name), settings)
        try:
            yield set_up
        finally:
            for child in set_up.children:
                child.kill()


def parsed(line: Arrived) -> dict[str, Any]:
    """A line as a dict."""
    content: dict[str, Any] = json.loads(line.message)
    return content


@dataclass(frozen=True, kw_only=True, slots=True)
class Count:
    """How many lines arrived.

    Attributes:
        expected: How many had to arrive.
        missing: The lines that did not.
        duplicates: How often a line arrived again.
    """

    expected: int
    missing: tuple[str, ...]
    duplicates: int

    @property
    def figures(self) -> dict[str, object]:
        """The count as figures of an outcome."""
        lost = len(self.missing)
        return {"lines": self.expected, "lost": lost, "duplicates": self.duplicates}


def counted(expected: Collection[str], arrived: Sequence[str]) -> Count:
    """Compares the lines that had to arrive with those that did, by path or id."""
    times = Counter(arrived)
    return Count(
        expected=len(expected),
        missing=tuple(sorted(key for key in expected if not times[key])),
        duplicates=sum(number - 1 for number in times.values()),
    )


def paths(lines: Sequence[dict[str, Any]]) -> list[str]:
    """The paths of the lines of a load's requests."""
    return [
        line["path"]
        for line in lines
        if line["event"] == "Not Found Error" and line["path"].startswith("/r")
    ]


def gaps(lines: Sequence[dict[str, Any]]) -> int:
    """How many numbers `seq` are missing up to each process's last line."""
    seen: dict[str, set[int]] = {}
    for line in lines:
        seen.setdefault(line["process"], set()).add(line["seq"])
    return sum(max(numbers) - len(numbers) for numbers in seen.values())


class Memory:
    """Samples a child's memory. Growth is relative to the first sample."""

    def __init__(self, child: Child) -> None:
        self.first = self.most = child.rss()
        self._child = child
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._stopped.wait(0.1):
            self.most = max(self.most, self._child.rss())

    def growth(self) -> float:
        """Ends the sampling. Returns the MiB between the first sample and the largest."""
        self._stopped.set()
        self._thread.join()
        return round(self.most - self.first, 1)
