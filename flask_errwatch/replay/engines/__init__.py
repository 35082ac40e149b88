"""Engines that count logs: DuckDB here on this machine, and queries for those that lie elsewhere.

Invariants of the local engine:

- It counts what is plain: lines of which it is certain that the reader would read the same. All
  other lines it hands to the reader, and a log that it cannot read as a whole too.
- It adds nothing to the tally before a log was read to its end. A log that it gives up is still
  unread.
"""
