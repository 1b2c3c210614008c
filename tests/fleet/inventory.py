"""Ansible's inventory of a running fleet. Written as JSON, which is YAML: the standard library has no YAML writer."""

import json
import shlex
from collections.abc import Iterable
from pathlib import Path

from tests.fleet.host import Host
from tests.fleet.payload import Paths


def _variables(host: Host, paths: Paths) -> dict[str, object]:
    own: dict[str, object] = {
        "ansible_host": host.address,
        "ansible_user": host.user,
        "ansible_ssh_private_key_file": str(paths.key),
        "ansible_ssh_common_args": shlex.join(host.ssh_options),
    }
    if host.name == "vps":
        own["ansible_python_interpreter"] = "/usr/bin/python3"
    return own | host.facts


def write(directory: Path, hosts: Iterable[Host], paths: Paths) -> Path:
    """Write ``hosts.yml`` with the group ``sites``, whole or not at all."""
    content = {"sites": {"hosts": {host.name: _variables(host, paths) for host in hosts}}}
    directory.mkdir(parents=True, exist_ok=True)
    target = directory / "hosts.yml"
    beside = directory.parent / "hosts.yml.part"
    beside.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return beside.rename(target)
