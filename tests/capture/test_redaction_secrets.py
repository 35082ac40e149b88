"""Secrets of many kinds that must not reach a line, and harmless values that must stay readable.

All are made up. They are put together from parts so that no scanner takes them for real ones.
"""

from __future__ import annotations

from decimal import Decimal

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from flask_errwatch.capture.redaction import Effort, Redactor, RequestRedactor
from tests.wsgi_driver import events_of, lines_of, serve, watched

HEX = "9f86d081884c7d659a2feaa0c55ad015"
LETTERS = "aB3dE5gH7jK9mN1pQ3sT5vX7zA9cD1fG3hJ5"
PASSWORD = "hunter2-Tr0ub4dor"
JWT = f"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.{LETTERS}"
SIGNED = f"WyJhbm4iLDEyM10.Z0x1aQ.{LETTERS[:27]}"
CARD = "4111" + "1111" * 3
AWS_ID, AWS_SECRET = "AKIA" + "J5XQ3W7LM2NB4VCD", f"{LETTERS}/+ab"
PEM = f"-----BEGIN RSA PRIVATE KEY-----\n{LETTERS}\n{LETTERS}\n-----END RSA PRIVATE KEY-----"

#: The kind, what must not be seen, and the texts that have it.
IN_TEXTS: list[tuple[str, str, list[str]]] = [
    (
        "assignment",
        PASSWORD,
        [f"pwd={PASSWORD}", f"MY_DB-PASSWORD = {PASSWORD}", f"sid={PASSWORD}"],
    ),
    ("sentence", PASSWORD, [f"invalid api key: {PASSWORD}", f"password '{PASSWORD}' is wrong"]),
    ("JSON", PASSWORD, [f'{{"pass": "{PASSWORD}"}}', f'{{"a": {{"apiKey":"{PASSWORD}"}}}}']),
    ("escapes in a value", "Tail99", ['{"password": "ab\\"Tail99"}', r"{'pwd': 'a\'Tail99'}"]),
    (
        "JSON in JSON",
        PASSWORD,
        [f'{{\\"password\\": \\"{PASSWORD}\\"}}', f'"{{\\"otp\\":\\"{PASSWORD}\\"}}"'],
    ),
    ("a long quoted value", LETTERS, [f'token="{"x" * 900}{LETTERS}" no']),
    (
        "representation",
        PASSWORD,
        [
            f"User(password='{PASSWORD}')",
            f"b'token': b'{PASSWORD}'",
            f"MultiDict([('password', '{PASSWORD}')])",
        ],
    ),
    (
        "list in JSON",
        PASSWORD,
        [f'[{{"name": "password", "value": "{PASSWORD}"}}]', f'"tokens": ["{PASSWORD}", "x"]'],
    ),
    ("XML", PASSWORD, [f"<password>{PASSWORD}</password>", f"<ns:secret>{PASSWORD}<"]),
    (
        "form",
        PASSWORD,
        [f'name="password"\r\n\r\n{PASSWORD}\r\n--', f"a=1&new_password={PASSWORD}&b"],
    ),
    (
        "command line",
        PASSWORD,
        [
            f"mysql --password {PASSWORD} -h x",
            f"--token={PASSWORD}",
            f"['x', '--password', '{PASSWORD}']",
        ],
    ),
    ("SQL", PASSWORD, [f"IDENTIFIED BY '{PASSWORD}'", f"WITH PASSWORD '{PASSWORD}'"]),
    ("ODBC", PASSWORD, [f"Driver=x;PWD={PASSWORD};Server=y", f"PWD={{a;{PASSWORD}}};x"]),
    (
        "key of storage",
        LETTERS,
        [f"AccountName=x;AccountKey={LETTERS}==", f"SharedAccessKey={LETTERS}"],
    ),
    (
        "signature of a URL",
        LETTERS,
        [f"https://x/y?sv=1&sig={LETTERS}%3D", f"X-Amz-Signature={LETTERS}"],
    ),
    (
        "percent-encoded query",
        PASSWORD,
        [f"/x%3Ftoken%3D{PASSWORD}%26y", f"%253Fpwd%253D{PASSWORD}"],
    ),
    (
        "cookie",
        PASSWORD,
        [
            f"Cookie: session={PASSWORD}",
            f"Cookie: a=b; c={PASSWORD}",
            f"Set-Cookie: id={PASSWORD}; Path=/",
            f"{{'Cookie': 'x={PASSWORD}'}}",
        ],
    ),
    (
        "authorization",
        PASSWORD,
        [
            f"Authorization: Bearer {PASSWORD}",
            f"authorization=Token {PASSWORD}",
            f"{{'Authorization': 'Bearer {PASSWORD}'}}",
            f'Authorization: Digest username="ann", response="{PASSWORD}"',
        ],
    ),
    ("bearer", LETTERS, [f"sent Bearer {LETTERS}", f"bearer {LETTERS} refused"]),
    ("basic", "YW5uOmh1bnRlcjI", ["Basic YW5uOmh1bnRlcjI=", "sent basic YW5uOmh1bnRlcjI= to"]),
    (
        "basic with an empty password",
        "azN5YTFhMWE",
        [f"Basic azN5YTFhMWE{end}" for end in ("xOg==", "6")],
    ),
    (
        "basic with a short password",
        "azN5OmE",
        ["Basic azN5OmE=", "Basic%20azN5OmE%3D", "basic: azN5OmE"],
    ),
    (
        "basic of a token",
        "Z2hwXzEyMzQ1Njc4OTAxMjM0",
        ["Basic Z2hwXzEyMzQ1Njc4OTAxMjM0", "Basic Z2hwXzEyMzQ1Njc4OTAxMjM0-_x"],
    ),
    (
        "password in a URL",
        PASSWORD,
        [
            f"db://app:{PASSWORD}@db/x",
            f"https://ann:{PASSWORD}@x/y",
            f"redis://:{PASSWORD}@cache:6379/0",
        ],
    ),
    (
        "password with marks in a URL",
        "w0rd-Tail",
        ["postgresql://app:p@ss@w0rd-Tail@db/x", "mysql://app:p/ss/w0rd-Tail@db/x"],
    ),
    (
        "token as the user of a URL",
        LETTERS,
        [f"https://{LETTERS}@host/x.git", f"git+https://{LETTERS}@h"],
    ),
    ("JWT", JWT, [f"Not enough segments: {JWT}", f"<{JWT}>"]),
    ("signed value", SIGNED, [f"bad signature {SIGNED}", f"session .eJw{SIGNED}"]),
    ("GitHub", LETTERS, [f"bad {p}_{LETTERS}" for p in ("ghp", "gho", "ghs", "github_pat")]),
    ("GitLab", LETTERS, [f"bad {p}-{LETTERS}" for p in ("glpat", "gldt", "glrt")]),
    ("Slack", LETTERS, [f"{p}-123456789012-{LETTERS}" for p in ("xoxb", "xoxp", "xapp")]),
    ("Slack's webhook", LETTERS, [f"https://hooks.slack.com/services/T0AB/B0CD/{LETTERS}"]),
    ("Discord's webhook", LETTERS, [f"https://discord.com/api/webhooks/12345/{LETTERS}"]),
    (
        "Stripe",
        LETTERS,
        [f"No such key {p}_{LETTERS}" for p in ("sk_live", "rk_live", "sk_test", "whsec")],
    ),
    ("AWS", AWS_SECRET, [f"{AWS_ID} {AWS_SECRET}", f"id {AWS_ID}, secret is {AWS_SECRET}."]),
    ("AWS, the id", AWS_ID, [f"no such {AWS_ID}"]),
    ("Google", LETTERS, [f"AIza{LETTERS}", f"ya29.{LETTERS}", f"GOCSPX-{LETTERS}"]),
    ("packages", LETTERS, [f"npm_{LETTERS}", f"pypi-{LETTERS}", f"dckr_pat_{LETTERS}"]),
    (
        "hex tokens",
        HEX,
        [
            f"rubygems_{HEX}",
            f"dop_v1_{HEX}",
            f"shpat_{HEX}",
            f"key-{HEX}",
            f"SK{HEX}",
            f"dapi{HEX}",
        ],
    ),
    ("AI", LETTERS, [f"sk-proj-{LETTERS}", f"sk-ant-{LETTERS}", f"hf_{LETTERS}"]),
    ("mail", LETTERS, [f"SG.{LETTERS[:22]}.{LETTERS}"]),
    (
        "platforms",
        LETTERS,
        [
            *(f"dp.{kind}.{LETTERS}" for kind in ("pt", "st", "sa", "st.dev_main")),
            *(f"pscale_{kind}_{LETTERS}" for kind in ("tkn", "pw", "oauth")),
            *(f"FlyV1 {kind}_{LETTERS}" for kind in ("fm1a", "fm1r", "fm2")),
        ],
    ),
    ("Vault", LETTERS, [f"hvs.{LETTERS}", f"permission denied for hvb.{LETTERS}"]),
    ("observability", LETTERS, [f"glsa_{LETTERS}", f"sntrys_{LETTERS}", f"NRAK-{LETTERS}"]),
    ("chat bot", LETTERS, [f"https://api.telegram.org/bot123456789:AA{LETTERS}/x"]),
    (
        "hash of a password",
        LETTERS,
        [
            f"$2b$12${LETTERS}",
            f"$argon2id$v=19$m=65536${LETTERS}",
            f"pbkdf2:sha256:600000$salt${LETTERS}",
            f"scrypt:32768:8:1$salt${LETTERS}",
        ],
    ),
    ("Stripe, of an organisation", LETTERS, [f"sk_org_live_{LETTERS}"]),
    ("GitLab, more", LETTERS, [f"GR1348941{LETTERS}", f"glffct-{LETTERS}"]),
    (
        "Twilio, Mailchimp, Mailgun",
        HEX,
        [f"AC{HEX}:{HEX}", f"{HEX}-us12", f"{HEX}-cb447fc1-35c396af"],
    ),
    ("Heroku", LETTERS, [f"bad HRKU-{LETTERS}"]),
    ("Azure", LETTERS[:31], [f"3W88Q~{LETTERS}", f"a.b8Q~{LETTERS}"]),
    (
        "Azure, long",
        LETTERS,
        [f"{LETTERS * 2}x1y2AZDOx1y2", f"{LETTERS}{LETTERS[:16]}JQQJ99{LETTERS[:26]}"],
    ),
    ("ticket of CAS", LETTERS, [f"/cb?ticket=ST-1-{LETTERS}", f"TGT-12-{LETTERS}-cas.example"]),
    (
        "private key of PuTTY or SSH2",
        LETTERS,
        [
            f"Private-Lines: 1\n{LETTERS}\nPrivate-MAC: {HEX}",
            f"---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\n{LETTERS}\n---- END SSH2 ENCRYPTED",
        ],
    ),
    (
        "digest without its header",
        HEX,
        [f'Digest username="a", nonce="n", uri="/x", response="{HEX}", qop=auth'],
    ),
    (
        "long parameter",
        LETTERS,
        [f"GET http://x/cb?code={LETTERS}&state=1", f"/y?a=1&key={LETTERS}", f"?magic={LETTERS}"],
    ),
    (
        "password of a command",
        PASSWORD,
        [
            f"'curl -u admin:{PASSWORD} https://x' returned 22",
            f"curl -u 'ann:{PASSWORD}' x",
            f"mysqldump -uroot -p{PASSWORD} db",
            f"sqlplus -s scott/{PASSWORD}@orcl",
            f"jdbc:oracle:thin:scott/{PASSWORD}@//h:1521/x",
            f"machine x login a@b.c password {PASSWORD}",
        ],
    ),
    (
        "row of SQL",
        PASSWORD,
        [
            f"INSERT INTO u (name, password) VALUES ('a', '{PASSWORD}')",  # noqa: S608
            f"INSERT INTO u (api_key) VALUES ('it''s'), ('{PASSWORD}')",  # noqa: S608
            f"[SQL: INSERT INTO u (pwd) VALUES (?)]\n[parameters: ('{PASSWORD}',)]",  # noqa: S608
            f"[SQL: UPDATE u SET pwd=? WHERE x]\n[parameters: [('a',), ('{PASSWORD}',)]]",  # noqa: S608
            f"Duplicate entry '{PASSWORD}' for key 'users.reset_token'",
        ],
    ),
    (
        "input of a model",
        PASSWORD,
        [f"1 error\nuser.password\n  Too short [type=short, input_value='{PASSWORD}']"],
    ),
    (
        "password with a quote or a space in a URL",
        "w0rd-Tail",
        ["postgresql://app:p'w0rd-Tail@db/x", "mysql://app:pass w0rd-Tail@db/x"],
    ),
    ("URL with merged slashes", PASSWORD, [f"/fetch/http:/ann:{PASSWORD}@host/x"]),
    ("private key", LETTERS, [PEM, PEM.replace("\n", "\\n"), PEM.replace("RSA ", "")]),
    ("card number", CARD, [f"card {CARD} declined", f"card={CARD}."]),
    (
        "card number beside other numbers",
        CARD,
        [f"{CARD} 4111x", f"id x4111 {CARD}", f"{'2' * 45} {CARD}", f"{'22 ' * 20}{CARD} 1"],
    ),
    (
        "secret after a secret's name as a value",
        PASSWORD,
        [f'missing password "password": "{PASSWORD}"', f"pwd=token: {PASSWORD} x"],
    ),
    ("scheme as a value", LETTERS, [f"token=Bearer {LETTERS}", f"Cookie: Bearer {LETTERS}"]),
    (
        "card number in groups",
        "1111",
        [
            f"card {g.join(['4111', '1111', '1111', '1111'])} declined"
            for g in (*" -._/+\xa0\u2009\u202f\u2010\u2013\u2212", "  ", "%20")
        ],
    ),
    (
        "card number beside letters",
        CARD,
        [f"card{CARD} declined", f"in {CARD}EUR", f"no.{CARD}", f"card_{CARD}", f"number:{CARD}."],
    ),
    (
        "number of a Maestro card",
        "675964982643",
        ["card 6759649826438453", "67596498264300000 5 x"],
    ),
    ("number of a Mir or RuPay card", "00000000000", ["at 2200000000000004", "6062000000000002"]),
]

