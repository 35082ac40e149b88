"""What the lines of an alarm look like: a verdict. With all that is known of it: a story. Pure.

```text
rules    from a summary to a verdict
verdict  what it looks like, with its figures
story    everything that is known of an alarm
```
"""
