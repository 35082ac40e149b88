"""Cases about faults of AWS: no line is lost and no request waits, however long they last."""

from __future__ import annotations

import time
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from tests.fake_logs import Mode
from tests.stress.harness import (
    Memory,
    Outcome,
    Stage,
    counted,
    gaps,
    paths,
    promises,
    stage,
    wait_until,
)
from tests.stress.load import Load

KINDS: tuple[Mode, ...] = ("500", "throttle", "hang", "refuse", "deny", "expired", "lost-reply")
#: MiB that a worker may grow by, however long the outage is.
_GROWTH = 20
#: Seconds after which all waiting lines must be delivered.
_CAUGHT_UP = 30
#: The bound of the journal in the case about it: the smallest one that is allowed.
_BOUND = 1_048_576


@dataclass(frozen=True, kw_only=True, slots=True)
class Flow:
    """How lines flow in a case about outages.

    Attributes:
        before: Seconds before the outage.
        outage: Seconds of outage.
        after: Seconds after it.
        rate: Lines a second.
        workers: Processes of the server.
    """

    before: float
    outage: float
    after: float
    rate: float
    workers: int


SHORT = Flow(before=0.5, outage=2, after=1, rate=50, workers=1)
LONG = Flow(before=10, outage=120, after=30, rate=200, workers=2)


def outage(kind: Mode, flow: Flow = SHORT) -> Outcome:
    """An outage: nothing is lost, memory stays flat, and the lines arrive in time after it."""
    with stage() as on:
        return _outage(on, kind, flow, f"outage of {flow.outage:g} s, {kind}")


def outages(flow: Flow = SHORT) -> list[Outcome]:
    """An outage of every kind, side by side."""
    with ThreadPoolExecutor(len(KINDS)) as pool:
        return list(pool.map(lambda kind: outage(kind, flow), KINDS))


