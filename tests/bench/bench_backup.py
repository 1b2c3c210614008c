"""Our backup of a fleet host over SSH, beside what peers do with the same data in the same run: times and ratios.

    python -m tests.bench.bench_backup [--tree-mib 2048] [--database-mib 1024] [--rounds 2]

Every shape ends with its data durable (`sync -f`); the best of the rounds counts. Ours makes a SHA-256 of every file
and reads all of it back from the medium past the page cache, which none of the others does; both are shown. Its
ratios are those of the task itself, without the 1-2 s in which Python and Ansible start (the rows have them). Command
lines of the peers are printed with the results: their best settings, all cores. restic and borg are given a local copy
of the tree, so that they need no line at all. "CPU s" is of this machine's side only.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reporting.backup_set.manifest import read_manifest
from reporting.backup_set.medium import MediumSpec, Needs, probe
from reporting.backup_set.request import BackupRequest
from reporting.hosts.site_backup import back_up
from tests.fleet import manager
from tests.fleet.engine import podman_argv
from tests.fleet.host import Host
from tests.integration.loopback import ansible_connection

TREE = "/srv/bench/site"
ACCOUNT = {"user": "bench", "password": "bench-only"}
RESTIC = {"RESTIC_PASSWORD": "bench"}
BORG = {"BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK": "yes", "BORG_BASE_DIR": tempfile.gettempdir()}


@dataclass
class Bench:
    """The host with its data, a local copy of the tree, and a folder for results."""

    host: Host
    folder: Path
    rounds: int
    rows: list[tuple[str, float, float, int]] = field(default_factory=list)  # name, wall s, CPU s, bytes stored
    said: list[str] = field(default_factory=list)

    @property
    def ssh(self) -> str:
        """The peers' ssh, with a master connection as ours has."""
        words = self.host.ssh_argv("")[:-1]
        return " ".join(f"'{word}'" for word in (*words[:-1], "-o", f"ControlPath={self.folder}/cm", words[-1]))

    def measure(self, name: str, run: Callable[[Path], Any]) -> float:
        """Best of the rounds; keeps a row; returns the wall time."""
        best = (float("inf"), 0.0, 0)
        for number in range(self.rounds):
            target = self.folder / f"t{number}"
            target.mkdir()
            subprocess.run(["sync"], check=True)
            cpu, started = _cpu(), time.monotonic()
            run(target)
            subprocess.run(["sync", "-f", target], check=True)
            wall = time.monotonic() - started
            size = sum(path.stat().st_size for path in target.rglob("*") if path.is_file())
            best = min(best, (wall, _cpu() - cpu, size))
            shutil.rmtree(target)
        self.rows.append((name, *best))
        print(f"{name:52}{best[0]:9.2f}{best[1]:9.2f}{best[2] / 1e6:9.0f}", flush=True)
        return best[0]

    def shell(self, name: str, script: str, **variables: str) -> float:
        """A peer's command lines, in bash with pipefail."""
        self.said.append(f"{name}:  {script}")
        environment = {**os.environ, "COPY": str(self.folder / "site"), **variables}

        def run(target: Path) -> None:
            words = ["bash", "-e", "-o", "pipefail", "-c", script.replace("$SSH", self.ssh)]
            subprocess.run(words, env=environment | {"TARGET": str(target)}, check=True, stdout=subprocess.DEVNULL)

        return self.measure(name, run)


