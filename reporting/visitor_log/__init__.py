"""The measuring engine of activity 3: what visitors did, from a site's access log.

`lines` cuts a byte stream into bounded chunks of whole lines; `parse` makes a table of a chunk and keeps what it
could not read; `tally` counts per local day; `detect` finds suspicious requests by the rules of `rules.yml`;
`analyse` runs the four over any number of files; `collect` decides what is new on a host. Plain functions on plain
data: no Ansible and no ledger here. Room for later: another log format is another module beside `parse` that gives
the same columns; detection that needs memory over clients works on `tally.Counts.client_days` and `detect.Hits`.
"""
