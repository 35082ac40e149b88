"""What the lines of a window add up to by source, path, user and failure. Pure.

```text
window          the time that is asked about
lines           what is read of a line, and its source (`source`)
summarize       reads the lines twice
first_reading   the sums of each source (`source_sums`), and what is frequent (`counting`)
second_reading  the rows of those: of sources (`source_details`), with `samples` of the first
logins          people who mistype, and guesses that succeeded
access_logs     what access logs add: requests that succeeded
summary         the result
order           which source to look at first
```
"""
