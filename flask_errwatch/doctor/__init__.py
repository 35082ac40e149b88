"""Checks everything that the app's alarms depend on, verifies its patterns, and runs drills."""

from flask_errwatch.doctor.checks import run_checks
from flask_errwatch.doctor.drill import Drill, DrillRefusedError, Pace, Reporter, prepare_drill
from flask_errwatch.doctor.drill_stages import STAGES, Stage
from flask_errwatch.doctor.findings import CheckResults, Finding
from flask_errwatch.doctor.scan_drill import ScanDrill, prepare_scan_drill, scan_reporter
from flask_errwatch.doctor.verification import Verification, VerificationError, verify

__all__ = [
    "STAGES",
    "CheckResults",
    "Drill",
    "DrillRefusedError",
    "Finding",
    "Pace",
    "Reporter",
    "ScanDrill",
    "Stage",
    "Verification",
    "VerificationError",
    "prepare_drill",
    "prepare_scan_drill",
    "run_checks",
    "scan_reporter",
    "verify",
]
