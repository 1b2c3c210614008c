"""Restore and drill beside their peers, on the same generated site and database, in one run. Prints times and ratios.

    python -m tests.bench.bench_backup_restore [--mib 300] [--rows 400000] [--rounds 2]

restore    ours (every SHA-256, the stored hash and the end of the archive compared) | restic restore (Debian's, its
           defaults, repository on the same disk) | `zstd -d | tar -x` and nothing compared
drill      ours: load over two connections, every table read out again, compared | `zstd -d | mariadb` into a server
           with the very same settings, nothing compared
all of it  backup, read-back, whole drill | the usual role's shape alone: archive and dump gzipped on the host, fetched
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from reporting.backup_set import manifest as m
from reporting.backup_set.drill import drill
from reporting.backup_set.load import load_and_read
from reporting.backup_set.medium import MediumSpec, Needs, probe
from reporting.backup_set.opened import SetSource
from reporting.backup_set.request import BackupRequest
from reporting.backup_set.restore import Wanted, restore_set
from reporting.backup_set.scratch import scratch
from reporting.backup_set.throwaway import mariadb_server
from reporting.hosts.site_backup import back_up
from tests.bench.bench_backup import RESTIC, generate
from tests.integration.loopback import Loopback, loopback_connection, sshd
from tests.integration.mariadb import Server, server

_SQL = """
CREATE DATABASE big CHARACTER SET utf8mb4; USE big;
CREATE TABLE posts (id INT AUTO_INCREMENT PRIMARY KEY, title VARCHAR(200), body TEXT, KEY t (title(40)));
CREATE TABLE meta (id INT AUTO_INCREMENT PRIMARY KEY, post INT, k VARCHAR(60), v TEXT, KEY p (post), KEY k (k));
CREATE TABLE logs (id INT AUTO_INCREMENT PRIMARY KEY, ip VARCHAR(40), line VARCHAR(500), KEY i (ip));
INSERT INTO posts (title, body) SELECT CONCAT('Judul ', seq), REPEAT(CONCAT(MD5(seq), ' teks ', SHA1(seq * 7)), 30)
  FROM seq_1_to_{posts};
INSERT INTO meta (post, k, v) SELECT seq DIV 4, CONCAT('k', seq MOD 50), CONCAT(MD5(seq), SHA2(seq, 512))
  FROM seq_1_to_{rows};
INSERT INTO logs (ip, line) SELECT CONCAT('10.0.', seq MOD 256, '.', seq MOD 251), CONCAT('GET /x/', SHA2(seq, 512))
  FROM seq_1_to_{rows};