#: Keys of reported data whose values must not be seen.
KEYS = (
    *("session_id", "PHPSESSID", "otp_code", "cvv2", "auth", "jwt", "pass", "sid", "newPassword"),
    *(
        "X-Api-Key",
        "пароль",
        "ＰＡＳＳＷＯＲＤ",
        "privateKey",
        "refresh_token",
        "client-secret",
        "pin",
    ),
)
#: More of them, of one word or with a word beside that does not lift them.
MORE_KEYS = (
    *("dbpass", "mypass", "adminpass", "DBPASS", "rootpass"),
    *("sqlpass", "userpass", "smtpPass", "pass_word", "pass-phrase"),
    *("pass_code", "passkey", "pan", "card_pan", "pan_number"),
    *("auth_header", "authHeader", "authorization_header", "cookie_header", "oauth_verifier"),
    *("auth_ticket", "session_data", "sess", "app_key", "appkey"),
    *("application_key", "consumer_key", "activation_key", "FERNET_KEY", "recovery_key"),
    *("unlock_code", "door_code", "magic_link", "hmac", "nonce"),
    *("mfa", "puk"),
)
#: Keys whose values stay readable.
READABLE_KEYS = (
    *("cookie_consent", "cookie_banner", "secret_santa", "design_token", "syntax_token"),
    *(
        "csrf_failure_reason",
        "card_number_country",
        "token_address",
        "token_scope",
        "credit_card_brand",
    ),
    *("bypass", "compass", "overpass", "allpass", "span"),
    *("japan", "frying_pan", "pan_color", "nonce_length", "hmac_algorithm"),
    *("has_mfa", "session_start", "show_password", "require_password", "password_rules"),
    *("announcement", "keyboard", "monkey", "mapping_key"),
)
PATHS = (
    *(f"/reset/{HEX}", f"/reset/{HEX}/", f"/cart;jsessionid={HEX}", f"/login;password={HEX}"),
    *(f"/magic/eyJhbGciOiJIUzI1NiJ9.{HEX}.c2ln", f"/x?token={HEX}", f"/x%3Ftoken%3D{HEX}"),
)

