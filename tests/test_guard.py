"""The guard and what belongs to one process."""

from __future__ import annotations

import errno
import io
import mmap
import os
import sys
import weakref

import pytest

from flask_errwatch._fork import PerProcess, mark
from flask_errwatch._guard import Guard
from flask_errwatch._text import described, one_line
from flask_errwatch.capture.identity import Process
from tests.foreign_values import Nameless
from tests.processes import in_a_child


class ClosedStream(io.StringIO):
    """A stderr that is gone."""

    def write(self, _text: str) -> int:
        """Fails."""
        raise OSError("closed")


def fail(text: str) -> None:
    raise LookupError(text)


def test_a_failure_is_counted_and_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    """Every failure counts; the operator is told once, on one line, until it is over."""
    guard = Guard()
    assert guard.run("a step", str.upper, "fine") == "FINE"
    assert guard.run("a step", fail, "one\nline \x1b[31m") is None
    assert guard.run("a step", fail, "two") is None
    assert guard.failures == 2
    assert guard.last_error == "a step: LookupError: two"
    told = "a step: LookupError: one?line ?[31m (told once; counted in stats)"
    assert capsys.readouterr().err == f"flask-errwatch: {told}\n"
    guard.forget("a step")
    guard.run("a step", fail, "three")
    assert "three" in capsys.readouterr().err


def test_a_type_that_hides_its_name() -> None:
    """The name is what the class statement says, whatever the metaclass does."""

    class NamelessError(Exception, metaclass=Nameless):
        pass

    assert described(NamelessError()) == "NamelessError"


def test_an_interrupt_goes_through() -> None:
    """Only exceptions are kept away, not what ends a process."""

    def stop() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Guard().run("a step", stop)


def test_a_block_is_guarded_again_and_again(capsys: pytest.CaptureFixture[str]) -> None:
    """Like a call: counted, told once, and left; what follows it runs."""
    guard = Guard()
    step = guard.over("a step")
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
    """No `Exception`, whatever it says."""

    __class__ = property(lambda _self: Exception)


def test_what_is_kept_away_is_known_by_its_type() -> None:
    """What ends a process goes through, also where it claims to be an exception."""
    guard = Guard()
    with pytest.raises(SystemLeftError), guard.over("a step"):
        raise SystemLeftError
    assert guard.failures == 0


@pytest.mark.parametrize("stream", [None, ClosedStream()])
def test_a_stderr_that_is_gone(stream: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing can be told, nothing fails."""
    monkeypatch.setattr(sys, "stderr", stream)
    guard = Guard()
    guard.run("a step", fail, "unheard")
    assert guard.failures == 1


def test_an_exception_that_cannot_be_shown() -> None:
    """The type tells, when the message cannot."""

    class MuteError(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    assert described(MuteError()) == "MuteError: <its message cannot be shown>"
    assert described(LookupError()) == "LookupError"


def test_one_line_is_bounded() -> None:
    """What is told has an end."""
    assert one_line("x" * 700) == "x" * 600 + "…"


def test_a_value_per_process() -> None:
    """A process makes its value once, and its child another one."""
    made: PerProcess[set[int]] = PerProcess(set)
    assert made.peek() is None
    first = made.get()
    assert made.get() is first
    assert made.peek() is first
    assert in_a_child(lambda: made.peek() is None and made.get() is not first)
    assert made.get() is first


def test_a_child_does_not_keep_what_its_parent_made() -> None:
    """The parent's value may be large: a child that has its own lets go of it."""
    made: PerProcess[set[int]] = PerProcess(set)
    parents = weakref.ref(made.get())
    assert in_a_child(lambda: made.get() == set() and parents() is None)


@pytest.mark.parametrize("has_page", [True, False])
def test_a_fork_is_noticed_without_python(
    has_page: bool,  # noqa: FBT001 - pytest gives it
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A server written in C forks without Python's handlers, and not every system wipes pages."""
    if not has_page:
        monkeypatch.setattr("flask_errwatch._fork.mmap.mmap", _no_memory)
    here = mark()
    assert here[0] == 0
    here[0] = 1
    assert here[0] == 1
    assert in_a_child(lambda: here[0] == 0)
    assert here[0] == 1


def test_advice_that_is_only_pretended_is_not_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    """An emulator takes every `madvise` and follows none; it takes nonsense too, which tells."""

    class Pretending(mmap.mmap):
        def madvise(self, *_: int) -> None:
            """Does nothing."""

    monkeypatch.setattr("flask_errwatch._fork.mmap.mmap", Pretending)
    here = mark()
    here[0] = 1
    assert in_a_child(lambda: here[0] == 0)
    assert here[0] == 1


def _no_memory(*_: object, **__: object) -> None:
    raise OSError(errno.ENOMEM, "Cannot allocate memory")


def test_two_processes_differ() -> None:
    """The token tells processes apart that had the same id."""
    one, two = Process({}), Process({})
    assert one.fields["pid"] == two.fields["pid"] == os.getpid()
    assert one.fields["process"] != two.fields["process"]
    assert [one.number(), one.number(), two.number()] == [1, 2, 1]
