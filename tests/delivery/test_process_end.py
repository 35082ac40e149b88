"""Lines are sent at the end of a process, in each way in which a process may end or be forked."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.delivery.scripts import content, events, run
from tests.fake_logs import FakeLogs

#: Ends the parent without running any code, so that nothing but the child itself can send.
_AND_NOTHING_ELSE = "\n    os._exit(0)\n"

CHILDREN = {
    "multiprocessing, forked": """
    child = multiprocessing.get_context("fork").Process(target=report)
    child.start()
    child.join()""",
    "multiprocessing, forked beside a shipper": """
    serve_a_request()
    child = multiprocessing.get_context("fork").Process(target=report)
    child.start()
    child.join()""",
    "multiprocessing, spawned": """
    child = multiprocessing.get_context("spawn").Process(target=report)
    child.start()
    child.join()""",
    "multiprocessing, of a fork server": """
    child = multiprocessing.get_context("forkserver").Process(target=report)
    child.start()
    child.join()""",
    "a pool that is terminated": """
    with multiprocessing.get_context("fork").Pool(1) as pool:
        pool.map(report, [1])
    pool.join()""",
    "an executor": """
    from concurrent.futures import ProcessPoolExecutor
    with ProcessPoolExecutor(1, multiprocessing.get_context("fork")) as executor:
        executor.submit(report).result()""",
    "billiard": """
    import billiard
    child = billiard.Process(target=report)
    child.start()
    child.join()""",
    "os.fork and sys.exit": """
    if os.fork() == 0:
        report()
        sys.exit()
    os.wait()""",
    "os.fork and sys.exit, beside a shipper": """
    serve_a_request()
    if os.fork() == 0:
        report()
        sys.exit()
    os.wait()""",
    "os.fork and os._exit after a job": """
    if os.fork() == 0:
        job()
        os._exit(0)
    os.wait()""",
    "a pool of billiard, after a job": """
    import billiard
    pool = billiard.Pool(1)
    pool.map(job, [1])
    os.kill(pool._pool[0].pid, signal.SIGKILL)""",
}


@pytest.fixture
def fake() -> Iterator[FakeLogs]:
    """An endpoint that works until a test switches it."""
    with FakeLogs() as running:
        yield running


@pytest.mark.parametrize("kind", CHILDREN)
def test_a_child_sends_its_lines(kind: str, fake: FakeLogs, tmp_path: Path) -> None:
    """Whatever its parent does: a child that reports and ends has sent its line by then."""
    code = f"if __name__ == '__main__':{CHILDREN[kind]}{_AND_NOTHING_ELSE}"
    done = run(code, fake, tmp_path)
    assert (done.returncode, events(fake)[-1:]) == (0, ["Critical Error"])


def test_a_parent_sends_what_its_children_left(fake: FakeLogs, tmp_path: Path) -> None:
    """A child that ends itself leaves its line. Its parent, which ends next, sends it."""
    code = """
serve_a_request()
if os.fork() == 0:
    report()
    os._exit(0)
os.wait()
"""
    done = run(code, fake, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    # Nobody can tell whether such a child died.
    assert sorted(events(fake)) == ["Critical Error", "Not Found Error", "Process Died"]


def test_a_parent_that_goes_on_sends_what_its_children_left(fake: FakeLogs, tmp_path: Path) -> None:
    """It does so within seconds, without another line of its own."""
    code = """
serve_a_request()
if os.fork() == 0:
    report()
    os._exit(0)
os.wait()
limit = time.monotonic() + 50
while errwatch.stats(app).delivered < 2 and time.monotonic() < limit:
    time.sleep(0.05)
os._exit(0)
"""
    assert run(code, fake, tmp_path).returncode == 0
    assert sorted({*events(fake)} - {"Process Died"}) == ["Critical Error", "Not Found Error"]


def test_a_failed_job_does_not_wait_in_a_request_or_an_event_loop(
    fake: FakeLogs, tmp_path: Path
) -> None:
    """Nor in an outage that is known, nor in a process that is no fork."""
    fake.switch("hang")
    code = """
import asyncio
signal.alarm(40)  # less than the shutdown timeout, for which a job would wait

async def in_a_loop():
    job()

job()
child = os.fork()
if child == 0:
    signal.alarm(40)
    asyncio.run(in_a_loop())
    with app.test_request_context():
        job()
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
os._exit(0)
"""
    assert run(code, fake, tmp_path).returncode == 0


def test_a_failed_job_does_not_wait_in_a_known_outage(fake: FakeLogs, tmp_path: Path) -> None:
    """Only the first failures of a fork wait for an endpoint that does not work."""
    fake.switch("500")
    code = """
if os.fork() == 0:
    report()
    errwatch.flush(5)  # fails at least twice
    signal.alarm(40)
    job()
    os._exit(0)
sys.exit(os.waitstatus_to_exitcode(os.wait()[1]))
"""
    done = run(code, fake, tmp_path)
    assert (done.returncode, "lines wait in the journal" in done.stderr) == (0, True)


def test_a_process_is_not_watched_for_modules_that_it_does_not_use(
    fake: FakeLogs, tmp_path: Path
) -> None:
    """Neither billiard nor Celery is imported to find out how a process ends."""
    code = """
