"""A story for people and programs, and the ranking of sources alone. Pure.

```text
text       a story for a terminal
page       a story as HTML, with `page.html`, `page.css` and a `timeline`
document   a story as JSON
offenders  the ranking as a table, JSON, CSV and networks
phrases    the sentences that text and page share
columns    text in the columns of a terminal
```
"""
