"""An alarm in AWS: which lines it counts, and when it fired.

```text
subject         the alarm or detector that a name means
counted_lines   follows it to the lines that it counts
breach          on which side of its threshold it fires
firing          when it fired, for what, and the window of these lines
metric_time     the time of metrics, which in the lab is another
metrics_in_aws  what the metric counted, and how much there is to read
```
"""
