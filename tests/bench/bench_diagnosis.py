"""One diagnosis of a real host, beside the same facts gathered in two ordinary ways.

    python -m tests.bench.bench_diagnosis [--rounds 3]

Hosts: the fleet's `vps` (nginx, php-fpm, MariaDB, WordPress; Python is there, so that Ansible's modules can run).

ours       playbooks/diagnose.yml: one task, both sides at once, one round trip, and the cause named
modules    a playbook of ordinary Ansible modules: setup, service_facts, command (df, df -i, nginx -t, php, mariadb,
           tail, date), slurp of the certificate, uri, wait_for; pipelining and ControlPersist as ours
ssh calls  a shell script with one `ssh` call a check, as administrators write it, without ControlPersist

Wall time of the whole, start-up included, median of the rounds. Each must have seen the same six facts (HTTP 200, disk,
nginx and MariaDB running, PHP's version, the database's answer), or the bench fails.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.fleet import manager
from tests.fleet.host import Host
from tests.fleet.settings import ROOT, inventory_dir

ANSIBLE = str(Path(sys.executable).with_name("ansible-playbook"))
QUERY = "SELECT 'laman-db', VERSION()"


def account(host: Host) -> str:
    """A client option file for the backup account."""
    facts = host.facts
    return (
        f'[client]\nuser="{facts["fleet_db_user"]}"\npassword="{facts["fleet_db_password"]}"\n'
        f'socket="{facts["fleet_db_socket"]}"\n'
    )


def modules_playbook(host: Host) -> list[dict[str, Any]]:
    """The same facts by ordinary modules; the password on standard input here too."""

    def command(name: str, text: str, **more: Any) -> dict[str, Any]:
        return {"name": name, "ansible.builtin.command": {"cmd": text, **more}, "register": name, "changed_when": False,
                "failed_when": False}  # fmt: skip

    client = f'mariadb --defaults-file=/dev/stdin -N -e "{QUERY}" wordpress'
    tasks: list[dict[str, Any]] = [
        {"name": "Facts", "ansible.builtin.setup": {}},
        {"name": "Services", "ansible.builtin.service_facts": None, "failed_when": False},
        command("processes", "ps -eo comm"),
        command("df", "df -P / /var/www/laman /var/lib/mysql /var/log /tmp"),
        command("inodes", "df -P -i / /var/www/laman /var/lib/mysql /var/log /tmp"),
        command("mounts", "cat /proc/mounts"),
        command("php", "php -r 'echo PHP_VERSION;'"),
        command("nginx", "/usr/sbin/nginx -t"),
        command("database", client, stdin=account(host)),
        command("log", "tail -n 150 /var/log/nginx/error.log"),
        command("clock", "date -u +%s"),
        {"name": "cert", "ansible.builtin.slurp": {"src": "/etc/fleet-tls/tls.crt"}, "register": "cert"},
        {"name": "port", "ansible.builtin.wait_for": {"host": host.address, "port": 443, "timeout": 5},
         "delegate_to": "localhost"},
        {"name": "page", "ansible.builtin.uri": {"url": host.facts["fleet_https_url"] + "/", "validate_certs": False,
                                                 "return_content": True},
         "register": "page", "delegate_to": "localhost"},
        {"name": "seen", "ansible.builtin.debug": {"msg":
            "SEEN {{ page.status }} {{ df.rc }} {{ 'nginx' in processes.stdout }} {{ 'mariadbd' in processes.stdout }} "
            "{{ php.stdout }} {{ 'laman-db' in database.stdout }}"}},
    ]  # fmt: skip
    return [{"name": "Modules", "hosts": "vps", "gather_facts": False, "tasks": tasks}]


def ssh_script(host: Host) -> str:
    """One ssh call a check."""
    import shlex

    ssh = shlex.join(host.ssh_argv("")[:-1])
    checks = [
        "ps -eo comm", "df -P / /var/www/laman /var/lib/mysql /var/log /tmp",
        "df -P -i / /var/www/laman /var/lib/mysql /var/log /tmp", "cat /proc/mounts", "cat /proc/loadavg /proc/meminfo",
        "php -r 'echo PHP_VERSION;'", "/usr/sbin/nginx -t 2>&1", "tail -n 150 /var/log/nginx/error.log",
        "cat /etc/fleet-tls/tls.crt", "date -u +%s",
    ]  # fmt: skip
    lines = [f"{ssh} {shlex.quote(check)} </dev/null || :" for check in checks]
    client = f'mariadb --defaults-file=/dev/stdin -N -e "{QUERY}" wordpress'
    lines.append(f"printf %s {shlex.quote(account(host))} | {ssh} {shlex.quote(client)}")
    url = host.facts["fleet_https_url"]
    lines.append(f"curl -sk -o /dev/null -w 'HTTP %{{http_code}}\\n' {url}/")
    lines.append(f"echo | openssl s_client -connect {host.address}:443 2>/dev/null | openssl x509 -noout -enddate")
    return "\n".join(lines)


def ours(host: Host, folder: Path) -> list[bool]:
    """The six facts, as a diagnosis has them."""
    facts, evidence = host.facts, folder / f"{time.monotonic_ns()}"
    variables = {
        "site_diagnosis_url": facts["fleet_https_url"] + "/", "site_diagnosis_ca_file": facts["fleet_tls_ca"],
        "site_diagnosis_trees": [facts["fleet_site_path"]], "site_diagnosis_evidence_dir": str(evidence),
        "site_diagnosis_databases": [
            {"name": "web", "kind": "mariadb", "database": "wordpress", "user": facts["fleet_db_user"],
             "password": facts["fleet_db_password"], "socket": facts["fleet_db_socket"]}],
    }  # fmt: skip
    _ansible("playbooks/diagnose.yml", variables)
    seen = {c["name"]: c for c in json.loads((evidence / "diagnosis.json").read_text())["checks"]}
    names = ("http", "disk", "service_nginx", "service_database", "php", "database")
    return [seen[name]["state"] == "ok" for name in names]


def modules(host: Host, folder: Path) -> list[bool]:
    """The six facts by ordinary modules."""
    playbook = folder / "modules.yml"
    playbook.write_text(json.dumps(modules_playbook(host)))
    said = _ansible(str(playbook), {})
    words = next(line for line in said.splitlines() if "SEEN" in line).split("SEEN ")[1].strip('"').split()
    return [words[0] == "200", words[1] == "0", words[2] == "True", words[3] == "True", words[4].startswith("8."),
            words[5] == "True"]  # fmt: skip


def ssh_calls(host: Host, folder: Path) -> list[bool]:
    """The six facts by one ssh call a check."""
    done = subprocess.run(["sh", "-c", ssh_script(host)], capture_output=True, text=True, timeout=120, cwd=folder)
    out = done.stdout
    return ["HTTP 200" in out, "/dev/" in out or "overlay" in out, "\nnginx" in out, "\nmariadbd" in out, "8.2" in out,
            "laman-db" in out]  # fmt: skip


def _ansible(playbook: str, variables: dict[str, Any]) -> str:
    done = subprocess.run(
        [ANSIBLE, "-i", str(inventory_dir()), "--limit", "vps", playbook, "-e", json.dumps(variables)],
        capture_output=True, text=True, timeout=300, cwd=ROOT,
        env={**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg")},
    )  # fmt: skip
    if done.returncode != 0:
        raise SystemExit(done.stdout + done.stderr)
    return done.stdout


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    owner = f"bench-pid-{os.getpid()}"
    host = manager.up(owner).vps
    try:
        with tempfile.TemporaryDirectory() as name:
            times: dict[str, list[float]] = {}
            for _ in range(options.rounds):
                for engine in (ours, modules, ssh_calls):
                    began = time.perf_counter()
                    seen = engine(host, Path(name))
                    times.setdefault(engine.__name__, []).append(time.perf_counter() - began)
                    if not all(seen):
                        raise SystemExit(f"{engine.__name__} did not see all six facts: {seen}")
            best = statistics.median(times["ours"])
            for engine_name, seconds in times.items():
                median = statistics.median(seconds)
                spread = f"{min(seconds):.2f} … {max(seconds):.2f}"
                print(f"{engine_name:10} {median:6.2f} s  ({median / best:.1f} x ours; {spread})")
    finally:
        manager.release(owner)


if __name__ == "__main__":
    main()
