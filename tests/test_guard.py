"""The guard, and values that belong to one process."""

from __future__ import annotations

import contextlib
import errno
import io
import mmap
import os
import sys
import weakref

import pytest

from flask_errwatch._fork import PerProcess, process_flag
from flask_errwatch._guard import Guard, warn
from flask_errwatch._text import described, one_line
from flask_errwatch.capture.identity import Process
from tests.foreign_values import Nameless
from tests.processes import in_a_child


class ClosedStream(io.StringIO):
    """A closed stderr."""

    def write(self, _text: str) -> int:
        """Fails."""
        raise OSError("closed")


def fail(text: str) -> None:
    raise LookupError(text)


def test_a_failure_is_counted_and_logged_once(capsys: pytest.CaptureFixture[str]) -> None:
    """Every failure is counted, and the first one is logged on one line."""
    guard = Guard()
    assert guard.run("a step", str.upper, "fine") == "FINE"
    assert guard.run("a step", fail, "one\nline \x1b[31m") is None
    assert guard.run("a step", fail, "two") is None
    assert guard.failures == 2
    assert guard.last_error == "a step: LookupError: two"
    message = "a step: LookupError: one?line ?[31m (logged once; counted in stats)"
    assert capsys.readouterr().err == f"flask-errwatch: {message}\n"


def test_a_type_that_hides_its_name() -> None:
    """The name is that of the class statement, whatever the metaclass returns."""

    class NamelessError(Exception, metaclass=Nameless):
        pass

    assert described(NamelessError()) == "NamelessError"


def test_an_interrupt_goes_through() -> None:
    """Only exceptions are swallowed, not what ends a process."""

    def stop() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Guard().run("a step", stop)


def test_a_block_can_be_guarded_repeatedly(capsys: pytest.CaptureFixture[str]) -> None:
    """Like a call: the failure is counted, logged once, and the code after it runs."""
    guard = Guard()
    step = guard.suppress("a step")
    done = []
    for text in ("one", "two"):
        with step:
            with step:
                done.append(text)
            fail(text)
    assert done == ["one", "two"]
    assert (guard.failures, guard.last_error) == (2, "a step: LookupError: two")
    assert capsys.readouterr().err.count("\n") == 1


class SystemLeftError(BaseException):
    """Not an `Exception`, whatever its `__class__`."""

    __class__ = property(lambda _self: Exception)


def test_what_is_swallowed_is_decided_by_type() -> None:
    """An exception that ends a process passes, also with the `__class__` of an Exception."""
    guard = Guard()
    with pytest.raises(SystemLeftError), guard.suppress("a step"):
        raise SystemLeftError
    assert guard.failures == 0


@pytest.mark.parametrize("stream", [None, ClosedStream()])
def test_a_closed_stderr(stream: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without stderr nothing fails."""
    monkeypatch.setattr(sys, "stderr", stream)
    guard = Guard()
    guard.run("a step", fail, "unheard")
    assert guard.failures == 1


def test_an_exception_that_cannot_be_shown() -> None:
    """The type is shown when the message cannot be."""

    class MuteError(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    assert described(MuteError()) == "MuteError: <its message cannot be shown>"
    assert described(LookupError()) == "LookupError"


def test_one_line_is_bounded() -> None:
    """A message is truncated."""
    assert one_line("x" * 700) == "x" * 600 + "…"


def test_a_value_per_process() -> None:
    """A process creates its value once, and its child creates another."""
    values: PerProcess[set[int]] = PerProcess(set)
    assert values.peek() is None
    first = values.get()
    assert values.get() is first
    assert values.peek() is first
    assert in_a_child(lambda: values.peek() is None and values.get() is not first)
    assert values.get() is first


def test_a_child_does_not_keep_its_parents_value() -> None:
    """The parent's value may be large: a child with its own drops it."""
    values: PerProcess[set[int]] = PerProcess(set)
    parents = weakref.ref(values.get())
    assert in_a_child(lambda: values.get() == set() and parents() is None)


@pytest.mark.parametrize("has_page", [True, False])
def test_a_fork_is_detected_without_python(
    has_page: bool,  # noqa: FBT001 - pytest gives it
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A server in C forks without Python's handlers, and not every system wipes pages."""
    if not has_page:
        monkeypatch.setattr("flask_errwatch._fork.mmap.mmap", _no_memory)
    here = process_flag()
    assert here[0] == 0
    here[0] = 1
    assert here[0] == 1
    assert in_a_child(lambda: here[0] == 0)
    assert here[0] == 1


def test_advice_that_is_ignored_is_detected(monkeypatch: pytest.MonkeyPatch) -> None:
    """An emulator accepts every `madvise`, also an invalid one, and follows none."""

    class Pretending(mmap.mmap):
        def madvise(self, *_: int) -> None:
            """Does nothing."""

    monkeypatch.setattr("flask_errwatch._fork.mmap.mmap", Pretending)
    here = process_flag()
    here[0] = 1
    assert in_a_child(lambda: here[0] == 0)
    assert here[0] == 1


def _no_memory(*_: object, **__: object) -> None:
    raise OSError(errno.ENOMEM, "Cannot allocate memory")


def test_two_processes_differ() -> None:
    """The token distinguishes processes that had the same id."""
    first, second = Process({}), Process({})
    assert first.fields["pid"] == second.fields["pid"] == os.getpid()
    assert first.fields["process"] != second.fields["process"]
    assert [first.next_seq(), first.next_seq(), second.next_seq()] == [1, 2, 1]


class RaisingStream(io.StringIO):
    """An object that the app put in the place of stderr."""

    def write(self, _text: str) -> int:
        """Fails in its own way."""
        raise RuntimeError("reentrant call")


def test_a_stderr_that_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the app's stream raises, a warning does not."""
    monkeypatch.setattr(sys, "stderr", RaisingStream())
    warn("unheard")


def test_a_stderr_that_nobody_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    """A warning is left out rather than wait for a reader, and nothing of it stays in a buffer."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(writing, b"x" * 4096)
    os.set_blocking(writing, True)
    with open(reading, "rb") as reader, open(writing, "w") as stream:  # noqa: PTH123 - descriptors
        monkeypatch.setattr(sys, "stderr", stream)
        warn("unheard")
        os.read(reader.fileno(), 1 << 20)
        warn("heard")
        assert os.read(reader.fileno(), 1 << 20) == b"flask-errwatch: heard\n"
