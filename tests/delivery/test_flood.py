"""A flood into the full journal of an app in an outage: earlier lines arrive after it."""

from __future__ import annotations

import json
import signal
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.delivery.scripts import start
from tests.fake_logs import FakeLogs

#: The app of the scripts sees an attack, and then a flood.
_ATTACKED = """
client = app.test_client()

def get(path, address):
    client.get(path, environ_base={"REMOTE_ADDR": address})

def flood(first, last):
    for number in range(first, last):
        get(f"/flood-{number}", f"192.0.2.{number % 50}")

"""
_SMALL = {"ERRWATCH_JOURNAL_MAX_BYTES": "1048576", "ERRWATCH_SEND_INTERVAL": "0.1"}
_EARLIER = {f"/attack-{number}" for number in range(50)}


def _wait_until(condition: Callable[[], bool], seconds: float = 60) -> None:
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit, "the condition did not come true in time"
        time.sleep(0.01)


def _arrived(fake: FakeLogs) -> tuple[Counter[str], int]:
    """How often each path arrived, and how many lines are reported as dropped."""
    events = [json.loads(arrived.message) for arrived in fake.lines()]
    dropped = [event["data"]["count"] for event in events if event["event"] == "Lines Dropped"]
    return Counter(event["path"] for event in events if "path" in event), sum(dropped)


@pytest.mark.stress
def test_earlier_lines_arrive_after_a_flood_in_an_outage(tmp_path: Path) -> None:
    """All 50 do, although the flood is ten times the bound. Arrived and reported lines add up."""
    code = """
for number in range(50):
    get(f"/attack-{number}", "198.51.100.7")
flood(0, 12000)

# The shipper counts in its own time, and a line that it drops is pending and dropped for a moment.
limit = time.monotonic() + 50
while time.monotonic() < limit:
    stats = errwatch.stats(app)
    if 0 <= stats.emitted - stats.pending - stats.dropped < 100:
        break
    time.sleep(0.01)
assert stats.dropped > 9000, stats
print(stats.emitted, stats.pending + stats.dropped, flush=True)
input()
assert errwatch.flush(50)
journal = app.extensions["errwatch"].delivery._cloudwatch.journal
while errwatch.stats(app).pending or journal.losses.count:
    time.sleep(0.01)
stats = errwatch.stats(app)
print(stats.delivered, stats.dropped, flush=True)
"""
    with FakeLogs() as fake:
        fake.switch("deny")
        with start(_ATTACKED + code, fake, tmp_path, **_SMALL) as process:
            assert process.stdout is not None
            emitted, accounted = map(int, process.stdout.readline().split())
            assert emitted == 12_050
            assert 0 <= emitted - accounted < 100  # refused since the shipper's last look
            fake.switch("ok")
            stdout, stderr = process.communicate("\n", timeout=60)
        assert process.returncode == 0, stderr
        arrived, reported = _arrived(fake)
        assert set(arrived) >= _EARLIER
        assert set(arrived.values()) == {1}
        assert len(arrived) + reported == 12_050
        delivered, dropped = map(int, stdout.split())
        assert (delivered, dropped) == (fake.count(), reported)


@pytest.mark.stress
def test_earlier_lines_outlive_the_processes_that_kept_them(tmp_path: Path) -> None:
    """Each of three processes is killed in the flood. The last one delivers what the first saw."""
    first = """
for number in range(50):
    get(f"/attack-{number}", "198.51.100.7")
flood(0, 6000)
os.kill(os.getpid(), signal.SIGKILL)
"""
    later = """
get("/begin", "198.51.100.1")
time.sleep(1)
flood(6000, 10000)
os.kill(os.getpid(), signal.SIGKILL)
"""
    with FakeLogs() as fake:
        fake.switch("deny")
        for code in (first, later, later):
            with start(_ATTACKED + code, fake, tmp_path, **_SMALL) as process:
                process.communicate(timeout=60)
            assert process.returncode == -signal.SIGKILL
        fake.switch("ok")
        last = "get('/end', '198.51.100.1')\ninput()"
        with start(_ATTACKED + last, fake, tmp_path, **_SMALL) as process:
            _wait_until(lambda: set(_arrived(fake)[0]) >= _EARLIER)
            process.communicate("\n", timeout=60)
