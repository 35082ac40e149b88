"""The kinds of the lines that an app would have written for the requests of an access log."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from flask_errwatch.capture.suspicion import Match, Site, Suspicion, classify, split_target
from flask_errwatch.replay.formats.requests import Request, split_request
from flask_errwatch.replay.gathering.gathered import CLASSES, MISSING, Gathered
from flask_errwatch.replay.gathering.sites import SeenSite, template_of
from flask_errwatch.simulation import PEER_MARK, LineKind

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
        site: Their site. None for the one that was surveyed.
    """

    def __init__(self, gathered: Gathered, site: SeenSite | None = None) -> None:
        self._gathered = gathered
        site = gathered.site if site is None else site
        self._fields = gathered.kinds.fields
        catalogue = gathered.detectors.catalogue
        self._detector_of = lru_cache(_REMEMBERED)(lambda status: catalogue.for_status(int(status)))
        self._classify: _Classify | None = None
        if site.is_known and gathered.reads_classes:
            self._classify = _classifier(gathered, site)
        self._reads_source = "client_ip" in self._fields
        self._reads_path = "path" in self._fields
        self._kind_and_path = lru_cache(_REMEMBERED)(self._kind_and_path_of)
        self._kind_with = lru_cache(_REMEMBERED)(self._kind_with_fields)

    @property
    def classifies(self) -> bool:
        """Whether requests with a user agent are classified as the sensor does."""
        return self._classify is not None

    def kind_and_path(self, client: str | None, request: Request) -> tuple[LineKind, str]:
        """The kind of a request, and its path. Both are remembered for a while.

        Args:
            client: Whose it is, as `ClientRule` has it. None where that is unknown.
            request: The request.
        """
        source = client if self._reads_source and client is not None else ""
        find = self._kind_and_path if request.is_short else self._kind_and_path_of
        return find(source, *request[1:])

    def event_of(self, client: str | None, request: Request) -> dict[str, object]:
        """The fields of the line that the app would have written, as far as the log shows them.

        A request that no detector claims has no `event`: the app writes no line for it.

        Args:
            client: Whose it is, as `ClientRule` has it. None where that is unknown.
            request: The request.
        """
        method, target = split_request(request.line)
        path = request.path
        fields: dict[str, object] = {
            "status": int(request.status),
            "method": method,
            "path": path,
            **_source_fields(client),
        }
        detector = self._detector_of(request.status)
        if detector is None:
            return fields
        head = {"event": detector.event, "detector": detector.name, "count": 1}
        template = template_of(path)
        if template in self._gathered.site.answered:
            fields["route"] = template
        if request.agent is not None and request.agent != "-":
            fields["user_agent"] = request.agent
        classes = self._classes(request.status, method, target, request.referrer, request.agent)
        if classes is not None:
            fields |= classes._asdict()
            if request.referrer is None or not self._gathered.site.host:
                del fields["referrer"]  # of a log that names no own host, nothing follows from "-"
        return {**head, **fields}

    def _kind_and_path_of(
        self, source: str, status: str, line: str, referrer: str | None, agent: str | None
    ) -> tuple[LineKind, str]:
        request = Request(source, status, line, referrer, agent)
        if self._detector_of(status) is None:
            return self._gathered.kinds.other, request.path
        method, target = split_request(line)
        path = target.partition("?")[0] if self._reads_path else ""
        classes = self._shown_classes(status, method, target, referrer, agent)
        find = self._kind_with if request.is_short else self._kind_with_fields
        return find(status, method, path, source, classes), request.path

    def _shown_classes(
        self, status: str, method: str, target: str, referrer: str | None, agent: str | None
    ) -> tuple[tuple[str, object], ...]:
        """The fields that the sensor derives, as far as the log shows them. Notes the others."""
        if self._classify is None:
            return ()
        found = self._classes(status, method, target, referrer, agent)
        classes = {} if found is None else found._asdict()
        if referrer is None and found is not None:
            del classes["referrer"]
            self._gathered.lacks_referrers = True
        self._gathered.hidden |= CLASSES - classes.keys()
        return tuple(classes.items())

    def _classes(
        self, status: str, method: str, target: str, referrer: str | None, agent: str | None
    ) -> Suspicion | None:
        """What the sensor derives of a request. None where the log does not show enough of it.

        Without a referrer no page counts as linked from the site's own.
        """
        if self._classify is None or agent is None:
            return None
        return self._classify(int(status), method, target, referrer or "", agent)

    def _kind_with_fields(
        self,
        status: str,
        method: str,
        path: str,
        source: str,
        classes: tuple[tuple[str, object], ...],
    ) -> LineKind:
        detector = self._detector_of(status)
        values: dict[str, object] = {
            "event": None if detector is None else detector.event,
            "status": int(status),
            "method": method,
            "path": path,
            "count": 1,
            "client_ip": source,
            **dict(classes),
        }
        return self._gathered.kind_of(tuple(values.get(field, MISSING) for field in self._fields))


def _source_fields(client: str | None) -> dict[str, object]:
    """The field of a line that names its client, or the peer where only that is known."""
    if client is None:
        return {}
    if client.startswith(PEER_MARK):
        return {"peer_ip": client.removeprefix(PEER_MARK)}
    return {"client_ip": client}


def _classifier(gathered: Gathered, seen: SeenSite) -> _Classify:
    """The sensor's classification, by the app's URL map where there is an app."""
    by_map, config = gathered.detectors.classifier, gathered.detectors.config
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
        match = Match.ROUTE if seen.owns(raw) else Match.NONE
        return classify(site, status, method, path, query, seen.host, referrer, agent, match)

    return by_template
