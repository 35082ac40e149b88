"""Lines that a process left are delivered where they were for, and nowhere else."""

from __future__ import annotations

import json
import os
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.delivery.scripts import events, run
from tests.fake_logs import FakeLogs

#: Writes a line that arrives, and when the account is noted, another in an outage. Then it is
#: killed before that one is sent.
_DIES = """
import pathlib
errwatch.report("critical-error", app=app, which="delivered")
assert errwatch.flush(50)
folder = pathlib.Path(os.environ["ERRWATCH_JOURNAL_DIR"])
limit = time.monotonic() + 50
while NOTED and time.monotonic() < limit:
    if b'"account"' in b"".join(path.read_bytes() for path in folder.rglob("*.lock")):
        break
    time.sleep(0.01)
errwatch.report("critical-error", app=app, which="waiting")
os.kill(os.getpid(), signal.SIGKILL)
"""
#: Serves a request, searches for journals, and ends when it has delivered what it will.
_SERVES = """
app.test_client().get("/later")
time.sleep(0.3)
delivery = app.extensions["errwatch"].delivery
delivery.stop(time.monotonic() + 20)
"""
#: Is killed before it calls AWS: the shipper has not even imported boto3.
_DIES_AT_ONCE = """
errwatch.report("critical-error", app=app, which="waiting")
os.kill(os.getpid(), signal.SIGKILL)
"""
#: Is killed once its shipper has looked for credentials.
_DIES_LATER = """
import pathlib
errwatch.report("critical-error", app=app, which="waiting")
folder = pathlib.Path(os.environ["ERRWATCH_JOURNAL_DIR"])
limit = time.monotonic() + 50
while time.monotonic() < limit:
    if b'"place"' in b"".join(path.read_bytes() for path in folder.rglob("*.lock")):
        break
    time.sleep(0.01)
os.kill(os.getpid(), signal.SIGKILL)
"""
#: Searches once before its account is known, and once after: it has forked, so its end searches.
_SEARCHES_TWICE = """
import pathlib
app.test_client().get("/later")
delivery = app.extensions["errwatch"].delivery
assert errwatch.flush(50)
folder = pathlib.Path(os.environ["ERRWATCH_JOURNAL_DIR"])
limit = time.monotonic() + 50
while time.monotonic() < limit:
    if b'"account"' in b"".join(path.read_bytes() for path in folder.rglob("*.lock")):
        break
    time.sleep(0.01)
if not os.fork():
    os._exit(0)
os.wait()
delivery.stop(time.monotonic() + 20)
"""


@pytest.fixture
def fake() -> Iterator[FakeLogs]:
    """An endpoint that works until a test switches it."""
    with FakeLogs() as running:
        yield running


def dies(fake: FakeLogs, folder: Path, *, noted: bool = True, **changed: str) -> None:
    """A process that leaves a line: its last one comes too late to be sent."""
    code = _DIES.replace("NOTED", str(noted))
    done = run(code, fake, folder, ERRWATCH_SEND_INTERVAL="30", **changed)
    assert done.returncode == -9, done.stderr


def serves(fake: FakeLogs, folder: Path, **changed: str) -> str:
    """A later process, and what it writes to stderr."""
    done = run(_SERVES, fake, folder, **changed)
    assert done.returncode == 0, done.stderr
    return done.stderr


def waiting(fake: FakeLogs) -> int:
    """How often the line that was left arrived."""
    lines = [json.loads(arrived.message) for arrived in fake.lines()]
    return sum(line.get("data", {}).get("which") == "waiting" for line in lines)


def test_lines_of_an_earlier_process_go_where_they_were_for(fake: FakeLogs, tmp_path: Path) -> None:
    """Not to another endpoint or account. Renewed credentials of the account strand nothing."""
    dies(fake, tmp_path)
    with FakeLogs() as elsewhere:
        assert serves(elsewhere, tmp_path) == ""
        assert events(elsewhere) == ["Not Found Error"]
    fake.account = "999988887777"
    stderr = serves(fake, tmp_path, AWS_ACCESS_KEY_ID="of-another-account")
    assert stderr.count("flask-errwatch: 1 journal in ") == 1
    assert f"are for account 111122223333 at {fake.url}, and this process sends to" in stderr
    assert waiting(fake) == 0
    fake.account = "111122223333"
    assert serves(fake, tmp_path, AWS_ACCESS_KEY_ID="renewed") == ""
    assert waiting(fake) == 1
    assert events(fake).count("Process Died") == 1


def test_without_sts_the_access_key_shows_the_account(fake: FakeLogs, tmp_path: Path) -> None:
    """Keys of one account begin alike. What no key shows waits, and one line says so."""
    fake.account = None
    dies(fake, tmp_path, noted=False, AWS_ACCESS_KEY_ID="AKIAQNZGKIQY7AAAAAAA")
    assert serves(fake, tmp_path, AWS_ACCESS_KEY_ID="ASIAQNZGKIQY56JQ7WML") == ""
    assert waiting(fake) == 1
    dies(fake, tmp_path, noted=False, AWS_ACCESS_KEY_ID="of-one-account")
    stderr = serves(fake, tmp_path, AWS_ACCESS_KEY_ID="perhaps-of-another")
    assert "it is not known whether its lines are for the account of this process" in stderr
    assert waiting(fake) == 1
    fake.account = "111122223333"
    assert serves(fake, tmp_path, AWS_ACCESS_KEY_ID="of-one-account") == ""
    assert waiting(fake) == 2


