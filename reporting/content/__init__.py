"""Activity 1: when was each section of a site last updated? Plain functions on plain data; no Ansible, no ledger."""
