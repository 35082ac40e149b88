"""The import rule and the third-party imports, checked in the source without running it."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import flask_errwatch
from tests.architecture import (
    LAYERS,
    PACKAGE,
    PURE,
    cycle,
    folders,
    graph,
    imported_by,
    modules,
    package_of,
)

MODULES = modules()
#: Third-party packages and the only packages or root modules that may import them.
ONLY = {
    "boto3": {"_aws"},
    "botocore": {"_aws"},
    "watchtower": {"delivery"},
    "moto": {"lab"},
    "rich": {"cli"},
    "plotly": {"replay"},
    "jinja2": {"replay", "respond"},
    "flask": {"capture", "celery", "cli", "extension", "testing"},
    "werkzeug": {"capture", "lab"},
    "blinker": {"capture", "testing"},
    "structlog": {"capture"},
    "orjson": {"capture", "delivery", "patterns", "simulation", "lab", "replay"},
    "click": {"cli"},
    "celery": {"celery"},
}
#: Methods of `datetime` and `date` that read the clock.
CLOCKS = {"now", "utcnow", "today"}


def layer(package: str) -> int:
    """The number of the layer that a package is in."""
    numbers = [number for number, names in enumerate(LAYERS) if package in names]
    assert numbers, f"LAYERS in tests/architecture.py does not name the package {package!r}"
    return numbers[0]


@pytest.mark.parametrize("module", [name for name in MODULES if name])
def test_the_import_rule(module: str) -> None:
    """A package imports only packages of its own layer and of those below, also for types."""
    own = package_of(module)
    above = {
        imported
        for imported in graph()[module]
        if package_of(imported) != own and layer(package_of(imported)) > layer(own)
    }
    assert above == set()


def test_there_is_no_cycle() -> None:
    """Neither modules nor packages import each other in a circle, types included."""
    assert cycle(graph()) == []
    assert cycle(folders(graph())) == []


def test_the_root_package_is_small() -> None:
    """The root has what users import and the shared machinery, at most 14 modules."""
    assert len([*PACKAGE.glob("*.py")]) <= 14


@pytest.mark.parametrize("module", MODULES)
def test_third_party_packages_are_imported_where_they_may_be(module: str) -> None:
    """Only the packages in `ONLY` import AWS, Flask and the other libraries."""
    imported = {name.split(".")[0] for name in imported_by(MODULES[module], with_types=False)}
    package = module.partition(".")[0]
    assert {name for name in imported if name in ONLY and package not in ONLY[name]} == set()


@pytest.mark.parametrize("module", [name for name in MODULES if package_of(name) in PURE])
def test_the_pure_packages_read_no_clock(module: str) -> None:
    """Their callers pass the time."""
    path = MODULES[module]
    assert "time" not in {name.split(".")[0] for name in imported_by(path)}
    tree = ast.parse(path.read_text(encoding="utf-8"))
    attributes = (node for node in ast.walk(tree) if isinstance(node, ast.Attribute))
    assert {ast.unparse(node) for node in attributes if is_clock(node)} == set()


def is_clock(node: ast.Attribute) -> bool:
    """Whether it is a method that reads the clock, and not the field of a record."""
    owner = ast.unparse(node.value).rpartition(".")[2]
    return node.attr in CLOCKS and owner in {"datetime", "date"}


@pytest.mark.parametrize("module", [name for name in MODULES if name])
def test_every_import_can_be_seen(module: str) -> None:
    """Only the root imports by a string, so that the rules above see every other import."""
    tree = ast.parse(MODULES[module].read_text(encoding="utf-8"))
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    names |= {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    assert names & {"import_module", "__import__"} == set()


@pytest.mark.parametrize("module", MODULES)
def test_no_module_is_long(module: str) -> None:
    """A module beyond 420 lines has two subjects and is to be split."""
    assert len(MODULES[module].read_text(encoding="utf-8").splitlines()) <= 420


@pytest.mark.parametrize("module", [name for name in MODULES if "." in name])
def test_modules_inside_packages_have_no_underscore(module: str) -> None:
    """Only the `__init__` of a package determines its public names, not the names of modules."""
    assert not module.rpartition(".")[2].startswith("_")


def test_no_exported_name_hides_a_module() -> None:
    """No package exports a name that one of its modules has, so `import package.name` works."""
    for module, path in MODULES.items():
        if path.name != "__init__.py":
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        exported = {
            alias.asname or alias.name
            for node in tree.body
            if isinstance(node, ast.ImportFrom)
            for alias in node.names
        }
        beside = {other.stem for other in path.parent.glob("*.py")}
        assert exported & beside == set(), f"in {module or 'the root'}"


def test_the_modules_of_a_request_are_compiled() -> None:
    """The build lists exactly the modules that requests, failing or not, run. Each exists."""
    text = (PACKAGE.parent / "pyproject.toml").read_text(encoding="utf-8")
    named = set(re.findall(r'^    "/flask_errwatch/(\S+)\.py",$', text, re.MULTILINE))
    assert named == {
        *("_fork", "_guard", "_text", "_time"),
        *(
            f"capture/{name}"
            for name in (
                *("client_address", "events", "hooks", "identity", "ids"),
                *("middleware", "recorder", "request_state"),
            )
        ),
        *(f"capture/suspicion/{name}" for name in ("injections", "paths", "referrers", "verdict")),
        *("delivery/journal/records", "delivery/journal/writer"),
    }
    assert [name for name in named if not (PACKAGE / f"{name}.py").exists()] == []


def test_the_package_only_exports() -> None:
    """`__init__` imports and lists names. Its functions import what is expensive on first use."""
    tree = ast.parse((PACKAGE / "__init__.py").read_text(encoding="utf-8"))
    kinds = {type(node).__name__ for node in tree.body}
    assert kinds <= {"Expr", "ImportFrom", "If", "Assign"}
    functions = [node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    assert functions == ["__getattr__", "__dir__"]
    assert [*flask_errwatch.__all__] == sorted(flask_errwatch.__all__, key=_case_sorted)


def _case_sorted(name: str) -> tuple[int, str]:
    """Constants, then classes, then functions: how the linter sorts `__all__`."""
    return (0 if name.isupper() else 1 if name[0].isupper() else 2, name)


def test_every_export_exists() -> None:
    """Each public name is an attribute of the package."""
    for name in flask_errwatch.__all__:
        assert getattr(flask_errwatch, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'Plan_'"):
        _ = flask_errwatch.Plan_  # type: ignore[attr-defined]


def test_importing_and_starting_is_cheap() -> None:
    """Import, `init_app` and a request without the cloudwatch sink do not load boto3.

    Nor do they load modules that only provisioning, the judge or the doctor needs. The program
    imports structlog first, as structlog imports `rich` if that is installed.
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
later = ("provision", "patterns", "simulation", "doctor", "lab", "testing")
assert {"BusyAlarm", "Plan", "ErrWatch", "errors"} < set(dir(flask_errwatch))
print([m for m in later if f"flask_errwatch.{m}" in sys.modules])
from flask_errwatch import *
print(Plan.__module__)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == "[]\n[]\nflask_errwatch.provision.plan\n"