def generate(site: Path, mib: int) -> None:
    """A site like a CMS's: a fifth in many small texts, the rest in uploads that do not compress."""
    chance = random.Random(20261122)
    words = [bytes(chance.choices(b"abcdefghijklmnopqrstuvwxyz", k=chance.randint(2, 10))) for _ in range(2000)]
    left = (mib << 20) // 5
    number = 0
    while left > 0:
        size = chance.randint(500, 20_000)
        file = site / f"wp-includes/{number % 97}/f{number}.php"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b" ".join(chance.choices(words, k=size // 7)))
        left -= size
        number += 1
    left = (mib << 20) * 4 // 5
    while left > 0:
        size = chance.randint(100_000, 4_000_000)
        file = site / f"wp-content/uploads/{number % 12}/u{number}.jpg"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(chance.randbytes(size))
        left -= size
        number += 1


def fill_database(host: Host, mib: int) -> None:
    """Posts as a CMS has them: text that packs to about a quarter."""
    rows = mib * 1024  # of about 1 KiB as SQL
    host.admin(
        "mariadb",
        timeout=1800,
        stdin="CREATE DATABASE bench; USE bench; "
        "CREATE TABLE posts (id INT PRIMARY KEY, judul VARCHAR(100), isi TEXT, dibuat DATETIME, KEY (dibuat));"
        "INSERT INTO posts SELECT seq, CONCAT('Pengumuman ', seq), "
        "CONCAT(REPEAT(CONCAT('dinas arsip ', seq, ' '), 30), TO_BASE64(RANDOM_BYTES(220))), "
        f"NOW() - INTERVAL seq MINUTE FROM seq_1_to_{rows}; "
        "GRANT SELECT, SHOW VIEW, TRIGGER, EVENT ON bench.* TO bench@localhost IDENTIFIED BY "
        f"'{ACCOUNT['password']}'; GRANT SELECT ON mysql.proc TO bench@localhost;",
    )


@contextmanager
def prepared(tree_mib: int, database_mib: int, rounds: int) -> Iterator[Bench]:
    """A fleet host with a generated tree and database; all of it is gone afterwards."""
    owner = f"bench-pid-{os.getpid()}"
    folder = Path(tempfile.mkdtemp(prefix="lm-"))
    host = manager.up(owner).vps
    try:
        (folder / "site").mkdir()
        generate(folder / "site", tree_mib)
        pack = subprocess.Popen(["tar", "-cf", "-", "-C", folder, "site"], stdout=subprocess.PIPE)
        unpack = "mkdir -p /srv/bench && tar -xf - -C /srv/bench && chmod -R a+rX /srv/bench"
        argv = podman_argv("exec", "--interactive", host.container, "sh", "-c", unpack)
        subprocess.run(argv, stdin=pack.stdout, check=True)
        pack.wait()
        fill_database(host, database_mib)
        yield Bench(host, folder, rounds)
    finally:
        host.admin("rm -rf /srv/bench; mariadb -e 'DROP DATABASE IF EXISTS bench; DROP USER IF EXISTS bench@localhost'")
        shutil.rmtree(folder)
        manager.release(owner)


# -- ours, in a process of its own, so that its memory can be told


def child(raw: str) -> None:
    """One backup, as the action plugin makes it; prints what it took as JSON."""
    asked = json.loads(raw)
    connection = ansible_connection("ssh", **asked["connection"])
    medium = Path(asked["medium"])
    if not (medium / "LAMAN-MEDIUM.json").exists():
        (medium / "LAMAN-MEDIUM.json").write_text('{"id": "bench"}')
    report = probe(MediumSpec("bench", str(medium), declared_folder=True), Needs("web", 1))
    request = BackupRequest.model_validate(asked["request"])
    started = time.monotonic()
    outcome = back_up(connection, request, report, progress=lambda _name, _size: None)
    wall = time.monotonic() - started
    if outcome.problems or outcome.measures is None:
        raise RuntimeError("; ".join(outcome.problems))
    parts = read_manifest(medium / "laman" / "web" / outcome.measures.backup_set).parts
    print(
        json.dumps(
            {
                "wall": wall,
                "stream": sum(part.seconds for part in parts),
                "line": sum(part.line_bytes or 0 for part in parts),
                "source": sum(part.source_bytes for part in parts),
                "rss_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            }
        )
    )


def ours(bench: Bench, medium: Path, *, trees: bool, databases: bool, execution: str = "bench") -> dict[str, float]:
    """Run `child` and read what it says."""
    host = bench.host
    options = " ".join(word if word == "-o" else f"'{word}'" for word in host.ssh_options)
    key = host.ssh_argv("")[host.ssh_argv("").index("-i") + 1]
    asked = {
        "medium": str(medium),
        "connection": {
            "ansible_host": host.address,
            "ansible_user": host.user,
            "ansible_ssh_private_key_file": key,
            "ansible_ssh_args": "-F /dev/null -o ControlMaster=auto -o ControlPersist=60s "
            f"-o ControlPath={bench.folder}/co",
            "ansible_ssh_common_args": options,
        },
        "request": {
            "site": "web",
            "execution": execution,
            "trees": [{"name": "laman", "path": TREE}] if trees else [],
            "databases": [{"name": "isi", "kind": "mariadb", "database": "bench", **ACCOUNT}] if databases else [],
        },
    }
    words = [sys.executable, "-m", "tests.bench.bench_backup", "--child", json.dumps(asked)]
    done = subprocess.run(words, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    return dict(json.loads(done.stdout.splitlines()[-1]))


class HostMemory:
    """The most that the programs of one backup hold on the host, in MiB: looked at every 0.3 s."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._stop = threading.Event()
        self.most = 0.0
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def _watch(self) -> None:
        command = "ps -eo rss=,comm= | awk '$2 ~ /^(tar|find|head|mariadb-dump|sqlite3)$/ {s+=$1} END {print s+0}'"
        while not self._stop.wait(0.3):
            self.most = max(self.most, float(self._host.admin(command).stdout) / 1024)

    def __enter__(self) -> HostMemory:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()


def _cpu() -> float:
    uses = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(use.ru_utime + use.ru_stime for use in uses)


def compare(bench: Bench) -> list[tuple[str, float, float, float]]:
    """All shapes; returns (what, ratio, floor, aim): above 1 we are faster."""
    told: dict[str, dict[str, float]] = {}

    def run(name: str, trees: bool, databases: bool) -> float:
        best: list[dict[str, float]] = []
        bench.measure(name, lambda target: best.append(ours(bench, target, trees=trees, databases=databases)))
        told[name] = min(best, key=lambda each: each["wall"])
        told[name]["rss_mib"] = max(each["rss_mib"] for each in best)
        return told[name]["wall"]

    tree = run("laman: tree, read back", trees=True, databases=False)
    dump = run("laman: database, read back", trees=False, databases=True)
    with HostMemory(bench.host) as memory:
        both = run("laman: tree and database, read back", trees=True, databases=True)
    pipe = bench.shell(
        "ssh tar | zstd -3 | sha256",
        '$SSH "tar -cf - -C /srv/bench site" | zstd -3 -T0 -q | tee $TARGET/x.tar.zst | openssl sha256 > $TARGET/sum',
    )
    account = f"-u{ACCOUNT['user']} -p{ACCOUNT['password']}"
    sql = f"mariadb-dump {account} --single-transaction --quick --routines --events --triggers bench"
    dump_pipe = bench.shell(
        "ssh mariadb-dump | zstd -3 | sha256",
        f'$SSH "{sql}" | zstd -3 -T0 -q | tee $TARGET/x.sql.zst | openssl sha256 > $TARGET/sum',
    )
    staged = bench.shell(
        "gzip staged on the host, fetched, removed",
        f'$SSH "mkdir -p /tmp/st; tar -czf /tmp/st/x.tgz -C /srv/bench site; {sql} | gzip > /tmp/st/x.sql.gz"; '
        '$SSH "cat /tmp/st/x.tgz" > $TARGET/x.tgz; $SSH "cat /tmp/st/x.sql.gz" > $TARGET/x.sql.gz; '
        '$SSH "rm -r /tmp/st"',
    )
    ratios = [
        (
            "stream with per-file SHA-256 / tar | zstd | sha256",
            pipe / told["laman: tree, read back"]["stream"],
            0.9,
            1.0,
        ),
        (
            "dump stream / mariadb-dump | zstd | sha256",
            dump_pipe / told["laman: database, read back"]["stream"],
            1.0,
            1.2,
        ),
        ("tree and database / staged gzip", staged / both, 4.0, 6.0),
    ]
    for name, script, variables in (
        ("restic, local copy", "restic -q init -r $TARGET/r; restic -q --no-cache backup -r $TARGET/r $COPY", RESTIC),
        ("borg, local copy", "borg init -e none $TARGET/b; borg create -C zstd,3 $TARGET/b::x $COPY", BORG),
    ):
        if shutil.which(name.partition(",")[0]):
            wall = bench.shell(name, script, **variables)
            ratios.append((f"tree, read back / first backup of {name}", wall / tree, 1.0, 1.3))
    print(f"  (read back and all: database {dump:.1f} s)")
    ratios.append(("bytes over the line, full / 1 % changed", *repeat(bench), 20.0, 50.0))
    most = max(each["rss_mib"] for each in told.values())
    ratios.append(("control-node memory, 200 MiB / most", 200 / most, 1.0, 1.0))
    ratios.append((f"host memory ({memory.most:.0f} MiB), 50 MiB / most", 50 / max(memory.most, 1), 1.0, 1.0))
    return ratios


def repeat(bench: Bench) -> tuple[float]:
    """One percent of the files are written anew between two runs."""
    medium = bench.folder / "repeat"
    medium.mkdir()
    full = ours(bench, medium, trees=True, databases=False, execution="full")
    bench.host.admin(
        f"find {TREE} -type f | sort | awk 'NR % 100 == 50' | while read -r f; do "
        'head -c "$(stat -c %s "$f")" /dev/urandom > "$f"; done',
        timeout=600,
    )
    again = ours(bench, medium, trees=True, databases=False, execution="again")
    print(
        f"  1 % changed: {again['line'] / 1e6:.1f} MB over the line instead of {full['line'] / 1e6:.0f}, "
        f"{again['wall']:.1f} s instead of {full['wall']:.1f}, {again['rss_mib']:.0f} MiB here"
    )
    shutil.rmtree(medium)
    return (full["line"] / again["line"],)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tree-mib", type=int, default=2048)
    parser.add_argument("--database-mib", type=int, default=1024)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--child", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        child(options.child)
        return
    with prepared(options.tree_mib, options.database_mib, options.rounds) as bench:
        sizes = f"tree {options.tree_mib} MiB, database {options.database_mib} MiB"
        print(f"{sizes}, best of {options.rounds}, load {os.getloadavg()[0]:.1f}")
        print(f"{'':52}{'wall s':>9}{'CPU s':>9}{'MB':>9}")
        ratios = compare(bench)
    print()
    for what, ratio, floor, aim in ratios:
        verdict = "aim" if ratio >= aim else "floor" if ratio >= floor else "MISSED"
        print(f"{what:62}{ratio:7.2f}x  floor {floor:g}, aim {aim:g}: {verdict}")
    print()
    for line in bench.said:
        print(line)


if __name__ == "__main__":
    main()
