"""Commands on a host, through Ansible's own connection. Used by action plugins only."""
