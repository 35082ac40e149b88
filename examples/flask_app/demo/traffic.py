"""A scripted hour: customers, a path scan and a password-guessing run, over real HTTP."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.client import HTTPConnection
from urllib.parse import urlencode

from examples.flask_app.data import PRODUCTS
from examples.flask_app.payment import BROKEN, DECLINED

MINUTE = 60.0
HOUR = 60 * MINUTE

SCANNER = "203.0.113.66"
GUESSER = "192.0.2.13"

#: How many requests run at the same time, and how long each may take, in seconds.
_AT_ONCE = 6
_PATIENCE = 60.0

_PROBED = (
    *("/.env", "/.git/config", "/.git/HEAD", "/.aws/credentials", "/.ssh/id_rsa", "/.DS_Store"),
    *("/wp-login.php", "/wp-admin/setup-config.php", "/xmlrpc.php", "/wordpress/", "/blog/wp/"),
    *("/phpmyadmin/", "/pma/", "/mysql/", "/adminer.php", "/db.sql", "/dump.sql", "/backup.zip"),
    *("/config.php", "/config.json", "/config.yml", "/settings.py", "/web.config", "/info.php"),
    *("/phpinfo.php", "/test.php", "/shell.php", "/cgi-bin/luci", "/cgi-bin/test.cgi", "/boaform"),
    *("/server-status", "/actuator/env", "/actuator/health", "/jenkins/", "/solr/", "/console"),
    *("/api/v1/users", "/api/swagger.json", "/graphql", "/v2/_catalog", "/manager/html", "/owa/"),
    *("/autodiscover", "/remote/login", "/vendor/phpunit", "/old/", "/new/", "/staging/", "/test/"),
    *(
        "/uploads/",
        "/logs/error.log",
        "/debug",
        "/metrics",
        "/id_rsa",
        "/private.key",
        "/admin.php",
    ),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Visit:
    """One request.

    Attributes:
        at: The time, in seconds of the lab since the start of the hour.
        client: The client address, as a proxy in front would send it.
        method: `GET` or `POST`.
        path: The path of the URL.
        form: The form data of a POST.
    """

    at: float
    client: str
    path: str
    method: str = "GET"
    form: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a visit. Status 0 means that there was none.

    Attributes:
        visit: The request.
        status: The HTTP status.
    """

    visit: Visit
    status: int


def scripted_hour() -> list[Visit]:
    """All visits in the order of time, the same in every run."""
    return sorted([*_customers(), *_path_scan(), *_password_guessing()], key=lambda visit: visit.at)


def _customers() -> Iterator[Visit]:
    """Normal traffic with a few failures, far below every threshold."""
    chance = random.Random(7)  # noqa: S311 - not a secret
    clients = [f"198.51.100.{number}" for number in range(11, 41)]
    slugs = list(PRODUCTS)
    for _ in range(330):
        path = chance.choice(["/", *(f"/products/{slug}" for slug in slugs)])
        yield Visit(at=chance.uniform(0, HOUR), client=chance.choice(clients), path=path)
    for minute in range(1, 60, 2):
        slug, client = chance.choice(slugs), chance.choice(clients)
        yield Visit(at=minute * MINUTE, client=client, path=f"/checkout/{slug}")
        card = {7: DECLINED, 15: BROKEN, 33: BROKEN, 41: DECLINED, 57: BROKEN}.get(minute, "4242")
        yield Visit(
            at=minute * MINUTE + 20,
            client=client,
            method="POST",
            path=f"/checkout/{slug}",
            form={"quantity": "1", "card": card},
        )
    for minute in range(2, 60, 4):
        stale = chance.choice(["/products/earl-grey", "/favicon.ico", "/sale", "/robots.txt"])
        yield Visit(at=minute * MINUTE, client=chance.choice(clients), path=stale)
    for minute in range(4, 60, 6):
        mistyped = minute % 3 == 1
        yield Visit(
            at=minute * MINUTE,
            client=clients[minute % 30],
            method="POST",
            path="/login",
            form={"name": "ann", "password": "camomile" if mistyped else "chamomile"},
        )
    for minute in (11, 37):
        yield Visit(at=minute * MINUTE, client=clients[5], method="POST", path="/login")


def _path_scan() -> Iterator[Visit]:
    """One client probes paths that do not exist."""
    for number, path in enumerate(_PROBED):
        yield Visit(at=16 * MINUTE + number * 9, client=SCANNER, path=path)


def _password_guessing() -> Iterator[Visit]:
    """One client tries passwords for two accounts."""
    for number in range(44):
        yield Visit(
            at=36 * MINUTE + number * 9,
            client=GUESSER,
            method="POST",
            path="/login",
            form={"name": ("ann", "root")[number % 2], "password": f"winter{2000 + number // 2}"},
        )


def send(
    visits: list[Visit],
    port: int,
    *,
    due: Callable[[Visit], float],
    started: Callable[[Visit], None],
) -> list[Answer]:
    """Sends each visit when it is due, and returns the answers.

    Args:
        visits: In the order of time.
        port: The shop's port on loopback.
        due: When a visit is due, on the clock of `time.time()`.
        started: Called when a visit is sent.
    """
    pause = threading.Event()
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="visitor") as pool:
        try:
            answers = []
            for visit in visits:
                pause.wait(max(0.0, due(visit) - time.time()))
                answers.append(pool.submit(_answer, visit, port))
                started(visit)
            return [answer.result() for answer in answers]
        finally:
            pool.shutdown(cancel_futures=True)


def _answer(visit: Visit, port: int) -> Answer:
    connection = HTTPConnection("127.0.0.1", port, timeout=_PATIENCE)
    headers = {"X-Forwarded-For": visit.client, "User-Agent": "demo"}
    if visit.method == "POST":
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    body = urlencode(visit.form) if visit.method == "POST" else None
    try:
        connection.request(visit.method, visit.path, body, headers)
        response = connection.getresponse()
        response.read()
    except OSError:
        return Answer(visit, 0)
    else:
        return Answer(visit, response.status)
    finally:
        connection.close()
