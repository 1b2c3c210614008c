"""A set read back long after it was made: every file from the medium itself, against SHA256SUMS and the manifest.

A flipped byte is named as exactly as the format allows: the file, the zstd frame, and for a tree the files of the site
that can no longer be proven.
"""

from __future__ import annotations

import hashlib
import re
import stat
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from reporting.backup_set import manifest as m
from reporting.backup_set.damage import damaged
from reporting.backup_set.readback import past_cache
from reporting.text import harmless

_MAX_SUMS = 4 << 20
_LINE = re.compile(r"(?P<digest>[0-9a-f]{64})  (?P<name>[A-Za-z0-9][A-Za-z0-9_.-]{0,200})")
_SHOWN = 20

Progress = Callable[[int], None]


@dataclass
class Checked:
    """What reading back found. `ok` only without any problem; sizes in bytes."""

    files: int = 0
    bytes: int = 0
    problems: list[str] = field(default_factory=list)
    methods: set[str] = field(default_factory=set)  # how the page cache was got out of the way

    @property
    def method(self) -> str:
        """How it was read, in one line."""
        return f"read back past the page cache ({', '.join(sorted(self.methods)) or 'nothing'}), SHA-256 of every file"

    @property
    def ok(self) -> bool:
        """Whether every file is what was written."""
        return not self.problems


def size_of(folder: Path) -> int:
    """Bytes that a check of this set will read."""
    return sum(entry.stat().st_size for entry in folder.iterdir() if entry.is_file())


def check_set(folder: Path, recorded: Mapping[str, str] | None = None, progress: Progress | None = None) -> Checked:
    """Read a set back and compare. `recorded`: SHA-256 by file name as the ledger has them, where it has any.

    `progress` is called with the number of bytes just read. What cannot be read is a problem of the set, no error.
    """
    result = Checked()
    sums = _sums(folder, result)
    manifest = _manifest(folder, result)
    present = _present(folder, result)
    result.problems += [f"{name}: is missing" for name in sorted(sums.keys() - present)]
    result.problems += [f"{name}: is not in {m.SUMS}" for name in sorted(present - sums.keys() - {m.SUMS})]
    _compare_papers(sums, manifest, recorded or {}, result)
    for name in sorted(sums.keys() & present):
        _check_file(folder / name, sums[name], manifest, result, progress)
    return result


def _sums(folder: Path, result: Checked) -> dict[str, str]:
    try:
        if (folder / m.SUMS).stat().st_size > _MAX_SUMS:
            raise OSError(27, "too large to be a list of a set's files")
        method, pieces = past_cache(folder / m.SUMS)
        lines = b"".join(pieces).decode("utf-8", "replace").splitlines()
    except OSError as error:
        result.problems.append(f"{m.SUMS}: {error.strerror}")
        return {}
    result.methods.add(method)
    found: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        match = _LINE.fullmatch(line)
        if match is None:
            result.problems.append(f"{m.SUMS}, line {number}: damaged")
        else:
            found[match["name"]] = match["digest"]
    if not found:
        result.problems.append(f"{m.SUMS}: names no file")
    return found


def _manifest(folder: Path, result: Checked) -> m.Manifest | None:
    try:
        return m.read_manifest(folder)
    except m.ManifestError as error:
        result.problems.append(harmless(error, 500))
        return None


def _present(folder: Path, result: Checked) -> set[str]:
    names = set()
    try:
        for entry in folder.iterdir():
            if stat.S_ISREG(entry.lstat().st_mode):
                names.add(entry.name)
            else:
                result.problems.append(f"{harmless(entry.name, 100)}: is no regular file")
    except OSError as error:
        result.problems.append(f"the set's folder cannot be read: {error.strerror}")
    return names


def _compare_papers(
    sums: Mapping[str, str], manifest: m.Manifest | None, recorded: Mapping[str, str], result: Checked
) -> None:
    """SHA256SUMS, the manifest and the ledger must say the same; one of them was changed otherwise."""
    for part in manifest.parts if manifest else []:
        if sums.get(part.file) not in (None, part.sha256):
            result.problems.append(f"{part.file}: {m.NAME} and {m.SUMS} disagree about its SHA-256")
        if part.file not in sums:
            result.problems.append(f"{part.file}: is in {m.NAME} and not in {m.SUMS}")
    for name, digest in sorted(recorded.items()):
        if name != m.SUMS and sums.get(name) not in (None, digest):
            result.problems.append(f"{name}: {m.SUMS} is not what the record says: the set was changed afterwards")


def _check_file(
    path: Path, wanted: str, manifest: m.Manifest | None, result: Checked, progress: Progress | None
) -> None:
    digest = hashlib.sha256()
    size = 0
    try:
        method, pieces = past_cache(path)
        result.methods.add(method)
        with closing(pieces):
            for piece in pieces:
                digest.update(piece)
                size += len(piece)
                if progress is not None:
                    progress(len(piece))
    except OSError as error:
        result.problems.append(f"{path.name}: cannot be read after {size} bytes: {error.strerror}")
        return
    result.files += 1
    result.bytes += size
    if digest.hexdigest() == wanted:
        return
    part = next((p for p in manifest.parts if p.file == path.name), None) if manifest else None
    result.problems.append(f"{path.name}: SHA-256 differs from {m.SUMS}" + (_length(part, size) if part else ""))
    if part is not None:
        result.problems += _places(path, part)


def _length(part: m.Part, size: int) -> str:
    return "" if size == part.stored_bytes else f" ({size} bytes, {part.stored_bytes} were written)"


def _places(path: Path, part: m.Part) -> list[str]:
    """Where in a part the damage is, and which of the site's files it touches."""
    try:
        found = damaged(path, part)
    except (OSError, ValueError) as error:
        return [f"{path.name}: the damage cannot be placed: {harmless(error, 200)}"]
    lines = [
        f"{path.name}: frame {f.number} of {len(part.frames)} (bytes {f.offset} to {f.offset + f.size - 1}) is damaged"
        for f in found.frames[:_SHOWN]
    ]
    lines += [f"{path.name}: file lost in it: {harmless(name, 300)}" for name in found.files[:_SHOWN]]
    more = len(found.frames[_SHOWN:]), len(found.files[_SHOWN:])
    if any(more):
        lines.append(f"{path.name}: and {more[0]} more frames, {more[1]} more files")
    if not found.frames and not found.files:
        lines.append(f"{path.name}: every frame decompresses; the damage is outside of them")
    return lines


__all__ = ["Checked", "Progress", "check_set", "size_of"]
