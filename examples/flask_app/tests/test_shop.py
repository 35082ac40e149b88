"""The shop over HTTP, and the events of its failures."""
# ruff: noqa: S101  # tests assert

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from examples.flask_app import create_app
from examples.flask_app.payment import BROKEN, DECLINED
from flask_errwatch.capture.events import event_recorded
from flask_errwatch.detectors import DEFAULT_DETECTORS

TERRAFORM = Path(__file__).parents[1] / "terraform" / "main.tf"


@pytest.fixture
def events() -> Iterator[list[dict[str, Any]]]:
    """The events of every shop, as they are recorded."""
    recorded: list[dict[str, Any]] = []

    def note(_app: object, event: dict[str, Any]) -> None:
        recorded.append(event)

    with event_recorded.connected_to(note):
        yield recorded


def sign_in(client: FlaskClient, name: str, password: str) -> int:
    """The status of the response to a login."""
    return client.post("/login", data={"name": name, "password": password}).status_code


def test_customers_see_the_shelf_and_buy(client: FlaskClient, events: list[dict[str, Any]]) -> None:
    """Normal use works and creates no event."""
    assert "Assam Second Flush" in client.get("/").text
    assert "Malt and honey." in client.get("/products/assam").text
    assert "Card number" in client.get("/checkout/assam").text
    paid = client.post("/checkout/assam", data={"quantity": "2", "card": "4242 4242 4242 4242"})
    assert "We charged € 15.00" in paid.text
    assert sign_in(client, "ann", "chamomile") == 303
    assert "Sign out" in client.get("/").text
    assert client.post("/logout").status_code == 303
    assert "Sign in" in client.get("/").text
    assert events == []


@pytest.mark.parametrize(
    ("request_line", "form", "expected"),
    [
        ("GET /products/coffee", {}, (404, "not-found-error")),
        ("GET /wp-login.php", {}, (404, "not-found-error")),
        ("POST /login", {"name": "ann", "password": "x"}, (401, "authentication-error")),
        ("POST /login", {"name": "ann"}, (400, "bad-request-error")),
        ("PUT /login", {}, (405, "method-not-allowed-error")),
        ("POST /checkout/mint", {"quantity": "a few", "card": "1"}, (400, "bad-request-error")),
        ("POST /checkout/mint", {"quantity": "51", "card": "1"}, (400, "bad-request-error")),
        ("POST /checkout/mint", {"quantity": "1", "card": DECLINED}, (402, "client-error")),
        ("POST /checkout/mint", {"quantity": "1", "card": BROKEN}, (500, "critical-error")),
    ],
)
def test_every_failure_creates_one_event(
    client: FlaskClient,
    events: list[dict[str, Any]],
    request_line: str,
    form: dict[str, str],
    expected: tuple[int, str],
) -> None:
    """A failing request is answered with the error page of the shop and creates one event."""
    method, path = request_line.split()
    answer = client.open(path, method=method, data=form)
    assert answer.status_code == expected[0]
    assert "Kettle &amp; Leaf" in answer.text
    assert [(event["status"], event["detector"]) for event in events] == [expected]


def test_back_office_is_for_admins(client: FlaskClient, events: list[dict[str, Any]]) -> None:
    """Anonymous visitors are redirected, customers get a 403 with their name, admins a page."""
    assert client.get("/admin/").location == "/login"
    sign_in(client, "ann", "chamomile")
    assert client.get("/admin/").status_code == 403
    sign_in(client, "root", "lapsang-souchong")
    assert "3 customers: ann, bob, root." in client.get("/admin/").text
    assert [(event["detector"], event["user"]) for event in events] == [
        ("authentication-error", "ann")
    ]


def test_lines_outside_a_request_have_no_customer(events: list[dict[str, Any]]) -> None:
    """A job that fails is recorded too, without a customer."""
    app = create_app({"ERRWATCH_SINKS": "memory"})
    with app.app_context():
        from examples.flask_app import errwatch

        errwatch.report("critical-error", job="stocktaking")
    assert [(event["detector"], "user" in event) for event in events] == [("critical-error", False)]


def test_terraform_twin_has_the_names_of_the_catalogue() -> None:
    """The hand-written file has the names and values that `bootstrap_alarms()` creates."""
    text = TERRAFORM.read_text()
    detector = DEFAULT_DETECTORS[0]
    values = dict(re.findall(r'^ +(\w+) += (".*"|\d+)$', text, re.MULTILINE))
    assert values["pattern"] == '"{ $.event = \\"Critical Error\\" }"'
    assert values["pattern"].replace("\\", "")[1:-1] == detector.pattern
    assert values["alarm_name"] == '"shop-critical-error"'
    assert detector.resource_name("shop") == "shop-critical-error"
    assert f'"{detector.description} Its lines say' in text
    assert (values["threshold"], values["period"], values["retention_in_days"]) == (
        "10",
        "300",
        "90",
    )
    assert values["treat_missing_data"] == '"notBreaching"'
