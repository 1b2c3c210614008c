"""Our streamed backup beside the shapes that peers have, on the same generated site. Prints times and ratios.

    python -m tests.bench.bench_backup [--mib 300] [--rounds 3]

Every shape ends with its data durable (`sync -f`), the best of the rounds counts. Ours includes a SHA-256 of every file
and reading all of it back from the medium, which none of the others does. restic and borg run where they are installed.
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from reporting.backup_set.medium import MediumSpec, Needs, probe
from reporting.backup_set.request import BackupRequest
from reporting.hosts.site_backup import back_up
from tests.integration.loopback import Loopback, ansible_connection, loopback_connection, sshd

Shape = tuple[str, Callable[[Path], None]]


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


def ours(connection: Any, site: Path) -> Callable[[Path], None]:
    def run(target: Path) -> None:
        (target / "LAMAN-MEDIUM.json").write_text('{"id": "bench"}')
        report = probe(MediumSpec("bench", str(target), declared_folder=True), Needs("web", 1))
        tree = {"name": "laman", "path": str(site)}
        request = BackupRequest.model_validate({"site": "web", "execution": "bench", "trees": [tree]})
        outcome = back_up(connection, request, report, progress=lambda _name, _size: None)
        if outcome.problems:
            raise RuntimeError("; ".join(outcome.problems))

    return run


def shell(script: str, site: Path, **variables: str) -> Callable[[Path], None]:
    def run(target: Path) -> None:
        environment = {**os.environ, "SITE": str(site), "TARGET": str(target), **variables}
        subprocess.run(["sh", "-ec", script], env=environment, check=True, stdout=subprocess.DEVNULL)

    return run


def shapes(site: Path, host: Loopback) -> list[Shape]:
    words = f"-i {host.key} -o UserKnownHostsFile={host.known_hosts} -o BatchMode=yes"
    ssh = f"ssh {words} -p {host.port} {host.user}@127.0.0.1"
    sftp = f"sftp -q {words} -P {host.port} {host.user}@127.0.0.1"
    found: list[Shape] = [
        ("laman, local", ours(ansible_connection("local"), site)),
        ("laman, over SSH", ours(loopback_connection(host), site)),
        ("plain: ssh tar > file", shell(f'{ssh} "tar -cf - -C $SITE ." > $TARGET/x.tar', site)),
        (
            "gzip staged on the host, fetched, removed",
            shell(
                f'{ssh} "tar -czf $SITE.staged.tgz -C $SITE ."; {sftp}:$SITE.staged.tgz $TARGET/x.tgz; '
                f'{ssh} "rm $SITE.staged.tgz"',
                site,
            ),
        ),
        ("rsync over SSH (no archive)", shell(f'rsync -a -e "{ssh.rpartition(" ")[0]}" 127.0.0.1:$SITE $TARGET', site)),
        (
            "restic, local",
            shell("restic -q init -r $TARGET/r; restic -q --no-cache backup -r $TARGET/r $SITE", site, **RESTIC),
        ),
        (
            "borg zstd, local",
            shell("borg init -e none $TARGET/b; borg create -C zstd $TARGET/b::x $SITE", site, **BORG),
        ),
    ]
    return [(name, run) for name, run in found if (word := _program(name)) is None or shutil.which(word)]


RESTIC = {"RESTIC_PASSWORD": "bench"}
BORG = {"BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK": "yes", "BORG_BASE_DIR": tempfile.gettempdir()}


def _program(name: str) -> str | None:
    return next((word for word in ("rsync", "restic", "borg") if name.startswith(word)), None)


def measure(run: Callable[[Path], None], folder: Path, rounds: int) -> tuple[float, float, int]:
    """Best wall time and the CPU time of that round (own and children's, not sshd's), and bytes stored."""
    best = (float("inf"), 0.0, 0)
    for number in range(rounds):
        target = folder / f"t{number}"
        target.mkdir()
        cpu, started = _cpu(), time.monotonic()
        run(target)
        subprocess.run(["sync", "-f", target], check=True)
        wall = time.monotonic() - started
        size = sum(path.stat().st_size for path in target.rglob("*") if path.is_file())
        best = min(best, (wall, _cpu() - cpu, size))
        shutil.rmtree(target)
    return best


def _cpu() -> float:
    uses = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(use.ru_utime + use.ru_stime for use in uses)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mib", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="lm-"))
    try:
        site = folder / "site"
        generate(site, options.mib)
        with sshd(folder / "s") as host:
            rows = [(name, *measure(run, folder, options.rounds)) for name, run in shapes(site, host)]
    finally:
        shutil.rmtree(folder)
    base = next(wall for name, wall, _, _ in rows if name == "laman, over SSH")
    print(f"{options.mib} MiB, best of {options.rounds}")
    print(f"{'':45}{'wall s':>8}{'CPU s':>8}{'MB':>8}{'to ours over SSH':>18}")
    for name, wall, cpu, size in rows:
        print(f"{name:45}{wall:8.2f}{cpu:8.2f}{size / 1e6:8.0f}{wall / base:17.2f}x")


if __name__ == "__main__":
    main()
