"""The import rule, and what may be imported where: read from the source, never run."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import flask_errwatch

PACKAGE = Path(flask_errwatch.__file__).parent
NAME = "flask_errwatch"

#: The layers, lowest first: a room may import rooms of its own layer and of those before.
LAYERS = (
    ("errors", "_values", "_guard", "stamps", "_process", "_context"),
    ("patterns", "config", "redaction", "addresses", "_checks", "alarms", "special_alarms"),
    ("detectors",),
    ("events", "_exceptions", "rendering", "simulation", "provision", "hooks"),
    ("_aws", "checkup", "delivery", "provision.apply", "respond", "lab", "verification"),
    ("recorder", "boundary", "answered", "watching"),
    ("extension",),
    ("cli", "cli_checkup", "cli_export", "cli_provision", "replay", "testing"),
)
#: Third-party packages and the only rooms that may import them.
ONLY = {
    "boto3": {"_aws"},
    "botocore": {"_aws"},
    "watchtower": {"delivery"},
    "moto": {"lab"},
    "rich": {"cli", "lab", "replay"},
    "plotly": {"replay"},
    "jinja2": {"replay"},
    "flask": {
        *("_context", "answered", "cli", "cli_provision", "extension", "recorder", "replay"),
        *("cli_checkup", "cli_export", "testing"),
    },
    "werkzeug": {"answered", "boundary", "events", "lab"},
    "blinker": {"events", "testing"},
    "structlog": {"recorder", "rendering"},
    "orjson": {"rendering", "delivery", "patterns", "simulation", "lab", "replay"},
}

MODULES = sorted(PACKAGE.rglob("*.py"))


def dotted(path: Path) -> str:
    """The module's name below the package; the package's own is empty."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def room(module: str) -> str:
    """The room that a module lies in; `provision.apply` is one of its own."""
    return module if module == "provision.apply" else module.split(".", maxsplit=1)[0]


def imports(path: Path) -> Iterator[str]:
    """Every module that the file imports, at its top or at use, but for types alone."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for_types = {
        id(node)
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING"
        for node in ast.walk(block)
    }
    for node in ast.walk(tree):
        if id(node) in for_types:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name} imports relatively"
            assert node.module is not None
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def own_imports(path: Path) -> set[str]:
    """The rooms of this package that the file imports, its own aside."""
    known = {dotted(module) for module in MODULES}
    found = {
        room(name.removeprefix(f"{NAME}."))
        for name in imports(path)
        if name.startswith(f"{NAME}.") and name.removeprefix(f"{NAME}.") in known
    }
    return found - {room(dotted(path))}


def layer(name: str) -> int:
    found = [number for number, rooms in enumerate(LAYERS) if name in rooms]
    assert found, f"the room {name!r} has no layer: say where it stands"
    return found[0]


@pytest.mark.parametrize("path", MODULES, ids=dotted)
def test_the_import_rule(path: Path) -> None:
    """A room imports only rooms of its own layer and of those below."""
    name = room(dotted(path))
    if not name:
        return  # the package's front: it exports
    allowed = layer(name)
    if dotted(path) == "provision":
        allowed = layer("provision.apply")  # its front exports both halves
    above = {other for other in own_imports(path) if layer(other) > allowed}
    assert above == set()


@pytest.mark.parametrize("path", MODULES, ids=dotted)
def test_who_imports_what_is_not_ours(path: Path) -> None:
    """AWS, Flask and the terminal's library are imported where the plan says, and only there."""
    name = room(dotted(path))
    wrong = {
        top
        for top in {imported.split(".")[0] for imported in imports(path)}
        if top in ONLY and name not in ONLY[top]
    }
    assert wrong == set()


@pytest.mark.parametrize("path", MODULES, ids=dotted)
def test_no_module_is_long(path: Path) -> None:
    """A module that has grown beyond 420 lines has two rooms in it."""
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 420


def test_what_is_compiled_is_what_an_answer_passes_through() -> None:
    """The list of the build names each of those modules, and none that is not there."""
    text = (PACKAGE.parent / "pyproject.toml").read_text(encoding="utf-8")
    named = set(re.findall(r'^    "/flask_errwatch/(\S+)\.py",$', text, re.MULTILINE))
    assert named == {
        *("_guard", "_process", "addresses", "boundary", "events", "hooks", "recorder", "stamps"),
        *("delivery/intake", "delivery/records", "delivery/writing"),
    }
    assert [name for name in named if not (PACKAGE / f"{name}.py").exists()] == []


def test_the_package_only_exports() -> None:
    """`__init__` imports and lists names; its functions load what is dear, at its use."""
    tree = ast.parse((PACKAGE / "__init__.py").read_text(encoding="utf-8"))
    kinds = {type(node).__name__ for node in tree.body}
    assert kinds <= {"Expr", "ImportFrom", "If", "Assign"}
    functions = [node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    assert functions == ["__getattr__", "__dir__"]
    assert [*flask_errwatch.__all__] == sorted(flask_errwatch.__all__, key=_case_sorted)


def _case_sorted(name: str) -> tuple[int, str]:
    """Constants, then classes, then functions: how the linter sorts `__all__`."""
    return (0 if name.isupper() else 1 if name[0].isupper() else 2, name)


def test_every_export_is_there() -> None:
    """Each public name can be had from the package."""
    for name in flask_errwatch.__all__:
        assert getattr(flask_errwatch, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'Plan_'"):
        _ = flask_errwatch.Plan_  # type: ignore[attr-defined]


def test_importing_and_starting_is_cheap() -> None:
    """Neither import, `init_app` nor a request without the cloudwatch sink loads AWS's library.

    Nor what is ours alone that only provisioning, or a rarer type of alarm, needs.

    structlog itself loads `rich` where that is installed, so it is loaded before we look.
    """
    program = """
import sys, flask, structlog
before = set(sys.modules)
import flask_errwatch
from flask import Flask
app = Flask("shop")
app.config["ERRWATCH_SINKS"] = "memory"
errwatch = flask_errwatch.ErrWatch(app)
app.test_client().get("/nowhere")
assert errwatch.stats(app).emitted == 1
heavy = ("boto3", "botocore", "watchtower", "moto", "rich")
print(sorted(m for m in set(sys.modules) - before if m.split(".")[0] in heavy))
later = ("special_alarms", "provision", "patterns", "simulation", "checkup", "lab", "testing")
assert {"BusyAlarm", "Plan", "ErrWatch", "errors"} < set(dir(flask_errwatch))
print([m for m in later if f"flask_errwatch.{m}" in sys.modules])
from flask_errwatch import *
print(BusyAlarm.__module__)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == "[]\n[]\nflask_errwatch.special_alarms\n"