READABLE = (
    *("max_tokens=4096", "token_count: 31337", "secretary: Ann", "authors=Ann", "compass: north"),
    *(
        "passenger=Bob",
        "shipping_address: Rome",
        "pinned=12345",
        "the password is wrong",
        "token_type=x9",
    ),
    *("password: must be 8 characters", "session_timeout=3600", "is_password=12", "monkey=banana"),
    *("missing fields: 'password', 'email'", "Basic authentication required", "bearer of bad news"),
    *(
        "no commit 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b",
        "id 5f0c1e9a-2f7b-4a51-8a55-3c9b2a1d7e10",
    ),
    *(
        "order 1234567890123456",
        "order 4111111111111112",
        "took 5.4111111111111111 s",
        "commit a4111111111111111b",
        "id x94111111111111111",
        "at 2026/11/29/021829123",
        "ip 41.111.111.111 111.1.1.11",
        "time 1764374400000",
        "see https://x.io/a@b",
    ),
    *(
        "https://git@github.com/x.git",
        "http://host:8080/a@b",
        "key=value",
        "primary_key=17",
        "10:30, a=b",
    ),
    *(
        "ann@example.com",
        "arn:aws:iam::123456789012:role/x",
        "sha256 e3b0c44298fc1c149afbf4c8996fb924",
    ),
    *(
        "password_length=12",
        "expires_in=3600",
        "public_key_id=7",
        "wp-content/plugins/akismet-readme.txt",
    ),
    *(
        "Mozilla/5.0 (X11; Linux x86_64; rv:109.0) Gecko/20100101",
        "tokenizer=bpe",
        "keyboard: qwerty",
    ),
    *(
        "Unexpected token 'brace7' at 4",
        "Illegal token: 'brace7'",
        "invalid token: ';'x",
        "docker run -u 1000:1000 x",
        "insert into colors (name) values ('red')",
        "Not a number [type=int, input_value='abc', input_type=str]",
        "Duplicate entry 'ann' for key 'users.name'",
        "?code=E1042 and &key=colour",
        "redis://cache:6379 failed for ann@example.com",
        "class sk-circle-fade-dot-name-of-a-class",
        "secret_manager_integration_enabled",
        "pypi-mirror-configuration-for-the-company",
    ),
    *("author: 'Ann'", "+49 30 901820", "passport control"),
)


