"""The kinds of the lines that an app would have written for the requests of an access log."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from flask_errwatch.capture.suspicion import Match, Site, Suspicion, classify, split_target
from flask_errwatch.replay.readers import MISSING, Gathered
from flask_errwatch.replay.requests import Request, split_request
from flask_errwatch.replay.sites import template_of
from flask_errwatch.simulation import LineKind

# Requests whose kind is remembered: they come again.
_REMEMBERED = 4_096

# Of status, method, target, referrer and user agent.
_Classify = Callable[[int, str, str, str, str], Suspicion]


class RequestKinds:
    """The kinds of requests, failed or not.

    A failed request has the fields that the app's line would have: the event of the detector that
    claims its status, `status`, `method`, `path`, and in the combined format what the sensor
    derives of referrer and user agent.

    Args:
        gathered: Where the lines are counted.
    """

    def __init__(self, gathered: Gathered) -> None:
        self._gathered = gathered
        self._fields = gathered.kinds.fields
        catalogue = gathered.detectors.catalogue
        claims = {status: catalogue.for_status(status) for status in range(100, 1000)}
        self._detectors = {
            str(status): detector for status, detector in claims.items() if detector is not None
        }
        self._classify: _Classify | None = None
        if gathered.site.is_known and gathered.reads_classes:
            self._classify = _classifier(gathered)
        self._reads_source = "client_ip" in self._fields
        self._reads_path = "path" in self._fields
        self._kind = lru_cache(_REMEMBERED)(self._kind_of)
        self._kind_with = lru_cache(_REMEMBERED)(self._kind_with_fields)

    def kind_of(self, request: Request) -> LineKind:
        """The kind of a request."""
        if request.status not in self._detectors:
            return self._gathered.kinds.other
        source = request.source if self._reads_source else ""
        return self._kind(request.status, request.line, request.referrer, request.agent, source)

    def event_of(self, request: Request) -> dict[str, object]:
        """The fields of the line that the app would have written, as far as the log shows them.

        A request that no detector claims has no `event`: the app writes no line for it.
        """
        method, target = split_request(request.line)
        path = request.path
        fields: dict[str, object] = {
            "status": int(request.status),
            "method": method,
            "path": path,
            "client_ip": request.source,
        }
        detector = self._detectors.get(request.status)
        if detector is None:
            return fields
        head = {"event": detector.event, "detector": detector.name, "count": 1}
        template = template_of(path)
        if template in self._gathered.site.answered:
            fields["route"] = template
        if request.agent is not None and request.agent != "-":
            fields["user_agent"] = request.agent
        if (
            self._classify is not None
            and request.referrer is not None
            and request.agent is not None
        ):
            status = int(request.status)
            classes = self._classify(status, method, target, request.referrer, request.agent)
            fields |= classes._asdict()
            if not self._gathered.site.host:
                del fields["referrer"]  # of a log that names no own host, nothing follows from "-"
        return {**head, **fields}

    def _kind_of(
        self, status: str, line: str, referrer: str | None, agent: str | None, source: str
    ) -> LineKind:
        method, target = split_request(line)
        path = target.partition("?")[0] if self._reads_path else ""
        classes = None
        if self._classify is not None and referrer is not None and agent is not None:
            classes = self._classify(int(status), method, target, referrer, agent)
        return self._kind_with(status, method, path, source, classes)

    def _kind_with_fields(
        self, status: str, method: str, path: str, source: str, classes: Suspicion | None
    ) -> LineKind:
        values: dict[str, object] = {
            "event": self._detectors[status].event,
            "status": int(status),
            "method": method,
            "path": path,
            "count": 1,
            "client_ip": source,
        }
        if classes is not None:
            values |= classes._asdict()
        return self._gathered.kind_of(tuple(values.get(field, MISSING) for field in self._fields))


def _classifier(gathered: Gathered) -> _Classify:
    """The sensor's classification, by the app's URL map where there is an app."""
    by_map, config = gathered.detectors.classifier, gathered.detectors.config
    seen = gathered.site
    if by_map is not None:

        def by_url_map(
            status: int, method: str, target: str, referrer: str, agent: str
        ) -> Suspicion:
            path, query = split_target(target)
            environ = {
                "REQUEST_METHOD": method,
                "SCRIPT_NAME": "",
                "PATH_INFO": path,
                "QUERY_STRING": query,
                "HTTP_HOST": seen.host or "localhost",
                "HTTP_REFERER": referrer,
                "HTTP_USER_AGENT": agent,
                "wsgi.url_scheme": "http",
            }
            return by_map.classified(environ, None, status)

        return by_url_map
    site = Site(ignored=config.ignored_paths, expected_agents=config.expected_agents)

    def by_template(status: int, method: str, target: str, referrer: str, agent: str) -> Suspicion:
        path, query = split_target(target)
        raw = target.partition("?")[0]
        match = Match.ROUTE if template_of(raw) in seen.answered else Match.NONE
        return classify(site, status, method, path, query, seen.host, referrer, agent, match)

    return by_template
