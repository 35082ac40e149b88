"""The cost of lines at AWS: measured sizes times list prices. An upper bound."""

from __future__ import annotations

from dataclasses import asdict

from benchmarks.app import PATHS, make_app, serve
from flask_errwatch import DEFAULT_DETECTORS, Catalogue, ErrWatch
from flask_errwatch.config import Config, load
from flask_errwatch.detectors import HEARTBEAT
from flask_errwatch.provision.cost import PRICES_AS_OF, PRICES_REGION, monthly_costs
from flask_errwatch.provision.desired import desired_resources
from flask_errwatch.provision.scope import TO_FILL_IN

#: US dollars per GB ingested, per GB stored for a month, and per GB that Logs Insights scans.
#: From the same price lists as `flask_errwatch.provision.cost`.
INGESTED, STORED, SCANNED = 0.50, 0.03, 0.005
#: Bytes that PutLogEvents adds to each message (AWS API Reference, PutLogEvents).
_EVENT_OVERHEAD = 26
_GB = 1e9
_BEATS_A_MONTH = 30 * 24 * 60


def measure() -> dict[str, object]:
    """Sizes of lines, the cost of a million lines, and the monthly cost of the resources."""
    sizes = _sizes()
    costs = monthly_costs(desired_resources(_catalogue(), _config(), scope=TO_FILL_IN).resources)
    return {
        "as_of": PRICES_AS_OF,
        "region": PRICES_REGION,
        "retention_days": _config().retention_days,
        "lines": {name: {"bytes": size, **_dollars(size)} for name, size in sizes.items()},
        "heartbeats": _dollars(sizes[HEARTBEAT], _BEATS_A_MONTH),
        "resources": [asdict(cost) for cost in costs],
    }


def _config() -> Config:
    return load({}, {}, app_name="shop")


def _catalogue() -> Catalogue:
    return Catalogue(DEFAULT_DETECTORS).configured(_config())


def _sizes() -> dict[str, int]:
    app = make_app()
    app.config.update(ERRWATCH_SINKS="memory", ERRWATCH_APP_NAME="shop")
    errwatch = ErrWatch(app)
    state = app.extensions["errwatch"]
    for case in ("404", "403", "500"):
        serve(app, PATHS[case])
    figures = {
        key: value for key, value in asdict(errwatch.stats(app)).items() if value is not None
    }
    state.recorder.emit_operational(HEARTBEAT, figures)
    names = ("404", "403", "500", HEARTBEAT)
    return dict(zip(names, (len(line) for line in state.delivery.memory.lines), strict=True))


def _dollars(size: int, lines: int = 1_000_000) -> dict[str, float]:
    """US dollars to ingest lines of that size, to store them for a month, and to scan them once."""
    gigabytes = lines * (size + _EVENT_OVERHEAD) / _GB
    return {
        "ingested_usd": round(gigabytes * INGESTED, 3),
        "stored_month_usd": round(gigabytes * STORED, 3),
        "scanned_usd": round(gigabytes * SCANNED, 4),
    }
