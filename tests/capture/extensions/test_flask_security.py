"""Flask-Security: its signals miss unknown users, and its endpoints show them."""

from __future__ import annotations

import json
import warnings
from base64 import b64encode
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask, session

from tests.capture.extensions.visits import Visited, get, get_json, post, post_json

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # about the libraries that they use
    import flask_security
    from flask_security.models import fsqla_v3
    from flask_sqlalchemy import SQLAlchemy
    from sqlalchemy import Engine
    from sqlalchemy.pool import StaticPool

Visit = Callable[..., Visited]
PASSWORD = "correct horse"
#: Those of the apps of a test.
ENGINES: list[Engine] = []
SETTINGS: dict[str, Any] = {
    "SECRET_KEY": "k",
    "SECURITY_PASSWORD_SALT": "s",
    "SECURITY_PASSWORD_HASH": "plaintext",
    "SECURITY_PASSWORD_SCHEMES": ["plaintext"],
    "SECURITY_PASSWORD_SINGLE_HASH": ["plaintext"],
    "SECURITY_SEND_REGISTER_EMAIL": False,
    "SECURITY_TOTP_SECRETS": {1: "TjQ9Qa31VOrfEzuPy4VHQWPCTmRzCnFzMKLxXYiZu9B"},
    "SECURITY_TOTP_ISSUER": "shop",
    # Its session would have the time of `datetime.now`, which goes on.
    "SECURITY_FRESHNESS": timedelta(minutes=-1),
    "SECURITY_EMAIL_VALIDATOR_ARGS": {"check_deliverability": False},
    "SECURITY_US_ENABLED_METHODS": ["password", "authenticator"],
    "SQLALCHEMY_DATABASE_URI": "sqlite://",
    "SQLALCHEMY_ENGINE_OPTIONS": {
        "poolclass": StaticPool,
        "connect_args": {"check_same_thread": False},
    },
    "WTF_CSRF_ENABLED": False,
}

#: A secret of the second factor, which no two runs choose alike.
SECRET = flask_security.Totp(SETTINGS["SECURITY_TOTP_SECRETS"], "shop").generate_totp_secret()

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(autouse=True)
def _closed_databases() -> Iterator[None]:
    """Each app has a database in memory."""
    yield
    while ENGINES:
        ENGINES.pop().dispose()


