"""Activity 2: backup sets. Plain functions on byte streams and folders; no Ansible, no ledger inside.

``medium``      is it the right medium, really mounted, writable, with room
``tarstream``   reads a tar stream in one pass: members, SHA-256 of each file, completeness
``sqlstream``   watches a database dump on its way: is it whole, which tables are in it
``privileges``  what a database account may see, and so what its dump would silently lack
``store``       one stored file: zstd frames, hash, fsync; and the same file read back from the medium
``draft``       a set on its way: built beside, verified, then named
``opened``      a stored part read again for restoring: hashed while it is read, never longer than the manifest says
``tarread``     members one by one; ``extract`` makes them files below one folder, nowhere else
``restore``     a set, files, tables in a fresh folder; ``cpanel_archive`` the same from cPanel's own archive
``tablefacts``  rows and digest of each table, from the dump itself; ``dumpsplit`` cuts a dump into its tables
``drill``       a set proven in ``scratch``, on a ``throwaway`` server (``load``), its site started (``drill_site``)
``pages``       what a visitor gets: recorded with the backup, compared after a restore
``restoreplan`` what a restore would change on a host; ``restorecommands`` what it runs there
``manifest``    MANIFEST.json, SHA256SUMS; ``howto`` writes CARA-PULIHKAN.txt
"""
