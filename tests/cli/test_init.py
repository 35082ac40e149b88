"""`flask errwatch init` and `config`: the keys, their values, and where these came from."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from flask import Flask
from flask.cli import ScriptInfo

from flask_errwatch import ErrWatch
from flask_errwatch.cli.commands import errwatch
from flask_errwatch.config import Config, load

ROOT = Path(__file__).parents[2]
#: `ERRWATCH_…` in the first column of the table of all keys. One row may have two keys.
DOCUMENTED = re.findall(
    r"`(ERRWATCH_[A-Z_]+)`",
    "\n".join(
        row.split(" | ")[0]
        for row in (ROOT / "docs/configuration.md").read_text(encoding="utf-8").splitlines()
        if row.startswith("| `ERRWATCH_")
    ),
)
BROKEN = "raise RuntimeError('this app cannot be loaded')\n"
HOSTILE = "1.2\x1b[2J\u202e\u200b"


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty folder, and an environment without anything about AWS."""
    monkeypatch.chdir(tmp_path)
    for name in ("AWS_DEFAULT_REGION", "AWS_REGION", "AWS_PROFILE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "no-such-file")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "no-such-file")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


def run(*arguments: str, app: Flask | None = None) -> Result:
    """The result of `flask errwatch …` for an app."""
    return (app or Flask("shop")).test_cli_runner().invoke(errwatch, arguments)


def configured(**settings: object) -> Flask:
    """The app `shop` with these keys."""
    app = Flask("shop")
    app.config.update({f"ERRWATCH_{key}": value for key, value in settings.items()})
    ErrWatch(app)
    return app


def shown(*arguments: str, app: Flask) -> dict[str, dict[str, object]]:
    """What `config --json` prints, by key."""
    result = run("config", "--json", *arguments, app=app)
    assert result.exit_code == 0, result.output
    return {key["name"]: key for key in json.loads(result.stdout)["keys"]}


def test_the_file_has_every_key_and_changes_nothing() -> None:
    """Each key is commented out. Without the comment signs the file has the defaults."""
    assert run("init").exit_code == 0
    text = Path("errwatch_config.py").read_text(encoding="utf-8")
    assert not re.findall("^ERRWATCH", text, re.MULTILINE)
    app = Flask("shop")
    path = Path("all.py").absolute()
    path.write_text(re.sub("^# (?=ERRWATCH_)", "", text, flags=re.MULTILINE), encoding="utf-8")
    app.config.from_pyfile(str(path))
    assert load(app.config, {}, app_name="shop") == load({}, {}, app_name="shop")
    assert {name for name in app.config if name.startswith("ERRWATCH_")} == set(DOCUMENTED)


def test_the_file_says_what_each_key_means() -> None:
    """One or two sentences above each key, the default in it as Python has it."""
    run("init")
    text = Path("errwatch_config.py").read_text(encoding="utf-8")
    period = "# Period of every alarm that has none, in seconds.\n# ERRWATCH_ALARM_PERIOD = 300\n"
    assert period in text
    assert '# Metric namespace.\n# ERRWATCH_NAMESPACE = "Application Logs"\n' in text
    blocks = text.split("\n\n")[2:]
    assert len(blocks) == len(Config._fields)
    assert all(re.match(r"# [A-Z](.|\n# )+\.\n# ERRWATCH_\w+ = ", block) for block in blocks), (
        blocks
    )
    assert max(map(len, text.splitlines())) < 100


def test_the_lines_for_the_app_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What `init` prints is an application factory that reads the file."""
    monkeypatch.syspath_prepend(tmp_path)
    output = run("init", "-o", "settings.py").stdout
    Path("settings.py").write_text('ERRWATCH_RELEASE = "7"\n', encoding="utf-8")
    lines = output.partition("from flask import Flask")
    factory, _, hint = f"{lines[1]}{lines[2]}".partition("\nfrom_pyfile looks in")
    assert "Set ERRWATCH_APP_NAME" in hint
    Path("init_shop.py").write_text(factory, encoding="utf-8")
    release = shown(app=import_module("init_shop").create_app())["ERRWATCH_RELEASE"]
    assert (release["value"], release["origin"]) == ("7", "app.config")


def test_init_before_there_is_an_app() -> None:
    """The command is there by the package's entry point, whether or not an app can be loaded."""
    Path("app.py").write_text(BROKEN, encoding="utf-8")
    command = [sys.executable, "-m", "flask", "errwatch", "init"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert Path("errwatch_config.py").exists()


def test_init_replaces_nothing_unasked() -> None:
    """An existing file is kept, also as the target of -o. With --force it is replaced."""
    Path("mine.py").write_text("x = 1\n", encoding="utf-8")
    refused = run("init", "-o", "mine.py")
    assert refused.exit_code == 1
    assert refused.stderr == "Error: mine.py exists: give --force to replace it.\n"
    assert Path("mine.py").read_text(encoding="utf-8") == "x = 1\n"
    assert run("init", "-o", "mine.py", "--force").exit_code == 0
    assert "ERRWATCH_APP_NAME" in Path("mine.py").read_text(encoding="utf-8")


def test_init_where_nothing_can_be_written() -> None:
    """The error names the file and the reason."""
    result = run("init", "-o", "nowhere/a\x1b[2J.py")
    assert result.exit_code == 1
    message = "Error: nowhere/a?[2J.py cannot be written: No such file or directory.\n"
    assert result.stderr == message


def test_config_shows_every_key() -> None:
    """`config`, the file of `init` and docs/configuration.md name the same keys."""
    assert set(shown(app=configured())) == set(DOCUMENTED)
    assert len(DOCUMENTED) == len(set(DOCUMENTED)) == len(Config._fields)
    rows = run("config", app=configured()).stdout.splitlines()[1:]
    assert {row.split()[0] for row in rows} == set(DOCUMENTED)


def test_where_a_value_came_from(monkeypatch: pytest.MonkeyPatch) -> None:
    """`app.config` goes before the environment. What is not set is a default."""
    monkeypatch.setenv("ERRWATCH_RELEASE", "of the environment")
    monkeypatch.setenv("ERRWATCH_ENVIRONMENT", "live")
    keys = shown(app=configured(RELEASE="of the app", SUBSCRIPTIONS=(), NEVER_BLOCK=["192.0.2.1"]))
    assert {name: (key["value"], key["origin"]) for name, key in keys.items()}.items() >= {
        "ERRWATCH_RELEASE": ("of the app", "app.config"),
        "ERRWATCH_ENVIRONMENT": ("live", "environment variable"),
        "ERRWATCH_NAMESPACE": ("Application Logs", "default"),
    }.items()
    assert keys["ERRWATCH_NEVER_BLOCK"]["value"] == ["192.0.2.1"]


def test_what_the_machine_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sinks, region, endpoint and journal have the value in effect, and why it is this one."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    keys = shown(app=configured())
    assert (keys["ERRWATCH_SINKS"]["value"], keys["ERRWATCH_REGION"]["value"]) == (
        ["cloudwatch"],
        "eu-central-1",
    )
    assert keys["ERRWATCH_REGION"]["why"] == "AWS_DEFAULT_REGION"
    assert keys["ERRWATCH_ENDPOINT_URL"]["value"] == "http://127.0.0.1:9"
    assert keys["ERRWATCH_ENDPOINT_URL"]["why"] == "AWS_ENDPOINT_URL"
    assert Path(str(keys["ERRWATCH_JOURNAL_DIR"]["value"])).is_absolute()
    assert keys["ERRWATCH_JOURNAL_DIR"]["why"]
    assert keys["ERRWATCH_APP_NAME"]["why"] == "app.name"


def test_the_endpoint_of_the_service(monkeypatch: pytest.MonkeyPatch) -> None:
    """The variable of CloudWatch Logs, as botocore reads it, is before that of all services."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ENDPOINT_URL_CLOUDWATCH_LOGS", "http://127.0.0.1:8")
    key = shown(app=configured())["ERRWATCH_ENDPOINT_URL"]
    assert (key["value"], key["why"]) == ("http://127.0.0.1:8", "AWS_ENDPOINT_URL_CLOUDWATCH_LOGS")


def test_the_region_of_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    """`--region` is shown as the reason, not the variable that it replaces."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    key = shown("--region", "us-east-1", app=configured())["ERRWATCH_REGION"]
    assert (key["value"], key["why"]) == ("us-east-1", "--region")


def test_sinks_of_an_app_under_test() -> None:
    """Then lines stay in memory, and no journal is needed."""
    app = configured()
    app.testing = True
    keys = shown(app=app)
    assert (keys["ERRWATCH_SINKS"]["value"], keys["ERRWATCH_SINKS"]["why"]) == (
        ["memory"],
        "app.testing is on",
    )
    assert keys["ERRWATCH_JOURNAL_DIR"]["value"] is None
    assert "not needed" in str(keys["ERRWATCH_JOURNAL_DIR"]["why"])


def test_a_region_that_nothing_configures() -> None:
    """It is no error here: the row says that it is missing, and what to set."""
    key = shown(app=configured())["ERRWATCH_REGION"]
    assert key["value"] is None
    assert "none is configured. Set ERRWATCH_REGION" in str(key["why"])


def test_secrets_are_hidden() -> None:
    """The key of hashes, the path of a URL that is notified, and passwords in URLs."""
    app = configured(
        PRIVACY_KEY="correct horse battery",
        SNS_TOPIC="ops",
        SUBSCRIPTIONS="https://events.pagerduty.com/integration/4f1c/enqueue,mailto:a@b.example",
        ENDPOINT_URL="http://ann:pass@127.0.0.1:9",
        URL="https://shop.example/till?key=4f1c",
    )
    keys = shown(app=app)
    assert keys["ERRWATCH_PRIVACY_KEY"]["value"] == "[hidden]"
    assert keys["ERRWATCH_SUBSCRIPTIONS"]["value"] == [
        "https://events.pagerduty.com/[hidden]",
        "mailto:a@b.example",
    ]
    assert keys["ERRWATCH_ENDPOINT_URL"]["value"] == "http://[hidden]@127.0.0.1:9"
    assert keys["ERRWATCH_URL"]["value"] == "https://shop.example/till?[hidden]"
    text = run("config", app=app).stdout
    assert not re.search("correct horse|4f1c|pass@", text)


def test_an_endpoint_that_is_no_url(monkeypatch: pytest.MonkeyPatch) -> None:
    """The variable of AWS is not checked by this library: the command shows what it can of it."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://ann:pass@[127.0.0.1")
    assert shown(app=configured())["ERRWATCH_ENDPOINT_URL"]["value"] == "http://"


def test_texts_that_a_terminal_would_obey() -> None:
    """They are shown, not obeyed: in the table, and in ASCII as JSON."""
    app = Flask("shop")
    app.config["ERRWATCH_DETECTORS"] = {"not-found-error": {"description": HOSTILE}}
    app.config["ERRWATCH_LOG_GROUP"] = "shop"
    ErrWatch(app)
    table = run("config", app=app).stdout
    assert all(line.isprintable() for line in table.splitlines())
    assert "\u200b" not in table
    assert run("config", "--json", app=app).stdout.isascii()


def test_only_what_differs() -> None:
    """--changed leaves out keys with a fixed default, and keeps what the machine decides."""
    keys = shown("--changed", app=configured(RETENTION_DAYS=30))
    assert set(keys) == {
        "ERRWATCH_APP_NAME",
        "ERRWATCH_LOG_GROUP",
        "ERRWATCH_SINKS",
        "ERRWATCH_RETENTION_DAYS",
        "ERRWATCH_REGION",
        "ERRWATCH_JOURNAL_DIR",
    }


def test_a_key_that_is_set_too_late() -> None:
    """A key in app.config that init_app has not read has the old value, and a remark."""
    app = configured()
    app.config["ERRWATCH_DASHBOARD"] = True
    key = shown("--changed", app=app)["ERRWATCH_DASHBOARD"]
    assert (key["value"], key["origin"]) == (False, "default")
    assert key["why"] == "set in app.config after init_app, which has not read it: set it before"


def test_a_configuration_that_is_refused() -> None:
    """The problems are listed as at start, without a traceback."""
    info = ScriptInfo(create_app=lambda: configured(SINKS="disk"))
    result = CliRunner().invoke(errwatch, ["config"], obj=info)
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: ERRWATCH_SINKS = 'disk': Use 'cloudwatch'")
