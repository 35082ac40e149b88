"""Counts instead of lines: of files, of the app's metrics, and of Logs Insights."""
