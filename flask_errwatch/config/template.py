"""The configuration file and the lines of an app that `flask errwatch init` writes. Pure."""

from __future__ import annotations

import json
from textwrap import wrap
from typing import Final

from flask_errwatch.config.keys import Key, all_keys

#: Columns of a line of the file.
_WIDTH: Final = 99
_HEAD: Final = '''\
"""Configuration of flask-errwatch.

Each line shows a default. Remove the "# " of those that you change. An environment variable of the
same name sets a key that is not set here. `flask errwatch config` shows what is in effect.
"""
'''
_APP: Final = """\
from flask import Flask
from flask_errwatch import ErrWatch

errwatch = ErrWatch()


def create_app():
    app = Flask(__name__)
    app.config.from_pyfile({file})
    errwatch.init_app(app)
    return app
"""


def config_file() -> str:
    """A Python file for `app.config.from_pyfile`, with every key commented out.

    Example:
        >>> config_file().splitlines()[-1]
        '# ERRWATCH_AUTO_BLOCK = False'
    """
    return "\n".join([_HEAD, *map(_entry, all_keys())])


def app_lines(file: str) -> str:
    """The lines of an application factory that reads the file.

    Args:
        file: The file, as `from_pyfile` finds it.
    """
    return _APP.format(file=_literal(file))


def _entry(key: Key) -> str:
    meaning = wrap(key.meaning, _WIDTH, initial_indent="# ", subsequent_indent="# ")
    return "\n".join([*meaning, f"# {key.name} = {_literal(key.default)}", ""])


def _literal(value: object) -> str:
    """The value in Python, a text in double quotes."""
    return json.dumps(value) if isinstance(value, str) else repr(value)