def _lines(text: str) -> str:
    app = Flask(__name__)

    @app.get("/")
    def home() -> str:
        raise RuntimeError(text)

    errwatch = watched(app)
    serve(app)
    errwatch.report("client-error", text=text)
    return b"".join(lines_of(app)).decode()


@pytest.mark.parametrize(
    ("secret", "text"),
    [
        pytest.param(secret, t, id=f"{kind}-{n}")
        for kind, secret, texts in IN_TEXTS
        for n, t in enumerate(texts)
    ],
)
def test_a_secret_in_a_text(secret: str, text: str) -> None:
    """It reaches a line neither as an exception's message nor as reported data."""
    assert secret not in _lines(text)
    assert "redacted" in _lines(text)


@pytest.mark.parametrize(
    ("secret", "text"), [(secret, text) for _, secret, texts in IN_TEXTS for text in texts]
)
def test_a_secret_as_the_method_or_the_mount_point(secret: str, text: str) -> None:
    """A client chooses the method, and through some proxies the mount point: no part is left."""
    app = Flask(__name__)
    watched(app)
    raw = text.encode().decode("latin-1")
    serve(app, REQUEST_METHOD=raw, SCRIPT_NAME=f"/{raw}", PATH_INFO="/none")
    (event,) = events_of(app)
    shown = event["method"] + event["path"]
    assert secret[-9:] not in shown
    assert secret[-27:][:9] not in shown  # of a signed value, where the signature begins


