"""From an alarm to an answer: whose requests they were, and what these were after.

```text
subject    the alarm in AWS: its metric, filters, log groups, its state and the window
reading    the lines of the window and of the hour before
summary    by source, path, user, exception and release
verdict    what it looks like, with the figures that say so
story      all of it, which the views show
```
"""
