"""When services end, as the outside world tells it: RDAP, WHOIS, TLS. Plain functions on plain data.

A wrong or vanished answer is `unknown` with its reason, never "fine".
"""