"""


def best(rounds: int, run: Callable[[Path], None], folder: Path) -> float:
    """Best wall time of the rounds in seconds; what it wrote is durable, and removed."""
    times = []
    for number in range(rounds):
        target = folder / f"t{number}"
        target.mkdir()
        subprocess.run(["sync", "-f", folder], check=True)
        started = time.monotonic()
        run(target)
        subprocess.run(["sync", "-f", folder], check=True)
        times.append(time.monotonic() - started)
        shutil.rmtree(target)
    return min(times)


def shell(script: str, **variables: object) -> Callable[[Path], None]:
    def run(target: Path) -> None:
        environment = {**os.environ, **{k: str(v) for k, v in variables.items()}, "TARGET": str(target)}
        subprocess.run(["sh", "-ec", script], env=environment, check=True, stdout=subprocess.DEVNULL)

    return run


def make_set(host: Loopback, site: Path, database: Server, medium: Path) -> Path:
    (medium / "LAMAN-MEDIUM.json").write_text('{"id": "bench"}')
    report = probe(MediumSpec("bench", str(medium), declared_folder=True), Needs("web", 1))
    isi = {"name": "isi", "kind": "mariadb", "database": "big", "user": "root", "socket": str(database.socket)}
    request = BackupRequest.model_validate(
        {"site": "web", "execution": "b", "trees": [{"name": "laman", "path": str(site)}], "databases": [isi]}
    )
    outcome = back_up(loopback_connection(host), request, report, progress=lambda _name, _size: None)
    if outcome.problems:
        raise RuntimeError("; ".join(outcome.problems))
    return next(path for path in (medium / "laman/web").iterdir() if path.name.startswith("2"))


def restores(folder: Path, made: Path, site: Path, rounds: int) -> list[tuple[str, float]]:
    def ours(target: Path) -> None:
        restore_set(SetSource(made), target / "to", Wanted(files=("site",)))

    rows = [("restore: laman, all compared", best(rounds, ours, folder))]
    if shutil.which("restic"):
        repository = folder / "repository"
        shell("restic -q init -r $R; restic -q --no-cache backup -r $R $SITE", R=repository, SITE=site, **RESTIC)(
            folder
        )
        restic = shell("restic -q --no-cache restore latest -r $R --target $TARGET", R=repository, **RESTIC)
        rows.append(("restore: restic", best(rounds, restic, folder)))
    bare = shell("zstd -dcq $F | tar -xf - -C $TARGET", F=made / "tree-laman.tar.zst")
    return [*rows, ("restore: zstd -d | tar -x, nothing compared", best(rounds, bare, folder))]


def drills(home: Path, made: Path) -> list[tuple[str, float]]:
    part = next(part for part in m.read_manifest(made).parts if part.kind == "mariadb")
    rows = []
    with scratch(home) as place, mariadb_server(place, part.source_bytes) as running:
        running.ask("CREATE DATABASE big CHARACTER SET utf8mb4")
        client = " ".join(running.client("--default-character-set=utf8mb4", "--max-allowed-packet=1G", "big"))
        started = time.monotonic()
        shell(f"zstd -dcq $F | {client}", F=made / part.file)(home)
        rows.append(("drill: zstd -d | mariadb, nothing compared", time.monotonic() - started))
    with scratch(home) as place, mariadb_server(place, part.source_bytes) as running:
        started = time.monotonic()
        loaded = load_and_read(SetSource(made), part, running, "big", 2)
        rows.insert(0, ("drill: laman, every table compared", time.monotonic() - started))
        recorded = {table.name: table.sha256 for table in part.database.contents} if part.database else {}
        if {table.name: table.sha256 for table in loaded.tables.values()} != recorded:
            raise RuntimeError("the drill's tables are not those of the backup")
    return rows


def whole(folder: Path, home: Path, host: Loopback, site: Path, database: Server) -> list[tuple[str, float]]:
    medium = folder / "whole"
    medium.mkdir()
    started = time.monotonic()
    made = make_set(host, site, database, medium)
    backed_up = time.monotonic() - started
    result = drill(SetSource(made), home)
    ours = time.monotonic() - started
    if result.status != "proven":
        raise RuntimeError(f"the drill says {result.status}")
    words = f"-i {host.key} -o UserKnownHostsFile={host.known_hosts} -o BatchMode=yes"
    ssh, sftp = (
        f"ssh {words} -p {host.port} {host.user}@127.0.0.1",
        f"sftp -q {words} -P {host.port} {host.user}@127.0.0.1",
    )
    dump = (
        f"mariadb-dump --no-defaults -uroot -S{database.socket} --single-transaction --routines --events --triggers big"
    )
    role = shell(
        f'{ssh} "tar -czf $SITE.tgz -C $SITE . && {dump} | gzip > $SITE.sql.gz"; '
        f'{sftp}:$SITE.tgz $TARGET/x.tgz; {sftp}:$SITE.sql.gz $TARGET/x.sql.gz; {ssh} "rm $SITE.tgz $SITE.sql.gz"',
        SITE=site,
    )
    return [
        ("all: laman backup + read-back", backed_up),
        ("all: laman backup + read-back + whole drill", ours),
        ("all: staged gzip role, its backup alone", best(1, role, folder)),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mib", type=int, default=300)
    parser.add_argument("--rows", type=int, default=400_000)
    parser.add_argument("--rounds", type=int, default=2)
    options = parser.parse_args()
    folder, home = (Path(tempfile.mkdtemp(prefix="lm-")) for _ in range(2))
    home.chmod(0o711)
    try:
        site, medium = folder / "site", folder / "medium"
        medium.mkdir()
        generate(site, options.mib)
        with server() as database, sshd(folder / "s") as host:
            database.sql(_SQL.format(rows=options.rows, posts=options.rows // 12))
            made = make_set(host, site, database, medium)
            part = next(part for part in m.read_manifest(made).parts if part.kind == "mariadb")
            rows = [*restores(folder, made, site, options.rounds), *drills(home, made)]
            rows += whole(folder, home, host, site, database)
    finally:
        for each in (folder, home):
            shutil.rmtree(each)
    times = dict(rows)
    print(f"{options.mib} MiB of files, {part.source_bytes / 1e6:.0f} MB of SQL; load {os.getloadavg()[0]:.1f}")
    for name, seconds in rows:
        print(f"{name:50}{seconds:9.2f} s")
    for name, peer, own, floor, aim in (
        ("restore against restic", "restore: restic", "restore: laman, all compared", "1.0", "1.3"),
        ("drill against a bare load", "drill: laman, every table compared",
         "drill: zstd -d | mariadb, nothing compared", "<= 1.35", "1.0"),
        ("role alone against all of ours", "all: staged gzip role, its backup alone",
         "all: laman backup + read-back + whole drill", "> 1.0", ""),
    ):  # fmt: skip
        if peer in times:
            print(f"{name:50}{times[peer] / times[own]:8.2f}x   floor {floor}  aim {aim}")


if __name__ == "__main__":
    main()
