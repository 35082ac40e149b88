"""Looks whether everything that the app's alarms depend on is as it must be, and tries it out."""

from flask_errwatch.doctor.doctor import examine
from flask_errwatch.doctor.drill import Drill, prepared
from flask_errwatch.doctor.findings import Checkup, Finding

__all__ = ["Checkup", "Drill", "Finding", "examine", "prepared"]
