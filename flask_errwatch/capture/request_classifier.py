"""Classifies the failing requests of one Flask app: takes them apart for `suspicion`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from flask import Flask
from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.routing import BaseConverter, Map, RequestRedirect, Rule

from flask_errwatch._text import text_of
from flask_errwatch.capture.redaction.requests import VARIABLE
from flask_errwatch.capture.suspicion import Match, Site, Suspicion, classify, own_words
from flask_errwatch.config import Config

# A local name: Python 3.11 looks a member up in Python code.
_NONE: Final = Match.NONE
#: A segment that no app has. A variable that takes it takes any text.
_ANY_TEXT: Final = "zq-wx"


class RequestClassifier:
    """Classifies requests by the URL map of their app, whose words are read once.

    Args:
        app: The app, whose URL map is complete; None when it is gone.
        config: The app's configuration.
    """

    def __init__(self, app: Flask | None, config: Config) -> None:
        self._url_map = url_map = Map() if app is None else app.url_map
        self._server_name, self._subdomain = _names_of_host(app)
        self._matches: dict[str, Match] = {}
        self._site = Site(
            own=own_words(rule.rule for rule in url_map.iter_rules()),
            ignored=config.ignored_paths,
            expected_agents=config.expected_agents,
        )

    def classified(self, environ: Mapping[str, Any], request: object, status: int) -> Suspicion:
        """The fields of a failing request.

        Args:
            environ: The WSGI environment.
            request: The request that Flask or a middleware made of it, or None.
            status: The status of the response.
        """
        return classify(
            self._site,
            status,
            text_of(environ.get("REQUEST_METHOD")),
            text_of(environ.get("PATH_INFO")),
            text_of(environ.get("QUERY_STRING")),
            text_of(environ.get("HTTP_HOST")) or text_of(environ.get("SERVER_NAME")),
            text_of(environ.get("HTTP_REFERER")),
            text_of(environ.get("HTTP_USER_AGENT")),
            self._match(environ, request),
        )

    def _match(self, environ: Mapping[str, Any], request: object) -> Match:
        """How the app's routes match the path, also with another method or before Flask."""
        rule = getattr(request, "url_rule", None)
        if rule is not None and isinstance(rule, Rule):
            return self._match_by(rule)
        refusal = getattr(request, "routing_exception", None)
        # Flask did not route it: a middleware answered, which may have built a request of its own.
        if refusal is None:
            return self._looked_up(environ, None)
        if isinstance(refusal, MethodNotAllowed):
            return self._looked_up(environ, next(iter(refusal.valid_methods or ()), None))
        return _NONE

    def _looked_up(self, environ: Mapping[str, Any], method: str | None) -> Match:
        """Matches the path itself: a middleware answered, or no route takes the method."""
        try:
            urls = self._url_map.bind_to_environ(dict(environ), self._server_name, self._subdomain)
            rule, _ = urls.match(method=method, return_rule=True)
        except RequestRedirect:
            return Match.ROUTE
        except MethodNotAllowed as refusal:
            # Once: a valid method is not refused.
            methods = refusal.valid_methods if method is None else None
            return self._looked_up(environ, next(iter(methods))) if methods else Match.NONE
        except HTTPException:
            return Match.NONE
        return self._match_by(rule)

    def _match_by(self, rule: Rule) -> Match:
        match = self._matches.get(rule.rule)
        if match is None:
            match = self._matches[rule.rule] = match_by(rule)
        return match


def _names_of_host(app: Flask | None) -> tuple[str | None, str | None]:
    """The server's name and the subdomain to which Flask binds the app's URL map."""
    if app is None or app.url_map.host_matching:
        return None, None
    if app.subdomain_matching:
        return app.config["SERVER_NAME"], None
    return None, app.url_map.default_subdomain or ""


def match_by(rule: Rule) -> Match:
    """What it means that a rule matched a path: a rule without a fixed word may take any.

    Example:
        >>> urls = Map([Rule("/a/<path:x>"), Rule("/<path:x>"), Rule("/<x>"), Rule("/<int:x>")])
        >>> [match_by(rule).value for rule in urls.iter_rules()]
        ['route', 'none', 'text', 'route']
    """
    converters = [] if re.sub(VARIABLE, "", rule.rule).strip("/") else _converters(rule)
    if not converters:
        return Match.ROUTE
    if any(re.fullmatch(converter.regex, _ANY_TEXT) is None for converter in converters):
        return Match.ROUTE
    is_isolated = all(converter.part_isolating for converter in converters)
    return Match.TEXT if is_isolated else Match.NONE


def _converters(rule: Rule) -> list[BaseConverter]:
    """The converters of a rule's variables: those that a map makes for a copy of the rule."""
    made: list[BaseConverter] = []

    def noting(converter: Callable[..., BaseConverter]) -> Callable[..., BaseConverter]:
        def make(*args: object, **options: object) -> BaseConverter:
            made.append(converter(*args, **options))
            return made[-1]

        return make

    copy = rule.empty()
    # Those of the host are not part of the path.
    copy.subdomain = copy.host = None
    noted: dict[str, Any] = {
        name: noting(converter) for name, converter in rule.map.converters.items()
    }
    Map([copy], converters=noted)
    return made
