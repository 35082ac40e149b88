"""Which bodies are passed on: those that cannot fail any more, and those that must stay themselves.

Werkzeug's inside is read for speed alone: a body that looks otherwise than expected is watched
while the server iterates over it, and has its event when it fails.
"""

from __future__ import annotations

from collections.abc import Iterable
from types import MethodType
from typing import TYPE_CHECKING, Any

from flask import Response
from werkzeug.wrappers.response import _iter_encoded
from werkzeug.wsgi import ClosingIterator

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

_ENCODING = _iter_encoded.__code__


def passes(body: Iterable[bytes], environ: WSGIEnvironment) -> bool:
    """Whether the body is passed on as it is.

    One that cannot fail any more is what Flask's own response makes of one text, with nothing
    to be called when it is closed. No object is asked for anything before it is known what it is.
    """
    if body.__class__ is not ClosingIterator:
        return _must_stay_itself(body, environ)
    werkzeugs: Any = body
    try:
        close = werkzeugs._callbacks[-1]  # noqa: SLF001 - see above
        if close.__class__ is not MethodType or close.__self__.__class__ is not Response:
            return False
        response = close.__self__
        parts = response.response
        return (
            parts.__class__ is list
            and len(parts) == 1
            and parts[0].__class__ is bytes
            and not response._on_close  # noqa: SLF001
            and werkzeugs._next.args[0].gi_code is _ENCODING  # noqa: SLF001
        )
    except (AttributeError, IndexError):
        return False


def _must_stay_itself(body: Iterable[bytes], environ: WSGIEnvironment) -> bool:
    """Whether a server looks at what the body is.

    A body with a length is there already, and a server may look at the length (PEP 3333,
    "Handling the Content-Length Header"). A server recognises its own file wrapper and sends
    the file without Python ("Optional Platform-Specific File Handling"): it must stay itself.
    """
    if hasattr(body, "__len__"):
        return True
    wrapper = environ.get("wsgi.file_wrapper")
    return isinstance(wrapper, type) and isinstance(body, wrapper)