def paired(kind: Mode, flow: Flow = LONG, rounds: int = 3) -> list[Outcome]:
    """Outages and controls without one, in turn: how much slower requests are."""
    outcomes, ratios = [], []
    for _ in range(rounds):
        control = outage("ok", flow)
        measured = outage(kind, flow)
        ratios.append(_number(measured, "p99 ms") / _number(control, "p99 ms"))
        outcomes += [control, measured]
    median = sorted(ratios)[len(ratios) // 2]
    return [
        *outcomes,
        Outcome(
            case=f"p99 against a control, {kind}",
            figures={"ratio": round(median, 2), "rounds": [round(ratio, 2) for ratio in ratios]},
            late=promises(p99_is_at_most_1_2_times_the_control=median <= 1.2),
        ),
    ]


def _number(outcome: Outcome, name: str) -> float:
    value = outcome.figures[name]
    assert isinstance(value, float)
    return value


def _outage(on: Stage, kind: Mode, flow: Flow, case: str) -> Outcome:
    server = on.gunicorn("gthread", "-w", flow.workers)
    port = server.port()
    warm = Load(port, "/r/warm", rate=300, threads=16).start()
    time.sleep(flow.before)
    # First each worker imports what it needs to send, which is not growth by the outage.
    wait_until(lambda: len({line.stream for line in on.fake.lines()}) == flow.workers)
    warm.stop()
    memory = Memory(server)
    on.fake.switch(kind)
    load = Load(port, "/r/load", rate=flow.rate, threads=16).start()
    time.sleep(flow.outage)
    on.fake.switch("ok")
    until = time.time()
    waiting = set(load.answered)
    time.sleep(flow.after)
    load.stop()
    answered = {*warm.answered, *load.answered}
    wait_until(lambda: not counted(answered, paths(on.arrived())).missing)
    growth = memory.growth()
    ended = server.end()
    lines = on.arrived()
    count = counted(answered, paths(lines))
    caught_up = max(0.0, _last(on, waiting) - until)
    return Outcome(
        case=case,
        figures={
            **count.figures,
            "failed requests": len(load.failed + warm.failed),
            "MiB grown": growth,
            "seconds to catch up": round(caught_up, 1),
            "p50 ms": round(load.percentile(0.5), 2),
            "p99 ms": round(load.percentile(0.99), 2),
            "seconds to end": round(ended, 2),
        },
        broken=promises(
            every_request_is_answered=not load.failed + warm.failed,
            every_line_arrives=not count.missing,
            only_a_lost_reply_makes_twins=not count.duplicates or kind in {"lost-reply", "hang"},
            memory_stays_flat=growth < _GROWTH,
            no_gap_in_seq=not gaps(lines),
            every_limit_is_kept=not on.fake.refusals,
        ),
        late=promises(it_catches_up_in_30_s=caught_up < _CAUGHT_UP),
    )


def _last(on: Stage, waiting: set[str]) -> float:
    """When the last of the lines arrived for the first time."""
    first: dict[str, float] = {}
    for line, parsed in zip(on.fake.lines(), on.arrived(), strict=False):
        first.setdefault(parsed.get("path", ""), line.at)
    return max((at for path, at in first.items() if path in waiting), default=0.0)


def deleted(*, rate: float = 200, seconds: float = 3) -> Outcome:
    """The streams and then the group are deleted while lines flow."""
    with stage() as on:
        server = on.gunicorn("gthread")
        load = Load(server.port(), "/r", rate=rate).start()
        time.sleep(seconds / 3)
        on.fake.delete_streams()
        time.sleep(seconds / 3)
        on.fake.delete_group("stress")
        time.sleep(seconds / 3)
        load.stop()
        server.end()
        count = counted(load.answered, paths(on.arrived()))
        return Outcome(
            case="streams and group deleted while lines flow",
            figures=count.figures,
            broken=promises(
                every_line_arrives=not count.missing, none_arrives_twice=not count.duplicates
            ),
        )


def slow_stream(*, creation: float = 1.5, seconds: float = 3, rate: float = 200) -> Outcome:
    """Creating the stream takes long while lines flow."""
    with stage() as on:
        on.fake.slow_streams(creation)
        server = on.gunicorn("gthread")
        load = Load(server.port(), "/r", rate=rate).start()
        time.sleep(seconds)
        load.stop()
        wait_until(lambda: not counted(load.answered, paths(on.arrived())).missing)
        server.end()
        count = counted(load.answered, paths(on.arrived()))
        return Outcome(
            case=f"creation of a stream takes {creation:g} s, {rate:g} lines/s",
            figures=count.figures,
            broken=promises(
                every_line_arrives=not count.missing, none_arrives_twice=not count.duplicates
            ),
        )


def ended(kind: Mode, *, lines: int = 100, timeout: float = 2) -> Outcome:
    """Exit of three apps in an outage: in time, with the lines in the journal for the next."""
    apps = ("one", "two", "three")
    with stage(SHUTDOWN_TIMEOUT=timeout) as on:
        on.fake.switch(kind)
        child = on.python(
            *("tests.stress.burst", "--apps", ",".join(apps), "--lines", lines, "--hold")
        )
        child.wait_for("served")
        time.sleep(1)  # time to try and fail
        child.resume()
        seconds = child.ended()
        segments = len(on.journals())
        on.fake.switch("ok")
        on.drain(*apps)
        expected = [f"/r/{app}/{number:07d}" for app in apps for number in range(lines)]
        count = counted(expected, paths(on.arrived()))
        return Outcome(
            case=f"exit of three apps in an outage, {kind}",
            figures={**count.figures, "seconds to end": round(seconds, 2), "segments": segments},
            broken=promises(
                lines_are_in_the_journal=segments >= len(apps),
                every_line_arrives=not count.missing,
            ),
            late=promises(gone_in_time=seconds < timeout + 1),
        )


def all_ended(kinds: tuple[Mode, ...] = ("500", "hang", "refuse")) -> list[Outcome]:
    """Exits in several kinds of outages, side by side."""
    with ThreadPoolExecutor(len(kinds)) as pool:
        return list(pool.map(ended, kinds))


def terminated(kind: Mode, *, lines: int = 100, timeout: float = 2) -> Outcome:
    """SIGTERM of gunicorn in an outage: it ends in time, and nothing is lost."""
    with stage(SHUTDOWN_TIMEOUT=timeout) as on:
        server = on.gunicorn("gthread")
        port = server.port()
        on.fake.switch(kind)
        load = Load(port, "/r", count=lines, rate=lines).start().wait()
        seconds = server.end()
        on.fake.switch("ok")
        on.drain()
        count = counted(load.answered, paths(on.arrived()))
        return Outcome(
            case=f"SIGTERM of gunicorn in an outage, {kind}",
            figures={**count.figures, "seconds to end": round(seconds, 2)},
            broken=promises(every_line_arrives=not count.missing),
            late=promises(gone_in_time=seconds < timeout + 1),
        )


def bounded(*, flood: int = 1900, lines: int = 800, processes: int = 1) -> Outcome:
    """An outage past the journal's bound: the oldest lines are lost, counted and reported."""
    with stage(JOURNAL_MAX_BYTES=_BOUND) as on:
        on.fake.switch("deny")
        children = [
            on.python(
                *("tests.stress.burst", "--flood", flood // processes, "--lines", lines),
                *("--rate", 300 / processes, "--prefix", f"/r/{index}", "--hold"),
            )
            for index in range(processes)
        ]
        for child in children:
            child.wait_for("served")
        size = sum(path.stat().st_size for path in on.journals())
        on.fake.switch("ok")
        expected = [
            f"/r/{index}/stress/{part}{number:07d}"
            for index in range(processes)
            for part, many in (("flood/", flood // processes), ("", lines))
            for number in range(many)
        ]
        wait_until(lambda: _reported(on) + len(set(paths(on.arrived()))) >= len(expected))
        for child in children:
            child.resume()
            child.ended()
        on.drain()
        arrived = paths(on.arrived())
        count = counted(expected, arrived)
        return Outcome(
            case=f"outage past the bound, {processes} processes",
            figures={
                **count.figures,
                "reported": _reported(on),
                "MiB on disk": round(size / 2**20, 2),
            },
            broken=promises(
                some_were_lost=bool(count.missing),
                they_are_counted_exactly=len(count.missing) == _reported(on),
                none_arrives_twice=not count.duplicates,
                the_oldest_go=all(
                    _is_beginning(count.missing, f"/r/{index}/stress/")
                    for index in range(processes)
                ),
                the_bound_holds=size <= _BOUND,
            ),
        )


def _is_beginning(missing: Collection[str], prefix: str) -> bool:
    """Whether the missing lines of the steady part, after the flood, are its first ones."""
    numbers = sorted(
        int(path.removeprefix(prefix))
        for path in missing
        if path.startswith(prefix) and "/flood/" not in path
    )
    return numbers == [*range(len(numbers))]


def _reported(on: Stage) -> int:
    return sum(
        int(line["data"]["count"]) for line in on.arrived() if line["event"] == "Lines Dropped"
    )