report()
print([name for name in sys.modules if name.split(".")[0] in ("billiard", "celery")])
"""
    done = run(code, fake, tmp_path)
    assert (done.stdout, done.stderr) == ("[]\n", "")


#: A module in the way of the import of watchtower, which does not end until it is told to.
_SLOW = """
import builtins, time
builtins.reached.set()
time.sleep(3600)
"""


def test_a_fork_in_the_middle_of_an_import_does_no_harm(fake: FakeLogs, tmp_path: Path) -> None:
    """The fork does not wait for the import, and its child can import the module and deliver."""
    (tmp_path / "slow").mkdir()
    (tmp_path / "slow" / "watchtower.py").write_text(_SLOW, encoding="utf-8")
    code = f"""
import builtins
builtins.reached = threading.Event()
sys.path.insert(0, {str(tmp_path / "slow")!r})
signal.alarm(50)
report()
assert builtins.reached.wait(40)
child = os.fork()
if child == 0:
    signal.alarm(50)
    del sys.path[0]
    import watchtower, boto3
    report()
    os._exit(0 if errwatch.flush(40) else 1)
_, status = os.waitpid(child, 0)
os._exit(os.waitstatus_to_exitcode(status))
"""
    done = run(code, fake, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert events(fake) == ["Critical Error"]


def test_a_fork_does_not_wait_for_credentials(fake: FakeLogs, tmp_path: Path) -> None:
    """A process forks while its shipper looks up credentials, here in a program that waits."""
    program = tmp_path / "credentials.py"
    program.write_text(
        "import json, pathlib, sys, time\n"
        "pathlib.Path(sys.argv[1], 'begun').touch()\n"
        "while not pathlib.Path(sys.argv[1], 'forked').exists():\n"
        "    time.sleep(0.02)\n"
        "print(json.dumps(dict(Version=1, AccessKeyId='testing', SecretAccessKey='testing')))\n",
        encoding="utf-8",
    )
    config = tmp_path / "config"
    command = f"{sys.executable} {program} {tmp_path}"
    config.write_text(f"[default]\ncredential_process = {command}\n", encoding="utf-8")
    code = f"""
from pathlib import Path
signal.alarm(50)
for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
    del os.environ[name]
report()
while not Path({str(tmp_path / "begun")!r}).exists():
    time.sleep(0.02)
child = os.fork()
if child == 0:
    os._exit(0)
os.waitpid(child, 0)
Path({str(tmp_path / "forked")!r}).touch()
"""
    done = run(code, fake, tmp_path, AWS_CONFIG_FILE=str(config))
    assert (done.returncode, done.stderr, events(fake)) == (0, "", ["Critical Error"])


def test_a_fork_under_gevent_does_not_send_its_parents_lines(
    fake: FakeLogs, tmp_path: Path
) -> None:
    """Gevent continues the greenlets of the parent in a child: each line is still sent once.

    When the child ends, they print no error.
    """
    code = """
from gevent import monkey
monkey.patch_all()
import gevent
for number in range(5):
    report()
if os.fork() == 0:
    report()
    gevent.sleep(4)  # the parent's shipper would have sent them by now
    sys.exit(0)
os.wait()
assert errwatch.flush(50, app=app)
"""
    done = run(code, fake, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    arrived = [content(line.message) for line in fake.lines()]
    assert len(arrived) == len({line["id"] for line in arrived}) == 6


_CHILDREN_UNDER_GEVENT = {
    "multiprocessing": "multiprocessing.get_context('fork')",
    "billiard": "__import__('billiard')",
}


@pytest.mark.parametrize("kind", _CHILDREN_UNDER_GEVENT)
def test_a_child_under_gevent_leaves_its_lines_to_its_parent(
    kind: str, fake: FakeLogs, tmp_path: Path
) -> None:
    """While it waited, it would continue its parent's greenlets, such as that of a server."""
    code = f"""
from gevent import monkey
monkey.patch_all()
import gevent
import atexit
turns, has_begun = [], []
def serve():
    while True:
        turns.append(os.getpid())
        gevent.sleep(0.01)
def work():
    report()
    # Right before ours: on Python 3.13 gevent itself lets greenlets run at a child's end.
    atexit.register(begin)
    multiprocessing.util.Finalize(None, begin, exitpriority=-999_999)
    multiprocessing.util.Finalize(None, tell, exitpriority=-2_000_000)
def begin():
    if not has_begun:
        has_begun.append(True)
        del turns[:]
def tell():
    print(turns, flush=True)
report()
# Python 3.12 starts no thread at its end, and gevent resolves names in threads.
assert errwatch.flush(50)
gevent.spawn(serve)
gevent.sleep(0)
child = {_CHILDREN_UNDER_GEVENT[kind]}.Process(target=work)
child.start()
child.join()
assert child.exitcode == 0
"""
    done = run(code, fake, tmp_path)
    assert (done.returncode, done.stdout) == (0, "[]\n"), done.stderr
    lines = [content(line.message) for line in fake.lines()]
    assert len({line["pid"] for line in lines if line["event"] == "Critical Error"}) == 2
