"""Tells which servers keep the names of headers apart.

In a WSGI environment `X_Forwarded_For` and `X-Forwarded-For` have one key. A client may send the
first one through proxies that write the second one, and a server that does not drop it lets it pass
for theirs, or joins the two.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

from flask_errwatch._text import text_of

#: How servers that always drop names with an underscore call themselves: Werkzeug's since its
#: version 3.0, gevent's since 1.3. Older ones do not run with Flask 3 and Python 3.11.
_ALWAYS: Final = ("Werkzeug/", "gevent/")
#: Keys of servers that drop them too, and may have any name: waitress, and Apache since 2.4.
_KEYS: Final = frozenset({"waitress.client_disconnected", "mod_wsgi.version"})
#: Signals whose handlers are methods of gunicorn's worker.
_SIGNALS: Final = ("SIGUSR1", "SIGWINCH", "SIGABRT", "SIGQUIT")


def keeps_names_apart(environ: dict[str, Any], key: str) -> bool:
    """Whether a header's key has only what was sent by the name with hyphens.

    Servers that are not known to drop names with an underscore do not count as doing so.

    Args:
        environ: The WSGI environment.
        key: The key of the header, such as `HTTP_X_FORWARDED_FOR`.

    Example:
        >>> keeps_names_apart({"SERVER_SOFTWARE": "Werkzeug/3.1.3"}, "HTTP_X_FORWARDED_FOR")
        True
        >>> keeps_names_apart({"SERVER_SOFTWARE": "Cheroot/10.0.1"}, "HTTP_X_FORWARDED_FOR")
        False
    """
    software = text_of(environ.get("SERVER_SOFTWARE"))
    if software.startswith("gunicorn/"):
        return _gunicorn_drops(key.removeprefix("HTTP_"))
    return software.startswith(_ALWAYS) or not _KEYS.isdisjoint(environ)


@lru_cache(maxsize=16)
def _gunicorn_drops(name: str) -> bool:
    """Whether gunicorn drops the name with underscores: by default it does since version 22.

    Its settings are not in the environment. The worker has them, and handles signals.
    """
    import signal

    for number in _SIGNALS:
        handler = signal.getsignal(getattr(signal, number))
        settings = getattr(getattr(handler, "__self__", None), "cfg", None)
        if settings is not None:
            names = ",".join(getattr(settings, "forwarder_headers", ()))
            let_through = names.upper().replace("-", "_").split(",")
            is_dropped = getattr(settings, "header_map", "") in {"drop", "refuse"}
            return is_dropped and {name, "*"}.isdisjoint(let_through)
    return False
