"""Whether Flask can find an app, before it is imported."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path

from flask.cli import ScriptInfo

#: The modules in which Flask looks for an app without `--app` (`flask.cli.ScriptInfo.load_app`).
_DEFAULT_MODULES = ("wsgi", "app")


def raise_if_no_app(info: ScriptInfo) -> None:
    """Raises Flask's own error if there is no module of an app. It imports none.

    Args:
        info: What `flask` was given.

    Raises:
        NoAppException: When nothing is where the app should be.
    """
    given = info.app_import_path
    # As Flask splits `--app module:name`: the colon of a Windows drive is part of the path.
    modules = [re.split(r":(?![\\/])", given, maxsplit=1)[0]] if given else _DEFAULT_MODULES
    if info.create_app is None and not any(map(_exists, modules)):
        info.load_app()


def _exists(module: str) -> bool:
    """Whether a file, a folder or an installed package may be the module."""
    package = module.partition(".")[0]
    paths = (module, f"{module}.py", package, f"{package}.py")
    return any(Path(path).exists() for path in paths) or find_spec(package) is not None
