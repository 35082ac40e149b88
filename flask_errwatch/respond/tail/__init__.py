"""Follows an app's lines as they arrive.

```text
wanted_lines  which lines are asked for, as a filter pattern and as a test of each
polling       by FilterLogEvents, free of charge
live          by StartLiveTail, billed by the minute
```
"""