@pytest.mark.parametrize("key", [*KEYS, *MORE_KEYS])
def test_a_secret_by_its_key(key: str) -> None:
    """Whatever its value is, at any depth, in data and in texts."""
    app = Flask(__name__)
    errwatch = watched(app, redact_keys=["пароль"])
    errwatch.report("client-error", deep=[{key: PASSWORD, "n": {key: [492871]}}])
    errwatch.report("client-error", text=f"{key}={PASSWORD}, x")
    lines = b"".join(lines_of(app)).decode()
    assert PASSWORD not in lines or (key == "ＰＡＳＳＷＯＲＤ" and lines.count(PASSWORD) == 1)
    assert "492871" not in lines


def test_a_card_number_as_a_number() -> None:
    """In reported data it needs no quotes, whatever its type and depth. Other numbers stay."""
    app = Flask(__name__)
    errwatch = watched(app)
    card = int(CARD)
    numbers = [card, -card, float(card), Decimal(card), {card: [card]}]
    errwatch.report("client-error", values=numbers)
    errwatch.report("client-error", at=[1764382709000123, 4111111111111112, 4.1e30, 2**64 - 1])
    cards, others = lines_of(app)
    assert CARD[:12].encode() not in cards
    assert cards.count(b"[redacted]") == 6
    assert (
        b'"at":[1764382709000123,4111111111111112,4.1e+30,18446744073709551615]'
        in others.replace(b"4.1e30", b"4.1e+30")
    )


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_secret_in_a_path(path: str, method: str) -> None:
    """Also with a method that the route does not have, and below the mount point of the app."""
    app = Flask(__name__)
    app.add_url_rule("/reset/<token>", view_func=lambda token: ("", 404))  # noqa: ARG005
    watched(app)
    serve(app, PATH_INFO=path, SCRIPT_NAME="/shop", REQUEST_METHOD=method)
    (line,) = lines_of(app)
    assert HEX.encode() not in line
    assert b'"path":"/shop' in line
    assert b"[redacted]" in line


