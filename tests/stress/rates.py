"""Cases about age and speed: old lines, backlogs, and what handing a line over costs."""

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

#: Characters that hold a line's path; a million whole lines would fill the memory.
_KEPT = 80


def old(hours: int, *, lines: int = 1001) -> Outcome:
    """One old line among many: it spoils none of the others."""
    too_old = hours > 14 * 24
    with stage() as on:
        child = on.python("tests.stress.direct", "old", lines, hours)
        child.ended()
        on.drain()
        every = on.arrived()
        expected = [f"/r/{n:07d}" for n in range(lines) if not (too_old and n == lines // 2)]
        count = counted(expected, paths(every))
        told = [line["data"] for line in every if line["event"] == "Lines Dropped"]
        return Outcome(
            case=f"one line {hours} h old among {lines}",
            figures={
                **count.figures,
                "told": [(data["count"], data["reason"]) for data in told],
            },
            broken=promises(
                the_others_arrive=not count.missing,
                none_arrives_twice=not count.duplicates,
                the_refused_one_is_counted=[data["count"] for data in told] == [1] * too_old,
                the_refused_one_is_named=not too_old or f"/r/{lines // 2:07d}" in child.output,
                every_limit_is_kept=not on.fake.refusals,
            ),
        )


def backlog(*, lines: int = 20_000) -> Outcome:
    """A backlog, against watchtower alone fed flat out: rate and memory of both."""
    theirs, their_memory = _alone(lines)
    with stage(_KEPT, JOURNAL_MAX_BYTES=2**31) as on:
        on.fake.switch("refuse")
        child = on.python("tests.stress.direct", "backlog", lines)
        child.says("served", 300)
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
        child.says("began")
        memory = Memory(child)
        child.says("served", 300)
        _until_quiet(on, lines + 1)  # one made the stream
        growth = memory.growth()
        began = float(child.output.split("began ")[1].split()[0])
        return lines / (on.fake.lines(lines)[-1].at - began), growth


def _until_quiet(on: Stage, lines: int) -> None:
    """Waits until all is there, and is not impatient while some of it comes."""
    before = -1
    while before < on.fake.count() < lines:
        before = on.fake.count()
        on.fake.wait_for(lines, PATIENCE)


def _rate(on: Stage) -> float:
    """Lines a second, from the first batch to the last; the first one is not counted."""
    every = on.fake.lines()
    first, last = every[0].at, every[-1].at
    later = sum(line.at > first for line in every)
    return later / (last - first) if last > first else 0.0


def _paths(on: Stage) -> list[str]:
    return [line.message.split('"path":"')[1][:10] for line in on.fake.lines()]


def _numbered(lines: int) -> list[str]:
    return [f"/r/{number:07d}" for number in range(lines)]


def cost(*, rounds: int = 5, lines: int = 500, pause_us: int = 1000) -> Outcome:
    """What handing a rendered line over costs the request, against watchtower's own `emit`."""
    with stage(_KEPT, JOURNAL_MAX_BYTES=2**31) as on:
        child = on.python("tests.stress.direct", "cost", rounds, lines, pause_us)
        child.says("cost ", 300)
        ratio, ours, theirs = map(float, child.output.split("cost ")[1].split()[:3])
        return Outcome(
            case=f"handing a line over, {lines} with {pause_us} µs between",
            figures={"µs": ours, "µs of watchtower's emit": theirs, "ratio": ratio},
        )
