"""Cases about old lines, backlogs, and the cost of handing a line over."""

from __future__ import annotations

from tests.stress.harness import (
    PATIENCE,
    Memory,
    Outcome,
    Stage,
    counted,
    paths,
    promises,
    stage,
)

#: The first characters of a line, with its path: a million whole lines would fill the memory.
_KEPT = 80


def old(hours: int, *, lines: int = 1001) -> Outcome:
    """One old line among many does not affect the others."""
    too_old = hours > 14 * 24
    with stage() as on:
        child = on.python("tests.stress.direct", "old", lines, hours)
        child.ended()
        on.drain()
        every = on.arrived()
        expected = [f"/r/{n:07d}" for n in range(lines) if not (too_old and n == lines // 2)]
        count = counted(expected, paths(every))
        reports = [line["data"] for line in every if line["event"] == "Lines Dropped"]
        return Outcome(
            case=f"one line {hours} h old among {lines}",
            figures={
                **count.figures,
                "reported": [(data["count"], data["reason"]) for data in reports],
            },
            broken=promises(
                the_others_arrive=not count.missing,
                none_arrives_twice=not count.duplicates,
                the_refused_one_is_counted=[data["count"] for data in reports] == [1] * too_old,
                the_refused_one_is_named=not too_old or f"/r/{lines // 2:07d}" in child.output,
                every_limit_is_kept=not on.fake.refusals,
            ),
        )


def backlog(*, lines: int = 20_000) -> Outcome:
    """A backlog, compared with watchtower alone at its full rate: rate and memory of both."""
    theirs, their_memory = _alone(lines)
    with stage(_KEPT, JOURNAL_MAX_BYTES=2**31) as on:
        on.fake.switch("refuse")
        child = on.python("tests.stress.direct", "backlog", lines)
        child.wait_for("served", 300)
        memory = Memory(child)
        on.fake.switch("ok")
        _until_quiet(on, lines)
        growth = memory.growth()
        ours = _rate(on)
        count = counted(_numbered(lines), _paths(on))
        return Outcome(
            case=f"a backlog of {lines:,} lines",
            figures={
                **count.figures,
                "lines/s": round(ours),
                "watchtower alone": round(theirs),
                "ratio": round(ours / theirs, 2),
                "MiB grown": growth,
                "watchtower's MiB": their_memory,
            },
            broken=promises(
                every_line_arrives=not count.missing,
                none_arrives_twice=not count.duplicates,
                memory_is_bounded=growth < 64,
                every_limit_is_kept=not on.fake.refusals,
            ),
        )


def _alone(lines: int) -> tuple[float, float]:
    with stage(_KEPT) as on:
        child = on.python("tests.stress.direct", "watchtower", lines)
        child.wait_for("began")
        memory = Memory(child)
        child.wait_for("served", 300)
        _until_quiet(on, lines + 1)  # the first created the stream
        growth = memory.growth()
        began = float(child.output.split("began ")[1].split()[0])
        return lines / (on.fake.lines(lines)[-1].at - began), growth


def _until_quiet(on: Stage, lines: int) -> None:
    """Waits until all lines have arrived, or none has for some time."""
    before = -1
    while before < on.fake.count() < lines:
        before = on.fake.count()
        on.fake.wait_for(lines, PATIENCE)


def _rate(on: Stage) -> float:
    """Lines a second from the first batch to the last, without those of the first."""
    every = on.fake.lines()
    first, last = every[0].at, every[-1].at
    later = sum(line.at > first for line in every)
    return later / (last - first) if last > first else 0.0


def _paths(on: Stage) -> list[str]:
    return [line.message.split('"path":"')[1][:10] for line in on.fake.lines()]


def _numbered(lines: int) -> list[str]:
    return [f"/r/{number:07d}" for number in range(lines)]


def cost(*, rounds: int = 5, lines: int = 500, pause_us: int = 1000) -> Outcome:
    """What handing a rendered line over costs a request, compared with watchtower's `emit`."""
    with stage(_KEPT, JOURNAL_MAX_BYTES=2**31) as on:
        child = on.python("tests.stress.direct", "cost", rounds, lines, pause_us)
        child.wait_for("cost ", 300)
        ratio, ours, theirs = map(float, child.output.split("cost ")[1].split()[:3])
        return Outcome(
            case=f"handing a line over, {lines} with {pause_us} µs between",
            figures={"µs": ours, "µs of watchtower's emit": theirs, "ratio": ratio},
        )