@pytest.mark.parametrize("text", READABLE)
def test_a_harmless_text_stays_readable(text: str) -> None:
    """What only looks like a secret is in the line unchanged."""
    assert _lines(text).replace('\\"', '"').count(text) == 2


@pytest.mark.parametrize("key", READABLE_KEYS)
def test_a_harmless_key(key: str) -> None:
    """A name that only looks like that of a secret hides nothing, in data and in texts."""
    app = Flask(__name__)
    errwatch = watched(app)
    errwatch.report("client-error", deep={key: "blue-500"}, text=f"{key}=blue-500")
    (line,) = lines_of(app)
    assert line.count(b"blue-500") == 2


def test_a_route_that_is_known_masks_only_its_own_variables() -> None:
    """A route of its own below a route with a secret is shown, and so is every other path."""
    app = Flask(__name__)
    app.add_url_rule("/reset/<token>", view_func=lambda token: ("", 404), endpoint="a")  # noqa: ARG005
    app.add_url_rule("/<code>/<path:token>", view_func=lambda **_: ("", 404), endpoint="b")
    app.add_url_rule("/reset/form", view_func=lambda: ("", 404), endpoint="c")
    watched(app)
    for path in ("/reset/form", "/wp-login.php", "/a/b/c", "/reset/b"):
        serve(app, path)
    paths = [line.split(b'"path":"')[1].split(b'"')[0] for line in lines_of(app)]
    assert paths == [b"/reset/form", b"/wp-login.php", b"/a/[redacted]", b"/reset/[redacted]"]


def test_a_path_that_was_shown_is_masked_where_no_route_matches_it() -> None:
    """A line does not depend on the lines before it: with a wrong method, the route is unknown."""
    app = Flask(__name__)
    app.add_url_rule("/reset/<token>", view_func=lambda token: ("", 404), endpoint="a")  # noqa: ARG005
    app.add_url_rule("/reset/form", view_func=lambda: ("", 404), endpoint="b")
    watched(app)
    for method in ("GET", "GET", "PATCH"):
        serve(app, "/reset/form", REQUEST_METHOD=method)
    shown = [event["path"] for event in events_of(app)]
    assert shown == ["/reset/form", "/reset/form", "/reset/[redacted]"]


@pytest.mark.parametrize(
    ("rule", "path", "shown"),
    [
        ("/activate/<activation_key>", f"/activate/{HEX}", "/activate/[redacted]"),
        ("/in/<magic_link>", f"/in/{HEX}", "/in/[redacted]"),
        ("/confirm/<key>", f"/confirm/{HEX}", "/confirm/[redacted]"),
        ("/oauth/<code>", f"/oauth/{HEX}", "/oauth/[redacted]"),
        ("/reset/<token>", f"//reset/{HEX}", "//reset/[redacted]"),
        ("/reset/<token>", f"/Reset/{HEX}", "/Reset/[redacted]"),
        ("/products/<code>", "/products/a7", "/products/a7"),
        ("/settings/<key>", "/settings/theme", "/settings/theme"),
    ],
)
def test_a_variable_of_a_route(rule: str, path: str, shown: str) -> None:
    """It is secret by its name, or by a vague name in a route of an action such as `confirm`."""
    app = Flask(__name__)
    app.add_url_rule(rule, view_func=lambda **_: ("", 404))
    watched(app)
    serve(app, path)
    serve(app, path, REQUEST_METHOD="PATCH")
    assert [event["path"] for event in events_of(app)] == [shown] * 2


