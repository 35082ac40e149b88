"""Blocks sources in IP sets of AWS WAF: with brakes, an end, and a line for each block.

```text
from_alarm    the sources that the verdict about an alarm accuses
networks      addresses and networks as people write them
client_lines  the lines of a day from the proposed networks, which `seen` sums up
never_block   the configured exceptions
crawlers      search engines, by DNS
brakes        what must not be blocked, each with its reason
plans         what `block` and `unblock` would do
audit_log     the lines of blocks: `records` has their fields, `history` what they add up to
set_entries   the entries of an IP set, before and after a change
ip_sets       reads the sets, and writes them: GetIPSet, UpdateIPSet
block_lines   the lines of one run of `block`, which hold for each of its writes
blocker       these steps in their order: set read, lines accepted, set written
entry_states  what `blocked` shows, with the lines that still arrive (`arrivals`)
web_acls      whether a rule refers to the sets: `web_acl_rules` reads the rules
text          what the commands print
```

`arrivals`, `audit_log`, `block_lines`, `blocker`, `client_lines`, `ip_sets` and `web_acls` call
AWS. All other modules neither call AWS nor read the clock. `crawlers` asks DNS, and `never_block`
reads files.
"""
