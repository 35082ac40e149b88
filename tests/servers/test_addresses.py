"""The client's address on real servers, which differ in which headers they take for another."""

from __future__ import annotations

import http.client
import sys
from pathlib import Path

import pytest

from tests.stress.harness import stage

BIN = Path(sys.executable).parent
APP = "tests.servers.recipe_app:app"
TRUE, FORGED = "198.51.100.66", "203.0.113.1"
_WSGIREF = f"""
from importlib import import_module
from wsgiref.simple_server import make_server

app = import_module("{APP.partition(":")[0]}").app
server = make_server("127.0.0.1", 0, app)
print(f"http://127.0.0.1:{{server.server_port}}", flush=True)
server.serve_forever()
"""
SERVERS = {
    "gunicorn": (str(BIN / "gunicorn"), "--no-control-socket", "-b", "127.0.0.1:0", APP),
    "gunicorn-dangerous": (
        *(str(BIN / "gunicorn"), "--no-control-socket", "--header-map", "dangerous"),
        *("-b", "127.0.0.1:0", APP),
    ),
    "gunicorn-forwarder": (
        *(str(BIN / "gunicorn"), "--no-control-socket"),
        *("--forwarder-headers", "SCRIPT_NAME,X_FORWARDED_FOR", "-b", "127.0.0.1:0", APP),
    ),
    "wsgiref": (sys.executable, "-c", _WSGIREF),
    "gevent": (
        *(str(BIN / "gunicorn"), "--no-control-socket", "-k", "gevent", "-b", "127.0.0.1:0", APP),
    ),
    "waitress": (
        *(str(BIN / "waitress-serve"), "--listen=127.0.0.1:0"),
        *("--no-clear-untrusted-proxy-headers", APP),
    ),
    "flask": (sys.executable, "-m", "flask", "--app", APP, "run", "--port", "0"),
    "uwsgi": (
        *(str(BIN / "uwsgi"), "--http-socket", "127.0.0.1:0", "--master", "--enable-threads"),
        *("--need-app", "--die-on-term", "--virtualenv", sys.prefix, "--module", APP),
    ),
    "uvicorn": (
        *(str(BIN / "uvicorn"), "--port", "0", "--no-proxy-headers"),
        "tests.servers.recipe_asgi:asgi",
    ),
    "hypercorn": (str(BIN / "hypercorn"), "-b", "127.0.0.1:0", f"wsgi:{APP}"),
}


@pytest.mark.parametrize(
    ("server", "trust"),
    [
        *((name, "verified") for name in ("gunicorn", "gevent", "waitress", "flask")),
        *((name, "counted") for name in ("uwsgi", "uvicorn", "hypercorn", "wsgiref")),
        *((name, "counted") for name in ("gunicorn-dangerous", "gunicorn-forwarder")),
    ],
)
def test_a_header_with_underscores_is_never_verified(server: str, trust: str) -> None:
    """`X_Forwarded_For`, which proxies pass on, never makes a forged address `verified`."""
    command = SERVERS[server]
    if not Path(command[0]).exists():
        pytest.skip(f"{server} is not installed")
    with stage(SINKS="cloudwatch", TRUSTED_PROXIES="127.0.0.0/8") as on:
        child = on.start(*command)
        connection = http.client.HTTPConnection("127.0.0.1", child.port(), timeout=60)
        connection.putrequest("GET", "/gone")
        connection.putheader("X-Forwarded-For", TRUE)
        connection.putheader("X_Forwarded_For", FORGED)
        connection.endheaders()
        assert connection.getresponse().status == 404
        connection.close()
        child.end()
        on.drain("shop")
        (line,) = [line for line in on.arrived() if line.get("path") == "/gone"]
    assert line["client_ip_source"] == "x-forwarded-for"
    assert line["client_ip_trust"] == trust
    assert line["client_ip"] == TRUE or trust == "counted"