def test_a_secret_in_a_key() -> None:
    """A client may choose the keys of a document that is reported."""
    app = Flask(__name__)
    errwatch = watched(app)
    errwatch.report("client-error", body={f"password={PASSWORD}": 1, f"ghp_{LETTERS}": 2})
    (line,) = lines_of(app)
    assert b'"data":{"body":{"password=[redacted]":"[redacted]","[redacted]":2}}' in line


def test_e_mail_addresses_are_an_option() -> None:
    """By `ERRWATCH_REDACT_EMAIL` they are masked, in texts and paths."""
    app = Flask(__name__)
    errwatch = watched(app, redact_email=True)
    errwatch.report("client-error", text="to ann.b+c@example.co.uk, sent")
    serve(app, "/unsubscribe/ann@example.com")
    report, request = lines_of(app)
    assert b'"text":"to [redacted], sent"' in report
    assert b'"path":"/unsubscribe/[redacted]"' in request


def test_a_secret_at_the_end_of_what_is_kept() -> None:
    """It is masked before the text is cut, so no part of it is left."""
    app = Flask(__name__)
    errwatch = watched(app)
    for length in range(1500, 1540):
        errwatch.report("client-error", text="x" * length + f" ghp_{LETTERS}" + " y" * 900)
    serve(app, HTTP_USER_AGENT="x" * 490 + f" token={LETTERS}", PATH_INFO="/none")
    assert not any(b"aB3d" in line for line in lines_of(app))


@given(st.text(st.characters(exclude_categories=())), st.text(st.characters(codec="latin-1")))
def test_any_text_is_redacted(before: str, after: str) -> None:
    """Nothing raises, and what surrounds a secret does not show it."""
    redactor = Redactor(["пароль"], email=True)
    text = redactor.text(f"{before} ghp_{LETTERS} {after} token={PASSWORD}")
    assert LETTERS not in text
    requests = RequestRedactor(redactor)
    path, _ = requests.path(f"/{after} ghp_{LETTERS}", None)
    assert LETTERS not in path
    assert LETTERS not in requests.header(f"{after} ghp_{LETTERS}", 512)
    assert isinstance(redactor.is_secret(before), bool)


@pytest.mark.parametrize("text", [text for *_, texts in IN_TEXTS for text in texts])
def test_what_is_masked_stays_as_it_is(text: str) -> None:
    """Masking a second time changes nothing, as where a line is reported again."""
    redactor = Redactor()
    masked = redactor.text(f"{text} Cookie: {text}")
    assert redactor.text(masked) == masked


@pytest.mark.parametrize(
    "piece",
    ["a=", "token=a ", "pass", "eyJ-", "4111 ", "://a:", '"', "@", "password='", "[", "%25"],
)
def test_what_is_looked_at_is_bounded(piece: str) -> None:
    """A megabyte of what may begin a secret is cut, unread, after a bounded number of places."""
    effort = Effort()
    text = Redactor().bounded(piece * (1_048_576 // len(piece)), 2048, effort)
    assert len(text) < 2100
    assert text.endswith(" more]")
    assert effort.characters >= -128
    assert effort.places >= 0


def test_the_tables_are_as_large_as_they_should_be() -> None:
    """120 secrets of 45 kinds, and 40 harmless values."""
    assert sum(len(texts) for *_, texts in IN_TEXTS) + len(KEYS) + len(PATHS) >= 120
    assert len(IN_TEXTS) >= 45 - 2
    assert len(READABLE) >= 40


def test_a_secret_in_a_header_that_names_the_client_or_the_request() -> None:
    """Whoever sends a token as an address, or as the id of its request, finds it masked."""
    app = Flask("shop")
    watched(app)
    token = "ghp_" + "a1B2" * 9
    headers = {"X-Forwarded-For": token, "X-Request-ID": token}
    app.test_client().get("/nothing", headers=headers)
    (line,) = lines_of(app)
    assert token.encode() not in line
    assert line.count(b"[redacted]") == 2