def lost_examples(source: str) -> list[str]:
    """The first line of each example in a docstring that is neither a doctest nor a code block."""
    owners = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    documented = (node for node in ast.walk(ast.parse(source)) if isinstance(node, owners))
    first_lines = [
        line
        for node in documented
        for line in re.findall(r"^ *Examples?:\s*(.*)", ast.get_docstring(node) or "", re.MULTILINE)
    ]
    return [line for line in first_lines if not line.startswith((">>>", "```", ".. code-block::"))]


@pytest.mark.parametrize("module", MODULES)
def test_examples_run(module: str) -> None:
    """An example in a docstring starts with a prompt, without which no test would run it."""
    assert lost_examples(MODULES[module].read_text(encoding="utf-8")) == []


def test_a_lost_prompt_is_found() -> None:
    """Also after a blank line, and when the docstring ends there."""
    kept = 'def f():\n    """F.\n\n    Example:\n        >>> f()\n    """\n'
    assert lost_examples(kept) == []
    assert lost_examples(kept.replace(">>> f()", "f()")) == ["f()"]
    assert lost_examples(kept.replace("        >>> f()", "\n        f()")) == ["f()"]
    assert lost_examples(kept.replace("        >>> f()\n", "")) == [""]


def test_the_graph_can_be_printed() -> None:
    """`python -m tests.architecture` prints every package, and exits with 0 without a cycle."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.architecture"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        cwd=Path(__file__).parents[1],
    )
    assert done.returncode == 0
    assert done.stdout.endswith("cycles of packages: none\n")
    assert re.search(r"^  patterns \(\d+ modules\): errors$", done.stdout, re.MULTILINE)


def test_the_documented_walks_exist() -> None:
    """Each hop in docs/architecture.md names a file of the package and a function in it."""
    page = (PACKAGE.parent / "docs" / "architecture.md").read_text(encoding="utf-8")
    hops = re.findall(r"^\| [^|]* \| `([\w/]+\.py)` \| `([\w.]+)` \|$", page, re.MULTILINE)
    assert len(hops) > 40
    missing = [hop for hop in hops if hop[1] not in _definitions(PACKAGE / hop[0])]
    assert missing == []


def _definitions(path: Path) -> set[str]:
    """The functions and classes of a module, and the methods as `Class.method`."""
    names: set[str] = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        if isinstance(node, ast.ClassDef):
            methods = [part for part in node.body if isinstance(part, ast.FunctionDef)]
            names |= {f"{node.name}.{method.name}" for method in methods}
    return names
