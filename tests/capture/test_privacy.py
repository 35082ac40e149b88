"""Addresses and users as keyed hashes, through the front door."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import subprocess
import sys
from typing import Any

import pytest
from flask import Flask, abort

from flask_errwatch import ErrWatch
from flask_errwatch._parsers import Secret
from flask_errwatch.capture.events import event_recorded
from flask_errwatch.capture.privacy import KEYS, KeyedHashes
from flask_errwatch.config import load, read
from flask_errwatch.errors import ConfigurationError
from flask_errwatch.provision.export import to_cloudformation
from tests.wsgi_driver import events_of

KEY = "correct horse battery"


def hashed(text: str, key: str = KEY) -> str:
    """The hash that a line must have, computed independently."""
    return f"hmac-{hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest()[:32]}"


def shop(**settings: object) -> tuple[Flask, ErrWatch]:
    """An app with a route that fails."""
    app = Flask("shop")
    app.config.update(TESTING=True, **{f"ERRWATCH_{key}": settings[key] for key in settings})
    app.add_url_rule("/forbidden", "forbidden", lambda: abort(403))
    return app, ErrWatch(app)


def lines(**settings: object) -> list[dict[str, Any]]:
    """The lines of a 403 of a signed-in user, of a report in a request, and of one outside."""
    app, errwatch = shop(**settings)
    app.add_url_rule("/report", "report", lambda: errwatch.report("not-found-error"))
    environ = {"REMOTE_ADDR": "192.0.2.7", "REMOTE_USER": "ann"}
    client = app.test_client()
    client.get("/forbidden", environ_overrides=environ)
    client.get("/report", environ_overrides=environ)
    errwatch.report("not-found-error", app=app, client_ip="192.0.2.7")
    return events_of(app)


def test_every_line_has_hashes_in_place_of_addresses_and_users() -> None:
    """One value has one hash, in every kind of line. Reported data is left."""
    response, report, outside = lines(PRIVACY="hashed", PRIVACY_KEY=KEY)
    for line in (response, report):
        assert line["client_ip"] == hashed("192.0.2.7")
        assert line["user"] == hashed("ann")
    assert "client_ip" not in outside
    assert outside["data"]["client_ip"] == "192.0.2.7"


def test_another_key_gives_other_hashes_and_off_gives_none() -> None:
    """A key without the switch changes nothing."""
    first, *_ = lines(PRIVACY="hashed", PRIVACY_KEY="another key of the app")
    assert first["client_ip"] == hashed("192.0.2.7", "another key of the app")
    for settings in ({}, {"PRIVACY": "off"}, {"PRIVACY_KEY": KEY}):
        response, *_ = lines(**settings)
        assert (response["client_ip"], response["user"]) == ("192.0.2.7", "ann")


def test_hooks_see_the_values_and_what_they_set_is_hashed_too() -> None:
    """Hashing is the last step before rendering; the signal has what the line has."""
    app, errwatch = shop(PRIVACY="hashed", PRIVACY_KEY=KEY)
    seen: list[object] = []
    sent: list[object] = []

    @errwatch.enrich
    def _enrich(event: dict[str, Any]) -> dict[str, Any]:
        seen.append(event["client_ip"])
        return {"user": 42}

    def receive(_sender: object, event: dict[str, Any]) -> None:
        sent.append((event["client_ip"], event["user"]))

    with event_recorded.connected_to(receive, sender=app):
        app.test_client().get("/nothing", environ_overrides={"REMOTE_ADDR": "2001:db8::1"})
    (line,) = events_of(app)
    assert seen == ["2001:db8::1"]
    assert sent == [(line["client_ip"], line["user"])]
    assert (line["client_ip"], line["user"]) == (hashed("2001:db8::1"), hashed("42"))


def test_all_fields_that_name_someone_are_hashed() -> None:
    """Also those of an address that is not certain, whatever type a value has."""
    event: dict[str, Any] = {"path": "/", **dict.fromkeys(KEYS, "192.0.2.7"), "user": "\ud800"}
    KeyedHashes(KEY).replace_in(event)
    assert event.pop("path") == "/"
    assert event.pop("user").startswith("hmac-")
    assert event == {
        key: hashed("192.0.2.7") for key in ("client_ip", "peer_ip", "forwarded_claim")
    }


@pytest.mark.parametrize("key", ["short", "", " " * 20, 12_345_678_901_234_567_890, b"x" * 20])
def test_a_key_that_could_be_guessed_is_refused_and_not_shown(key: object) -> None:
    """At least 16 characters. The message names the key, and never its value."""
    with pytest.raises(ConfigurationError) as raised:
        load({"ERRWATCH_PRIVACY": "hashed", "ERRWATCH_PRIVACY_KEY": key}, {}, app_name="shop")
    assert "ERRWATCH_PRIVACY" in str(raised.value)
    assert str(key) not in str(raised.value) or not str(key).strip()
    assert all(problem.value in {"[hidden]", "hashed"} for problem in raised.value.problems)


@pytest.mark.parametrize("name", ["PRIVACY_KEY", "PRIVACYKEY", "PRIVACY_KEYS", "SOME_KEY"])
def test_no_message_and_no_representation_shows_the_key(name: str) -> None:
    """Nor if the name of the setting is misspelled."""
    config, problems, _ = read({f"ERRWATCH_{name}": KEY}, {}, app_name="shop")
    assert KEY not in repr(config) + str(config) + repr(problems) + "".join(map(str, problems))
    assert (config.privacy_key == Secret(KEY)) is (name == "PRIVACY_KEY")
    assert repr(Secret(KEY)) == str(Secret(KEY)) == "Secret(…)"


def test_hashes_without_a_key_are_refused() -> None:
    """Otherwise lines would keep the addresses, or have hashes that anyone can try out."""
    with pytest.raises(ConfigurationError, match="set ERRWATCH_PRIVACY_KEY"):
        load({"ERRWATCH_PRIVACY": "hashed"}, {}, app_name="shop")


def test_off_costs_no_import() -> None:
    """The module is only imported where it is used."""
    code = (
        "import sys; from flask import Flask; from flask_errwatch import ErrWatch; "
        "app = Flask('shop'); app.testing = True; ErrWatch(app); app.test_client().get('/'); "
        "print('flask_errwatch.capture.privacy' in sys.modules)"
    )
    found = [
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, **extra},
            capture_output=True,
            check=True,
            text=True,
        ).stdout.strip()
        for extra in ({}, {"ERRWATCH_PRIVACY": "hashed", "ERRWATCH_PRIVACY_KEY": KEY})
    ]
    assert found == ["False", "True"]


def test_the_alarm_on_one_source_says_that_nobody_can_be_blocked() -> None:
    """The person on call must not look for an address that no line has."""
    texts = []
    for more in ({}, {"PRIVACY": "hashed", "PRIVACY_KEY": KEY}):
        app, _ = shop(PER_SOURCE_ALARMS="not-found-error", **more)
        state = app.extensions["errwatch"]
        template = to_cloudformation(state.catalogue, state.config)
        assert KEY not in template
        resources = json.loads(template)["Resources"]
        texts.append(resources["NotFoundErrorOneSourceAlarm"]["Properties"]["AlarmDescription"])
    plain, private = map(str, texts)
    assert "block it if it is hostile" in plain
    assert "it cannot be blocked" in private
