"""Reads the import graph of the package from its source. `python -m tests.architecture` prints it.

An import counts wherever it is in a module: at the top, in a function, or for types alone.
"""

from __future__ import annotations

import ast
import functools
import sys
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

NAME = "flask_errwatch"
PACKAGE = Path(__file__).parents[1] / NAME

#: The layers, lowest first. A package imports only packages of its own layer and of those below.
#: A package that is not named belongs to the nearest named package around it. `provision` and
#: `respond` have two halves: what calls AWS, and what is pure.
LAYERS: tuple[tuple[str, ...], ...] = (
    (
        *("_aws_networks", "_fork", "_guard", "_lambda", "_parsers", "_text"),
        *("_time", "_urls", "errors"),
    ),
    ("patterns", "config", "alarms", "detectors"),
    ("provision",),
    ("simulation",),
    ("capture", "respond"),
    ("_aws",),
    ("delivery", "provision.edge", "respond.edge"),
    ("doctor", "lab", "replay"),
    ("extension",),
    ("", "testing", "cli", "celery"),  # the root exports: no package below may import from it
)
#: The packages of `respond` that are pure. All its other modules may call AWS, and so may some
#: modules of these packages.
PURE_IN_RESPOND = frozenset(("answer", "aws_lambda", "blocking", "ranking", "views"))
EDGE_IN_RESPOND = frozenset(
    (
        *("aws_lambda.blocks", "aws_lambda.published"),
        *("blocking.arrivals", "blocking.audit_log", "blocking.block_lines"),
        *("blocking.blocker", "blocking.client_lines", "blocking.ip_sets", "blocking.web_acls"),
    )
)
#: The modules of `provision` that call AWS or read the clock. All its others are pure.
EDGE = frozenset(
    (
        *("apply", "discovery", "ip_set_discovery", "log_lines", "mute", "needed_fields"),
        *("refresh", "role_discovery", "status", "tag_discovery", "target"),
    )
)
#: Packages that import neither Flask nor AWS and read no clock.
PURE = ("patterns", "detectors", "alarms", "provision", "simulation", "respond")


def modules() -> dict[str, Path]:
    """Every module by its dotted name below the package. The package's own name is empty."""
    return {dotted(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def dotted(path: Path) -> str:
    """The module's name below the package."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def package_of(module: str) -> str:
    """The package that a module belongs to in `LAYERS`.

    Example:
        >>> package_of("delivery.journal.reader"), package_of("provision.apply"), package_of("")
        ('delivery', 'provision.edge', '')
        >>> package_of("respond.ranking.lines"), package_of("respond.reading.insights")
        ('respond', 'respond.edge')
        >>> package_of("respond.blocking.brakes"), package_of("respond.blocking.blocker")
        ('respond', 'respond.edge')
    """
    first, _, inner = module.partition(".")
    if first == "provision":
        # Its `__init__` exports both halves.
        is_edge = inner in EDGE or not inner
    else:
        is_pure = inner.partition(".")[0] in PURE_IN_RESPOND and inner not in EDGE_IN_RESPOND
        is_edge = first == "respond" and not is_pure
    return f"{first}.edge" if is_edge else first


def imported_by(path: Path, *, with_types: bool = True) -> Iterator[str]:
    """Every module or name that the file imports.

    Args:
        path: The file.
        with_types: Whether imports under `if TYPE_CHECKING:` count.
    """
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for_types = {
        id(node)
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING"
        for node in ast.walk(block)
    }
    for node in ast.walk(tree):
        if id(node) in for_types and not with_types:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.level or node.module is None:
                raise ValueError(f"{path} has a relative import")
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                is_module = whole.removeprefix(f"{NAME}.") in _KNOWN
                yield whole if is_module else node.module


@functools.cache
def graph(*, with_types: bool = True) -> dict[str, set[str]]:
    """Which modules of the package each of its modules imports."""
    return {
        module: {
            name.removeprefix(NAME).lstrip(".")
            for name in imported_by(path, with_types=with_types)
            if name == NAME or name.startswith(f"{NAME}.")
        }
        - {module}
        for module, path in modules().items()
    }


def folders(of: Mapping[str, set[str]]) -> dict[str, set[str]]:
    """The graph by folder: `provision` is one node, and a package inside a package is another."""

    def folder(module: str) -> str:
        path = _KNOWN[module]
        return dotted(path.parent / "__init__.py") or module

    result: dict[str, set[str]] = {}
    for module, imported in of.items():
        result.setdefault(folder(module), set()).update(map(folder, imported))
    return {name: imported - {name} for name, imported in result.items()}


def cycle(of: Mapping[str, set[str]]) -> list[str]:
    """The names along one cycle of the graph, or an empty list."""
    try:
        TopologicalSorter(of).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


_KNOWN = modules()


def main() -> int:
    """Prints the imports of each package, lowest layer first. Returns 1 if there is a cycle."""
    whole = graph()
    for number, layer in enumerate(LAYERS, start=1):
        print(f"layer {number}")  # noqa: T201 - a script
        for package in layer:
            members = [module for module in whole if package_of(module) == package]
            imported = {package_of(name) for module in members for name in whole[module]}
            if members:
                listed = ", ".join(sorted(imported - {package})) or "nothing of ours"
                print(f"  {package} ({len(members)} modules): {listed}")  # noqa: T201
    roots = [name for name in whole if "." not in name and _KNOWN[name].parent == PACKAGE]
    print(f"modules in the root package: {len(roots)}")  # noqa: T201
    cycles = {
        "at run time": cycle(graph(with_types=False)),
        "with imports for types": cycle(whole),
        "of packages": cycle(folders(whole)),
    }
    for kind, names in cycles.items():
        print(f"cycles {kind}: {' -> '.join(names) or 'none'}")  # noqa: T201
    return int(any(cycles.values()))


if __name__ == "__main__":
    sys.exit(main())
