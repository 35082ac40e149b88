"""Extensions that check tokens, credentials and permissions."""

from __future__ import annotations

import warnings
from base64 import b64encode
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask, redirect

from tests.capture.extensions.visits import Visited, get, post

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # about the libraries that they use
    import flask_jwt_extended as jwt_extended
    import flask_principal
    import jwt
    from authlib.integrations.base_client.errors import OAuthError
    from authlib.integrations.flask_client import OAuth
    from authlib.integrations.flask_oauth2 import ResourceProtector
    from authlib.oauth2.rfc6750 import BearerTokenValidator
    from flask_httpauth import HTTPBasicAuth

Visit = Callable[..., Visited]
SECRET = "a secret of at least thirty-two bytes"

pytestmark = pytest.mark.filterwarnings("ignore")


def guarded_by_jwt() -> Flask:
    app = Flask("shop")
    app.config.update(JWT_SECRET_KEY=SECRET)
    jwt_extended.JWTManager(app)

    @app.get("/")
    @jwt_extended.jwt_required()  # type: ignore[untyped-decorator]  # it has no types
    def home() -> str:
        return "home"

    @app.get("/fresh")
    @jwt_extended.jwt_required(fresh=True)  # type: ignore[untyped-decorator]  # it has no types
    def fresh() -> str:
        return "fresh"

    @app.get("/upstream")
    def upstream() -> str:
        return str(jwt.decode("garbage of a service that this app calls", SECRET))

    return app


def token(*, key: str = SECRET, algorithm: str | None = "HS256", expires: int = 60) -> str:
    """A token for ann."""
    now = 1_800_000_000
    claims = {"sub": "ann", "type": "access", "fresh": False, "jti": "1", "iat": now, "nbf": now}
    return jwt.encode({**claims, "exp": now + expires}, key, algorithm=algorithm)


def bearer(text: str) -> dict[str, str]:
    return {"HTTP_AUTHORIZATION": f"Bearer {text}"}


@pytest.fixture(autouse=True)
def _expiry_by_the_clock_of_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    """PyJWT reads `datetime.now`, which does not stand still: only the sign of `exp` matters."""

    def is_expired(_self: object, payload: dict[str, Any], *_: float, **__: float) -> None:
        if payload["exp"] <= 1_800_000_000:
            raise jwt.ExpiredSignatureError("Signature has expired")

    monkeypatch.setattr(jwt.api_jwt.PyJWT, "_validate_exp", is_expired)
    for name in ("_validate_iat", "_validate_nbf"):
        monkeypatch.setattr(jwt.api_jwt.PyJWT, name, lambda *_: None)


@pytest.mark.parametrize(
    ("path", "headers", "kind"),
    [
        ("/", {}, "NoAuthorizationError"),
        ("/", bearer(token(expires=-1)), "ExpiredSignatureError"),
        ("/fresh", bearer(token()), "FreshTokenRequired"),
    ],
)
def test_no_valid_token(visit: Visit, path: str, headers: dict[str, str], kind: str) -> None:
    """It is refused with 401, and the line has the exception."""
    seen = visit(guarded_by_jwt, get(path, **headers))
    assert seen.seen == (401, "Authentication Error")
    assert seen.event["exception"]["type"].endswith(kind)


@pytest.mark.parametrize(
    ("forged", "kind"),
    [
        (token(key="another secret of at least 32 bytes"), "InvalidSignatureError"),
        ("garbage", "DecodeError"),
        (token(key="", algorithm="none"), "InvalidAlgorithmError"),
    ],
)
def test_a_forged_token(visit: Visit, forged: str, kind: str) -> None:
    """A 422 that is an authentication error."""
    seen = visit(guarded_by_jwt, get("/", **bearer(forged)))
    assert seen.seen == (422, "Authentication Error")
    assert seen.event["exception"]["type"] == f"jwt.exceptions.{kind}"
    assert seen.event["exception"]["handled"] is True
    assert seen.event["data"] == {"owasp": "authz_fail"}


def test_a_valid_token(visit: Visit) -> None:
    """It has no line."""
    assert visit(guarded_by_jwt, get("/", **bearer(token()))).seen == (200, None)


def test_a_token_that_the_app_itself_fetched(visit: Visit) -> None:
    """Where nothing answers the exception, the app has a fault."""

    def build() -> Flask:
        app = Flask("shop")
        app.get("/")(lambda: str(jwt.decode("garbage", SECRET, algorithms=["HS256"])))
        return app

    seen = visit(build, get("/"))
    assert seen.seen == (500, "Critical Error")
    assert seen.event["exception"]["handled"] is False


