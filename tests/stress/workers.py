"""Cases about process models: every line arrives, whatever runs the app and however it ends."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.stress.harness import (
    PATIENCE,
    Child,
    Outcome,
    Stage,
    counted,
    gaps,
    paths,
    promises,
    stage,
)
from tests.stress.harness import wait_until as wait
from tests.stress.load import Load

UWSGI = Path(sys.executable).with_name("uwsgi")

_UWSGI_WORKERS = 2
#: `--lazy-apps` loads the app in each worker: signal handlers of the import belong to a process.
_UWSGI = (
    *("--http-socket", "127.0.0.1:0", "--master", "--need-app"),
    *("--processes", str(_UWSGI_WORKERS)),
    *("--die-on-term", "--lazy-apps", "--module", "tests.stress.stressed:app"),
    *("--virtualenv", sys.prefix),
)


def start(on: Stage, model: str, workers: int = 2) -> Child:
    """Starts a server of the process model, with that many workers if it has workers."""
    if model.startswith("uwsgi"):
        threads = ("--enable-threads", "--threads", "4") if model == "uwsgi+threads" else ()
        server = on.start(str(UWSGI), *_UWSGI, *threads)
        # uWSGI loses a signal that comes while a worker loads the app, and then never ends.
        wait(lambda: server.output.count("WSGI app 0 (mountpoint='') ready") == _UWSGI_WORKERS)
        return server
    if model == "reloader":
        (on.folder / "touched").touch()
        return on.start(
            *(
                sys.executable,
                "-m",
                "flask",
                "--app",
                "tests.stress.stressed",
                "run",
                "--port",
                "0",
            ),
            *("--reload", "--no-debugger", "--extra-files", str(on.folder / "touched")),
        )
    worker, _, option = model.partition(" ")
    if option == "max-requests":
        return on.gunicorn(worker, "-w", workers, "--max-requests", 40)
    return on.gunicorn(worker, "-w", workers, preload=option == "preload")


def served(model: str, *, requests: int = 300, workers: int = 2) -> Outcome:
    """Requests, then SIGTERM at once: every line arrives once before the server has ended.

    Lines of uWSGI's workers arrive from the next process at the latest, since uWSGI does not always
    let Python end.
    """
    with stage() as on:
        server = start(on, model, workers)
        load = Load(server.port(), "/r", count=requests).start().wait()
        seconds = server.end()
        if model.startswith("uwsgi"):
            on.drain()
        lines = on.arrived()
        count = counted(load.answered, paths(lines))
        return Outcome(
            case=f"{requests} requests and SIGTERM, {model}",
            figures={
                **count.figures,
                "failed requests": len(load.failed),
                "seconds to end": round(seconds, 2),
            },
            broken=promises(
                every_line_arrives=not count.missing,
                none_arrives_twice=not count.duplicates,
                no_gap_in_seq=not gaps(lines),
                every_limit_is_kept=not on.fake.refusals,
            ),
        )


def killed(*, requests: int = 300, model: str = "gthread") -> Outcome:
    """`kill -9` of all in the middle, then a restart: no line of an answered request is lost."""
    with stage() as on:
        server = start(on, model)
        load = Load(server.port(), "/r", count=requests, rate=500).start()
        wait(lambda: len(load.answered) > requests // 2)
        server.kill()
        again = on.gunicorn(model, port=server.port())
        load.wait()
        wait(lambda: not counted(load.answered, paths(on.arrived())).missing)
        again.end()
        count = counted(load.answered, paths(on.arrived()))
        return Outcome(
            case=f"kill -9 in the middle of {requests} requests, {model}",
            figures={**count.figures, "unanswered": len(load.failed)},
            broken=promises(every_answered_line_arrives=not count.missing),
        )


def noisy(model: str, *, seconds: float = 3) -> Outcome:
    """A signal handler at 50/s and finalizers report: nothing deadlocks, and nothing is lost."""
    with stage() as on:
        notes = on.folder / "notes.txt"
        on.extra["STRESS_NOISE"] = str(notes)
        if model == "script":
            server = on.python("tests.stress.burst", "--lines", int(seconds * 300), "--rate", 300)
            answered = {f"/r/stress/{number:07d}" for number in range(int(seconds * 300))}
            took = server.ended(seconds + PATIENCE)
            failed = 0
        else:
            server = start(on, model)
            load = Load(server.port(), "/r", rate=300).start()
            wait(lambda: False, seconds)
            load.stop()
            answered, failed = set(load.answered), len(load.failed)
            took = server.end()
        on.drain()
        lines = on.arrived()
        noted = set(notes.read_text().split())
        noise = counted(noted, [line["id"] for line in lines if line["event"] == "Noise"])
        count = counted(answered, paths(lines))
        sources = [line["data"]["source"] for line in lines if line["event"] == "Noise"]
        return Outcome(
            case=f"signal handler and finalizers report for {seconds} s, {model}",
            figures={
                **count.figures,
                "failed requests": failed,
                "from signals": sources.count("signal"),
                "from finalizers": sources.count("finalizer"),
                "reports lost": len(noise.missing),
                "seconds to end": round(took, 2),
            },
            broken=promises(
                every_request_is_answered=not failed,
                every_line_arrives=not count.missing,
                every_report_arrives=not noise.missing,
                both_kinds_of_noise_were_made={"signal", "finalizer"} == set(sources),
                no_gap_in_seq=not gaps(lines),
            ),
        )


def reloaded(*, requests: int = 100) -> Outcome:
    """Flask's reloader replaces the process between requests: no line is lost."""
    with stage() as on:
        server = start(on, "reloader")
        first = Load(server.port(), "/r/1", count=requests).start().wait()
        before = server.output.count("Restarting with")
        (on.folder / "touched").write_text("now")
        wait(lambda: server.output.count("Restarting with") > before)
        second = Load(server.port(), "/r/2", count=requests).start().wait()
        server.end()
        on.drain()
        answered = {*first.answered, *second.answered}
        count = counted(answered, paths(on.arrived()))
        return Outcome(
            case=f"Flask's reloader, {2 * requests} requests",
            figures={**count.figures, "failed requests": len(first.failed + second.failed)},
            broken=promises(every_line_arrives=not count.missing),
        )


def script(way: str, *, lines: int = 50) -> Outcome:
    """A script ends in some way: its lines arrive from it or from the next process."""
    with stage() as on:
        child = on.python("tests.stress.burst", "--lines", lines, "--way", way)
        seconds = child.ended()
        at_exit = len(paths(on.arrived()))
        on.drain()
        expected = _expected(way, lines)
        count = counted(expected, paths(on.arrived()))
        return Outcome(
            case=f"bare script, {way}",
            figures={**count.figures, "arrived by its end": at_exit, "seconds": round(seconds, 2)},
            broken=promises(
                every_line_arrives=not count.missing,
                none_arrives_twice=not count.duplicates,
            ),
        )


def _expected(way: str, lines: int) -> list[str]:
    parts = {
        "fork": ("/before", "/0", "/1", "/meanwhile", "/after"),
        "spawn": ("/before", "/0", "/1", "/meanwhile", "/after"),
        "dictConfig": ("/before", "/after"),
        "shutdown": ("/before", "/after"),
    }.get(way, ("",))
    return [f"/r/stress{part}/{number:07d}" for part in parts for number in range(lines)]
