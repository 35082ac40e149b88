"""A scan from its requests to the alarm that names it, with the default catalogue."""

from __future__ import annotations

import pytest
from flask import Flask, abort

from flask_errwatch import ErrWatch
from flask_errwatch.testing import START, TrafficJudge

SCANNER = "203.0.113.9"
PROBES = (
    *("/.env", "/wp-login.php", "/.git/config", "/phpmyadmin/index.php", "/xmlrpc.php"),
    *("/.aws/credentials", "/wp-admin/setup-config.php", "/vendor/phpunit/eval-stdin.php"),
    *("/cgi-bin/luci", "/backup.sql"),
)
BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
ROLE = {"ERRWATCH_LOG_ALARM_ROLE": "arn:aws:iam::123456789012:role/shop-log-alarms"}
KINDS = pytest.mark.parametrize("settings", [ROLE, {}], ids=["log alarm", "insight rule"])


errwatch = ErrWatch()


def shop(**settings: object) -> Flask:
    """An app with a page that needs a login, and the default catalogue."""
    app = Flask("shop")
    app.config.update(settings)
    errwatch.init_app(app)
    app.add_url_rule("/", "home", lambda: "tea")
    app.add_url_rule("/orders", "orders", lambda: abort(403), methods=["GET", "POST"])
    return app


def get(app: Flask, path: str, client: str, **headers: str) -> None:
    """Requests a path as a browser at an address."""
    agent = {"User-Agent": BROWSER, **headers}
    app.test_client().get(path, headers=agent, environ_base={"REMOTE_ADDR": client})


@KINDS
@pytest.mark.parametrize("seconds", [0, 1], ids=["unfolded", "folded"])
def test_a_scan_fires_and_names_the_scanner(
    errwatch_judge: TrafficJudge, settings: dict[str, object], seconds: int
) -> None:
    """Ten probes are a suspicion of 20, folded into one line or not, in both kinds of alarm."""
    app = shop(ERRWATCH_COLLAPSE_SECONDS=seconds, **settings)
    for path in PROBES:
        get(app, path, SCANNER)
    assert errwatch.flush(10, app=app)  # writes what is folded
    assert errwatch_judge.alarms() == {"scan"}
    (offender,) = errwatch_judge.offenders()
    assert offender[:3] == (SCANNER, "scan", 20)
    assert offender.first == START


@KINDS
def test_a_crowd_with_a_404_each_is_no_scan(
    errwatch_judge: TrafficJudge, settings: dict[str, object]
) -> None:
    """Sixty browsers ask for an old page: nobody is named. `not-found-error` fires as in 0.1."""
    app = shop(**settings)
    for number in range(60):
        get(app, "/summer-sale", f"198.51.100.{number}")
    assert errwatch_judge.offenders() == ()
    assert "scan" not in errwatch_judge.alarms()
    assert "not-found-error" in errwatch_judge.alarms()


def test_links_to_pages_that_need_a_login_are_no_guesses(errwatch_judge: TrafficJudge) -> None:
    """GETs that follow a link of the site are not counted. Others, and POSTs, are."""
    app = shop()
    for _ in range(20):
        get(app, "/orders", "198.51.100.1", Referer="http://localhost/")
    assert "authentication-error" not in errwatch_judge.alarms()
    for _ in range(11):
        get(app, "/orders", "198.51.100.2")
    assert "authentication-error" in errwatch_judge.alarms()


def test_guesses_with_a_forged_referrer_are_counted(errwatch_judge: TrafficJudge) -> None:
    """A client writes its referrer, and a guess of a password is a POST."""
    app = shop()
    for _ in range(11):
        app.test_client().post("/orders", headers={"Referer": "http://localhost/"})
    assert "authentication-error" in errwatch_judge.alarms()
