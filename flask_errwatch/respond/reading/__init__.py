"""Reads what is in log groups: all lines, or by queries.

```text
line_reading      the lines, with FilterLogEvents
insights          a query of Logs Insights
source_lines      the lines that decide the rows of a few sources, by such queries
insights_summary  the summary that all queries give
```
"""