@pytest.fixture(autouse=True)
def _one_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both apps choose the same secret."""
    monkeypatch.setattr(flask_security.Totp, "generate_totp_secret", lambda _self: SECRET)


def shop(**settings: Any) -> Callable[[], Flask]:
    """Builds an app with the user ann, who has no role."""

    def build() -> Flask:
        app = Flask("shop")
        app.config.update(SETTINGS)
        app.config.update(settings)
        db = SQLAlchemy(app)
        models: Any = fsqla_v3
        models.FsModels.set_db_info(db)
        role = type("Role", (db.Model, models.FsRoleMixin), {})
        user = type("User", (db.Model, models.FsUserMixin), {})
        store: Any = flask_security.SQLAlchemyUserDatastore(db, user, role)
        flask_security.Security(app, store)

        @app.get("/private")
        @flask_security.auth_required()
        def private() -> str:
            return "private"

        @app.get("/basic")
        @flask_security.auth_required("basic")
        def basic() -> str:
            return "basic"

        @app.get("/admin")
        @flask_security.auth_required()
        @flask_security.roles_required("admin")
        def admin() -> str:
            return "admin"

        @app.get("/")
        def home() -> dict[str, Any]:
            return {key: str(value) for key, value in session.items()}

        with app.app_context():
            ENGINES.append(db.engine)
            db.create_all()
            store.create_user(
                email="ann@example.com",
                password=PASSWORD,
                fs_uniquifier="id-of-ann",
                confirmed_at=datetime.now(UTC),
            )
            if "SECURITY_TWO_FACTOR" in settings:
                bob = store.create_user(
                    email="bob@example.com",
                    password=PASSWORD,
                    fs_uniquifier="id-of-bob",
                    fs_webauthn_user_handle="bob",
                )
                store.tf_set(bob, "authenticator", SECRET)
            store.commit()
        return app

    return build


KNOWN = {"email": "ann@example.com", "password": "wrong"}
UNKNOWN = {"email": "nobody@example.com", "password": "hunter2"}
RIGHT = {"email": "ann@example.com", "password": PASSWORD}


@pytest.mark.parametrize(("send", "status"), [(post, 200), (post_json, 400)])
def test_a_wrong_password_of_a_known_user(visit: Visit, send: Any, status: int) -> None:
    """It has one line, with the account that was tried."""
    seen = visit(shop(), send("/login", **KNOWN))
    assert seen.seen == (status, "Login Failed")
    assert seen.event["user"] == "id-of-ann"
    assert seen.event["data"] == {"owasp": "authn_login_fail"}


@pytest.mark.parametrize(("send", "status"), [(post, 200), (post_json, 400)])
def test_a_wrong_password_of_an_unknown_user(visit: Visit, send: Any, status: int) -> None:
    """It has one line, and nothing of what was typed."""
    seen = visit(shop(), send("/login", **UNKNOWN))
    assert seen.seen == (status, "Login Failed")
    assert "user" not in seen.event
    assert "nobody" not in str(seen.event)
    assert "hunter2" not in str(seen.event)


@pytest.mark.parametrize(("send", "status"), [(post, 302), (post_json, 200)])
def test_a_sign_in(visit: Visit, send: Any, status: int) -> None:
    """The signals of both extensions make one line, whose user is that of the session."""
    seen = visit(shop(), send("/login", **RIGHT))
    assert seen.seen == (status, "Login Succeeded")
    assert seen.event["user"] == "id-of-ann"


@pytest.mark.parametrize("replaces", [False, True])
@pytest.mark.parametrize(
    ("identity", "user"), [("ann@example.com", "id-of-ann"), ("nobody@example.com", None)]
)
def test_a_unified_sign_in(
    visit: Visit, identity: str, user: str | None, *, replaces: bool
) -> None:
    """A wrong passcode, of a known user and of an unknown one."""
    build = shop(SECURITY_UNIFIED_SIGNIN=True, SECURITY_US_SIGNIN_REPLACES_LOGIN=replaces)
    path = "/login" if replaces else "/us-signin"
    seen = visit(build, post(path, identity=identity, passcode="wrong"))
    assert seen.seen == (200, "Login Failed")
    assert seen.event.get("user") == user


TWO_FACTORS = {
    "SECURITY_TWO_FACTOR": True,
    "SECURITY_TWO_FACTOR_ENABLED_METHODS": ["authenticator"],
}


@pytest.mark.parametrize(("send", "status"), [(post, 302), (post_json, 200)])
def test_the_first_of_two_factors(visit: Visit, send: Any, status: int) -> None:
    """Nobody is signed in yet, and nothing failed."""
    build = shop(**TWO_FACTORS, SECURITY_TWO_FACTOR_REQUIRED=True)
    assert visit(build, send("/login", **RIGHT)).seen == (status, None)


@pytest.mark.parametrize(
    ("send", "expected"), [(post, (302, None)), (post_json, (400, "Bad Request Error"))]
)
def test_a_wrong_code_while_the_second_factor_is_set_up(
    visit: Visit, send: Any, expected: tuple[int, str | None]
) -> None:
    """It is a signed-in user who mistypes. Nobody logs in there."""
    build = shop(**TWO_FACTORS, SECURITY_TWO_FACTOR_REQUIRED=False)
    first = (post_json("/login", **RIGHT), post_json("/tf-setup", setup="authenticator"))
    token = json.loads(visit(build, *first).answers[-1].body)["response"]["tf_state_token"]
    assert visit(build, *first, send(f"/tf-setup/{token}", code="123456")).seen == expected


@pytest.mark.parametrize(
    ("send", "expected"), [(post, (302, None)), (post_json, (400, "Bad Request Error"))]
)
def test_a_code_without_a_password(
    visit: Visit, send: Any, expected: tuple[int, str | None]
) -> None:
    """Whoever calls the second step first tries no code of anybody."""
    assert visit(shop(**TWO_FACTORS), send("/tf-validate", code="123456")).seen == expected


@pytest.mark.parametrize(("send", "status"), [(post, 200), (post_json, 400)])
def test_a_wrong_second_factor(visit: Visit, send: Any, status: int) -> None:
    """Whoever has the password lacks the code."""
    seen = visit(
        shop(**TWO_FACTORS),
        send("/login", email="bob@example.com", password=PASSWORD),
        send("/tf-validate", code="123456"),
    )
    assert seen.events[0] == []
    assert seen.seen == (status, "Login Failed")
    assert seen.event["user"] == "id-of-bob"


def test_an_anonymous_visitor(visit: Visit) -> None:
    """HTML is redirected to the login page, JSON and Basic are refused with 401."""
    assert visit(shop(), get("/private")).seen == (302, "Access Denied")
    assert visit(shop(), get_json("/private")).seen == (401, "Authentication Error")
    assert visit(shop(), get("/basic")).seen == (401, "Authentication Error")


def test_a_wrong_password_of_http_basic(visit: Visit) -> None:
    """Flask-Security sends no signal for it, so it stays what its status is."""
    credentials = "Basic " + b64encode(b"ann@example.com:wrong").decode()
    seen = visit(shop(), get("/basic", HTTP_AUTHORIZATION=credentials))
    assert seen.seen == (401, "Authentication Error")


def test_a_role_is_missing(visit: Visit) -> None:
    """It is refused with 403."""
    seen = visit(shop(), post("/login", **RIGHT), get("/admin"))
    assert seen.seen == (403, "Authentication Error")


def test_an_existing_address_is_registered(visit: Visit) -> None:
    """The answer is that to a new address, and nothing is recorded: the signal holds the form."""
    build = shop(
        SECURITY_REGISTERABLE=True,
        SECURITY_CONFIRMABLE=True,
        SECURITY_RETURN_GENERIC_RESPONSES=True,
        SECURITY_USE_REGISTER_V2=True,
    )
    form = {**RIGHT, "password": "another horse", "password_confirm": "another horse"}
    assert visit(build, post("/register", **form)).seen == (302, None)


def test_a_passwordless_login(visit: Visit) -> None:
    """A link is sent to whoever asks: that page is no failed login."""
    build = shop(SECURITY_PASSWORDLESS=True)
    assert visit(build, post("/login", email="nobody@example.com")).seen == (200, None)


def test_another_name_of_the_blueprint(visit: Visit) -> None:
    """Its endpoints are found under that name."""
    build = shop(SECURITY_BLUEPRINT_NAME="accounts")
    assert visit(build, post("/login", **UNKNOWN)).seen == (200, "Login Failed")
