"""A cPanel full backup (`backup-*.tar.gz`, `cpmove-*.tar.gz`) restored into a folder: the home directory and the dumps.

It is read tolerantly: what a hostile or careless archive holds beside that is left out, member by member, and named. It
has no manifest to be compared with, so its own ends are asked for: gzip's checksum and length, tar's end blocks, and
"-- Dump completed" at the end of every dump.
"""

from __future__ import annotations

import os
import re
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from reporting.backup_set.extract import Extractor, Rules
from reporting.backup_set.restore import Chooser, Restored, RestoreError, Wanted, fresh_folder
from reporting.backup_set.tarread import Pull, TarPull
from reporting.backup_set.tarstream import TarError
from reporting.text import harmless

_NAME = re.compile(r"^(?:backup-|cpmove-).*\.tar(?:\.gz)?$")
_READ = 1 << 20
_RESERVE = 256 << 20
_KEPT = (b"mysql.sql", b"version", b"cp", b"userdata", b"meta", b"dnszones", b"cron")


def is_archive(path: Path) -> bool:
    """Whether a file is named like a cPanel full backup."""
    return path.is_file() and _NAME.match(path.name) is not None


def restore_archive(archive: Path, target: Path, wanted: Wanted) -> Restored:
    """Restore home directory, dumps and settings of the archive to `target`, which is not there yet or is empty.

    Raises:
        RestoreError: no room, nothing found, the target is not empty. TarError: damaged or cut. OSError: disk.
    """
    started = time.monotonic()
    result = Restored(target)
    with fresh_folder(target) as beside, _open(archive) as pull:
        space = os.statvfs(beside)
        free = space.f_bavail * space.f_frsize - _RESERVE
        if free < archive.stat().st_size:
            raise RestoreError(f"{target.parent}: not even the packed {archive.stat().st_size >> 20} MiB are free")
        files = Chooser(wanted.files) if wanted.files else None
        rules = Rules(
            most_bytes=free,
            tolerant=True,
            links_out=wanted.links_out,
            rename=_place,
            wanted=None if wanted.everything else lambda name: _chosen(name, wanted, files),
        )
        extracted = Extractor(beside, rules).take_all(TarPull(pull))
        result.files = sum(name.startswith(b"homedir/") for name in extracted.files)
        result.file_bytes = extracted.file_bytes
        result.left_out, result.altered = extracted.left_out, extracted.altered
        result.databases = sorted(_database(name) for name in extracted.files if _database(name))
        for name in result.databases:
            _check_dump(beside / "mysql" / f"{name}.sql")
        if not extracted.files:
            raise RestoreError(f"{archive.name}: nothing of what was asked for is in it")
        if wanted.everything:
            _notice_gaps(result)
    result.seconds = time.monotonic() - started
    return result


def _notice_gaps(result: Restored) -> None:
    if not result.files:
        result.left_out.append("homedir: the archive holds no file of the home directory (homedir=skip, or excluded)")
    if not result.databases:
        result.left_out.append("mysql: the archive holds no database")


def _place(name: bytes) -> bytes | None:
    """The name below the target: without the archive's own first folder; None for what no site needs."""
    plain = name.removeprefix(b"./")
    if plain.startswith(b"/") or b".." in plain.split(b"/"):
        return plain  # refused, and named, by the extractor
    _, _, inner = plain.partition(b"/")
    top = inner.partition(b"/")[0]
    return inner if top in (b"homedir", b"mysql", *_KEPT) else None


def _chosen(name: bytes, wanted: Wanted, files: Chooser | None) -> bool:
    if name.startswith(b"/") or b".." in name.split(b"/"):
        return True
    database = _database(name)
    if database:
        return database in wanted.databases
    return files is not None and name.startswith(b"homedir/") and files(name)


def _database(name: bytes) -> str:
    if name.startswith(b"mysql/") and name.endswith(b".sql") and name.count(b"/") == 1:
        return os.fsdecode(name[6:-4])
    return ""


def _check_dump(path: Path) -> None:
    with path.open("rb") as stream:
        stream.seek(max(0, path.stat().st_size - 512))
        if b"-- Dump completed" not in stream.read():
            raise RestoreError(f"{harmless(path.name)}: the dump in the archive has no '-- Dump completed': it was cut")


@contextmanager
def _open(archive: Path) -> Iterator[Pull]:
    with archive.open("rb") as raw:
        packed = archive.name.endswith(".gz")
        blocks = _gunzip(archive) if packed else iter(lambda: raw.read(_READ), b"")
        yield Pull(lambda: next(blocks, b""))
        for _ in blocks:  # what is behind the tar has to be whole too: gzip's checksum comes last
            pass


def _gunzip(archive: Path) -> Iterator[bytes]:
    """Decompress piece by piece (a bomb gives no more than a block at once); the trailer must be there and right."""
    with archive.open("rb") as raw:
        data, member = raw.read(_READ), zlib.decompressobj(31)
        while True:
            try:
                block = member.decompress(data, _READ)
            except zlib.error as error:
                raise TarError(f"{archive.name}: damaged: {error}") from None
            if block:
                yield block
            data = member.unconsumed_tail or (member.unused_data if member.eof else b"") or raw.read(_READ)
            if member.eof and data:
                member = zlib.decompressobj(31)
            elif not data and not block:
                break
        if not member.eof:
            raise TarError(f"{archive.name}: the gzip has no end: it was cut")


__all__ = ["is_archive", "restore_archive"]
