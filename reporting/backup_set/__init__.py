"""Activity 2: backup sets. Plain functions on byte streams and folders; no Ansible, no ledger inside.

``medium``      is it the right medium, really mounted, writable, with room
``tarstream``   reads a tar stream in one pass: members, SHA-256 of each file, completeness
``sqlstream``   watches a database dump on its way: is it whole, which tables are in it
``privileges``  what a database account may see, and so what its dump would silently lack
``store``       one stored file: zstd frames, hash, fsync; and the same file read back from the medium
``draft``       a set on its way: built beside, verified, then named
``manifest``    MANIFEST.json, SHA256SUMS; ``howto`` writes CARA-PULIHKAN.txt
"""