def basic() -> Flask:
    app = Flask("shop")
    auth = HTTPBasicAuth()
    auth.verify_password(lambda name, password: name if password == "right" else None)
    auth.get_user_roles(lambda _user: [])
    app.get("/")(auth.login_required(lambda: "home"))
    app.get("/admin", endpoint="admin")(auth.login_required(role="admin")(lambda: "admin"))
    return app


def credentials(password: str) -> dict[str, str]:
    return {"HTTP_AUTHORIZATION": f"Basic {b64encode(f'ann:{password}'.encode()).decode()}"}


@pytest.mark.parametrize(
    ("path", "password", "status"), [("/", "wrong", 401), ("/admin", "right", 403)]
)
def test_wrong_credentials(visit: Visit, path: str, password: str, status: int) -> None:
    """Flask-HTTPAuth answers with 401, and with 403 if a role is missing."""
    seen = visit(basic, get(path, **credentials(password)))
    assert seen.seen == (status, "Authentication Error")


def principal(**settings: Any) -> Flask:
    app = Flask("shop")
    app.config.update(SECRET_KEY="k", **settings)
    flask_principal.Principal(app)
    permission = flask_principal.Permission(flask_principal.RoleNeed("admin"))
    app.get("/", endpoint="raises")(permission.require()(lambda: "home"))
    app.get("/403", endpoint="aborts")(permission.require(403)(lambda: "home"))
    return app


def test_a_permission_is_denied(visit: Visit) -> None:
    """Flask-Principal raises what nobody answers. That is no crash."""
    seen = visit(principal, get("/"))
    assert seen.seen == (500, "Authentication Error")
    assert seen.event["level"] == "error"
    assert seen.event["data"] == {"owasp": "authz_fail"}
    exception = seen.event["exception"]
    assert exception["type"] == "flask_principal.PermissionDenied"
    assert exception["handled"] is False


def test_a_permission_is_denied_and_the_exception_leaves_the_app(visit: Visit) -> None:
    """So it is where exceptions propagate to the server."""

    def build() -> Flask:
        return principal(PROPAGATE_EXCEPTIONS=True)

    (events,) = visit(build, get("/")).events
    assert [event["event"] for event in events] == ["Authentication Error"]


def test_a_permission_is_denied_with_a_status(visit: Visit) -> None:
    """It is the event of that status."""
    assert visit(principal, get("/403")).seen == (403, "Authentication Error")


def authlib(**settings: Any) -> Flask:
    app = Flask("shop")
    app.config["SECRET_KEY"] = "k"

    class Validator(BearerTokenValidator):  # type: ignore[misc]  # it has no types
        def authenticate_token(self, _token: str) -> None:
            return None

    protector = ResourceProtector()
    protector.register_token_validator(Validator())
    app.get("/")(protector()(lambda: "home"))
    client = OAuth(app).register(
        "provider",
        client_id="shop",
        client_secret="s",
        access_token_url="http://127.0.0.1:9/token",
        authorize_url="http://127.0.0.1:9/authorize",
    )

    @app.get("/callback")
    def callback() -> str:
        return str(client.authorize_access_token())

    if "handles" in settings:
        app.register_error_handler(OAuthError, lambda _error: redirect("/login"))
    return app


@pytest.mark.parametrize("headers", [{}, bearer("wrong")])
def test_a_resource_server(visit: Visit, headers: dict[str, str]) -> None:
    """No token, or a wrong one, is refused with 401."""
    assert visit(authlib, get("/", **headers)).seen == (401, "Authentication Error")


@pytest.mark.parametrize(
    ("query", "kind"),
    [
        ("code=c&state=foreign", "MismatchingStateError"),
        ("error=access_denied&state=s", "OAuthError"),
    ],
)
def test_an_oauth_callback(visit: Visit, query: str, kind: str) -> None:
    """A foreign state and a refused consent raise what nobody answers. That is no crash."""
    seen = visit(authlib, get(f"/callback?{query}"))
    assert seen.seen == (500, "Authentication Error")
    module = "authlib.integrations.base_client.errors"
    assert seen.event["exception"]["type"] == f"{module}.{kind}"


def test_an_oauth_callback_that_is_answered(visit: Visit) -> None:
    """Whatever the app answers."""

    def build() -> Flask:
        return authlib(handles=True)

    seen = visit(build, get("/callback?error=access_denied&state=s"))
    assert seen.seen == (302, "Authentication Error")


def test_a_post_to_nowhere(visit: Visit) -> None:
    """Of an app without any of these there is nothing to see."""
    assert visit(lambda: Flask("shop"), post("/")).seen == (404, "Not Found Error")
