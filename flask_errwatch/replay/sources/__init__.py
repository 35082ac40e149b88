"""Where logs lie: files, folders, globs, standard input and S3. One is open at a time."""

from flask_errwatch.replay.sources.lines import LONGEST, TooLong
from flask_errwatch.replay.sources.local import STDIN, local_logs
from flask_errwatch.replay.sources.log import Log
from flask_errwatch.replay.sources.logs import Logs, open_logs
from flask_errwatch.replay.sources.time_range import ALWAYS, TimeRange, WrongTimeError
from flask_errwatch.replay.sources.unreadable import NothingFoundError, UnreadableLogError

__all__ = [
    "ALWAYS",
    "LONGEST",
    "STDIN",
    "Log",
    "Logs",
    "NothingFoundError",
    "TimeRange",
    "TooLong",
    "UnreadableLogError",
    "WrongTimeError",
    "local_logs",
    "open_logs",
]
