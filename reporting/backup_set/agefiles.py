"""A set's files encrypted to age recipients, for discs that leave the house; decrypted with a key given for that run.

All files are encrypted, the papers too (they tell names). What stays readable is SHA256SUMS over the encrypted files,
so that a disc can be checked without the key. The private key is never needed to write, and never kept here.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

from reporting.backup_set import manifest as m
from reporting.backup_set.disctools import DiscError, need
from reporting.text import harmless

ENDING = ".age"
_READ = 1 << 20

Progress = Callable[[int], None]


def encrypt_set(folder: Path, target: Path, recipients: Sequence[str], progress: Progress | None = None) -> None:
    """Encrypt every file of a whole set into a new folder, with a SHA256SUMS of its own.

    What is encrypted is compared with the set's SHA256SUMS on its way.

    Raises:
        DiscError: a file of the set is damaged, or age failed. OSError: the disk is full.
    """
    need("age")
    sums = read_sums(folder)
    target.mkdir(mode=0o700)
    lines = []
    for name in (*sorted(sums), m.SUMS):
        out = target / f"{name}{ENDING}"
        if _encrypt(folder / name, out, recipients, progress) != sums.get(name, _digest(folder / name)):
            raise DiscError(f"{folder / name} is damaged: verify the set; export a whole one")
        lines.append(f"{_digest(out)}  {out.name}\n")
    (target / m.SUMS).write_text("".join(lines), encoding="utf-8")


def decrypt_set(folder: Path, target: Path, identity: Path) -> None:
    """Decrypt what `encrypt_set` made into a new folder, and check it against the set's own SHA256SUMS.

    Raises:
        DiscError: not the right key, or a file is cut or changed; nothing may be used then. OSError: the disk is full.
    """
    need("age")
    target.mkdir(mode=0o700)
    for path in sorted(folder.glob(f"*{ENDING}")):
        command = [
            "age",
            "--decrypt",
            "-i",
            str(identity),
            "-o",
            str(target / path.name.removesuffix(ENDING)),
            str(path),
        ]
        done = subprocess.run(command, capture_output=True, check=False, stdin=subprocess.DEVNULL)
        if done.returncode != 0:  # a file that was cut gives its beginning, and then this
            raise DiscError(f"{path.name}: cannot be decrypted with {identity}: {_said(done.stderr)}")
    for name, digest in read_sums(target).items():
        if _digest(target / name) != digest:
            raise DiscError(f"{name}: decrypted, but its SHA-256 is not the one in {m.SUMS}")


def read_sums(folder: Path) -> dict[str, str]:
    """SHA-256 by file name, as a set's SHA256SUMS has them; every file must be there.

    Raises:
        DiscError: it is damaged, or a file is missing.
    """
    found = {}
    try:
        lines = (folder / m.SUMS).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DiscError(f"{folder / m.SUMS}: cannot be read: verify the set first") from error
    for line in lines:
        digest, _, name = line.partition("  ")
        if len(digest) != 64 or not name or "/" in name:
            raise DiscError(f"{folder / m.SUMS}: damaged: verify the set first")
        found[name] = digest
    missing = [name for name in found if not (folder / name).is_file()]
    if missing or not found:
        raise DiscError(f"{folder}: {missing[0] if missing else 'everything'} is missing: verify the set first")
    return found


def _encrypt(path: Path, out: Path, recipients: Sequence[str], progress: Progress | None) -> str:
    """Returns the SHA-256 of what went in."""
    digest = hashlib.sha256()
    command = ["age", *(word for recipient in recipients for word in ("-r", recipient)), "-o", str(out)]
    with (
        path.open("rb") as origin,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process,
    ):
        assert process.stdin is not None  # noqa: S101 - for mypy: it is a pipe
        assert process.stderr is not None  # noqa: S101
        try:
            while piece := origin.read(_READ):
                digest.update(piece)
                process.stdin.write(piece)
                if progress is not None:
                    progress(len(piece))
            process.stdin.close()
        except BrokenPipeError:  # age ended early: its exit code and its words tell why
            process.kill()
        said = process.stderr.read()
    if process.returncode != 0:
        raise DiscError(f"{path.name}: age could not encrypt it: {_said(said)}")
    with out.open("rb") as stream:
        os.fsync(stream.fileno())
    return digest.hexdigest()


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError:
        return ""


def _said(output: bytes) -> str:
    lines = [line for line in output.decode("utf-8", "replace").splitlines() if line.strip()]
    return harmless(lines[0] if lines else "it said nothing", 300)


__all__ = ["ENDING", "decrypt_set", "encrypt_set", "read_sums"]