def test_a_folder_of_version_0_1(fake: FakeLogs, tmp_path: Path) -> None:
    """Its lines are delivered where a log stream of their process shows that they are for there."""
    dies(fake, tmp_path, noted=False)
    (folder,) = (tmp_path / "journal").iterdir()
    earlier = folder.rename(folder.with_name("shop-1cf7fce31946.v2"))
    for lock in earlier.glob("*.lock"):
        lock.write_text(lock.read_text().splitlines(keepends=True)[0])
    with FakeLogs() as elsewhere:
        stderr = serves(elsewhere, tmp_path)
        assert f"1 journal in {earlier} cannot be delivered: an earlier version" in stderr
        assert waiting(elsewhere) == 0
    assert serves(fake, tmp_path) == ""
    assert waiting(fake) == 1
    assert not [*earlier.glob("*.log")]


def test_a_process_asks_for_its_account_once(fake: FakeLogs, tmp_path: Path) -> None:
    """After its first delivery, and no second time."""
    code = """
for number in range(3):
    report()
    assert errwatch.flush(50)
    time.sleep(0.6)
"""
    assert run(code, fake, tmp_path).returncode == 0
    assert fake.asked == 1


class Files:
    """The configuration and credentials files of AWS, which decide everything but the region."""

    def __init__(self, folder: Path) -> None:
        self._config, self._credentials = folder / "config", folder / "credentials"
        self.environ = {
            "ERRWATCH_ENDPOINT_URL": "",
            "AWS_CONFIG_FILE": str(self._config),
            "AWS_SHARED_CREDENTIALS_FILE": str(self._credentials),
        }

    def write(self, config: str, credentials: str = "") -> None:
        """Replaces their content."""
        self._config.write_text(config)
        self._credentials.write_text(credentials)


#: Each is the configuration file, the credentials file, and what the environment has besides.
_IN_FILES = {
    "an endpoint": ("[default]\nendpoint_url = {url}\n", "", {}),
    "an endpoint of the service, in a profile": (
        (
            '[profile "my shop"]\nservices = mine\n[services mine]\n'
            "cloudwatch_logs =\n  endpoint_url = {url}\nsts =\n  endpoint_url = {url}\n"
        ),
        "",
        {"AWS_PROFILE": "my shop"},
    ),
    "an endpoint, and other keys": (
        "[default]\nendpoint_url = {url}\n",
        "[default]\naws_access_key_id = {key}\naws_secret_access_key = testing\n",
        {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""},
    ),
}


@pytest.mark.parametrize("case", _IN_FILES)
def test_lines_for_an_emulator_of_the_files_wait(case: str, fake: FakeLogs, tmp_path: Path) -> None:
    """Also if their process died before it called AWS. One line says so, and so does `doctor`."""
    files = Files(tmp_path)
    config, credentials, environ = _IN_FILES[case]
    environ = {**files.environ, **environ}
    emulator = config.format(url=fake.url), credentials.format(key="test")
    files.write(*emulator)
    assert run(_DIES_AT_ONCE, fake, tmp_path, **environ).returncode == -9
    with FakeLogs() as account:
        files.write(config.format(url=account.url), credentials.format(key="AKIAQNZGKIQY7AAAAAAA"))
        stderr = serves(account, tmp_path, **environ)
        assert stderr.count("flask-errwatch: 1 journal in ") == 1
        assert "cannot be delivered: its process ended before it called AWS, and the" in stderr
        assert events(account) == ["Not Found Error"]
    files.write(*emulator)
    assert serves(fake, tmp_path, **environ) == ""
    assert waiting(fake) == 1


def test_renewed_credentials_of_a_role_strand_nothing(fake: FakeLogs, tmp_path: Path) -> None:
    """Nor does another profile in the file, although neither key nor account is known."""
    fake.account = None
    files = Files(tmp_path)
    renewed = tmp_path / "renewed.py"
    renewed.write_text(
        "import json, os\n"
        "key = f'key-{os.getpid()}'\n"
        "print(json.dumps(dict(Version=1, AccessKeyId=key, SecretAccessKey='testing')))\n"
    )
    command = shlex.join([sys.executable, str(renewed)])
    config = f"[default]\nendpoint_url = {fake.url}\ncredential_process = {command}\n"
    files.write(config)
    environ = {**files.environ, "AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}
    assert run(_DIES_AT_ONCE, fake, tmp_path, **environ).returncode == -9
    files.write(f"{config}[profile work]\nregion = us-east-1\n")
    assert serves(fake, tmp_path, **environ) == ""
    assert waiting(fake) == 1


def test_lines_of_a_process_without_credentials_wait_for_some(
    fake: FakeLogs, tmp_path: Path
) -> None:
    """Whoever forgot the credentials loses nothing by configuring them."""
    no_files = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
    none = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}
    assert run(_DIES_LATER, fake, tmp_path, **no_files, **none).returncode == -9
    assert serves(fake, tmp_path, **no_files) == ""
    assert waiting(fake) == 1


def test_lines_for_another_place_are_reported_once(fake: FakeLogs, tmp_path: Path) -> None:
    """By the place alone where no account is known, and not again when one is."""
    files = Files(tmp_path)
    fake.account = None
    files.write(f"[default]\nendpoint_url = {fake.url}\n")
    dies(fake, tmp_path, noted=False, **files.environ)
    with FakeLogs() as elsewhere:
        files.write(f"[default]\nendpoint_url = {elsewhere.url}\n")
        done = run(_SEARCHES_TWICE, elsewhere, tmp_path, **files.environ)
        assert elsewhere.asked == 1
    assert done.returncode == 0
    assert done.stderr.count("flask-errwatch: ") == 1
    here = f"and this process sends to {elsewhere.url}."
    assert f"its lines are for {fake.url}, {here}" in done.stderr
