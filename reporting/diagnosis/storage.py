"""File systems: how full they are, and whether they can be written."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

from reporting.diagnosis.model import Check, check
from reporting.diagnosis.request import Limits
from reporting.diagnosis.script import Section

_OCTAL = re.compile(r"\\([0-7]{3})")


@dataclass
class FileSystem:
    """One mounted file system and the folders of ours that lie on it. Sizes in KiB."""

    mount: str
    folders: list[str]
    used_percent: int | None = None
    total: int = 0
    free: int = 0
    inode_percent: int | None = None
    read_only: bool = False


def _hanging(lines: list[str], folders: list[str]) -> list[str]:
    """The folders for which df did not come back."""
    named = [
        line.removeprefix("path ") for line, after in pairwise(lines) if line.startswith("path ") and after == "hangs"
    ]
    return [folders[int(number)] for number in named if number.isdigit() and int(number) < len(folders)]


def storage_checks(section: Section | None, folders: list[str], limits: Limits) -> list[Check]:
    """Checks `disk`, `inodes` and `read_only`."""
    hanging = _hanging(section.lines, folders) if section else []
    if hanging:
        shown = ", ".join(hanging)
        return [check("disk", "inside", "problem", f"df does not come back for {shown}", f"df macet untuk {shown}",
                      "disk.hangs", facts={"mount": shown})]  # fmt: skip
    systems = list(read_storage(section.lines, folders).values()) if section else []
    if not systems:
        return [check(name, "inside", "unknown", "df gave no answer", "df tidak memberi jawaban")
                for name in ("disk", "inodes", "read_only")]  # fmt: skip
    return [_blocks(systems, limits), _inodes(systems, limits), _writable(systems)]


def read_storage(lines: list[str], folders: list[str]) -> dict[str, FileSystem]:
    """The file systems of a `storage` section, by mount point."""
    systems: dict[str, FileSystem] = {}
    folder, current = "", None
    place = len(lines)
    for number, line in enumerate(lines):
        word, _, rest = line.partition(" ")
        if word == "mounts":
            place = number + 1
            break
        if word in ("path", "absent") and rest.isdigit() and int(rest) < len(folders):
            folder, current = folders[int(rest)], None
        elif word == "blocks" and (numbers := _df(rest)):
            current = systems.setdefault(numbers.mount, numbers)
            current.folders.append(folder)
        elif word == "inodes" and current is not None and (numbers := _df(rest)):
            current.inode_percent = numbers.used_percent if numbers.total else None
    _mark_read_only(systems, lines[place:])
    return systems


def _df(line: str) -> FileSystem | None:
    """One line of `df -P`: name, total, used, free, percent, mount point (which may hold spaces)."""
    match = re.search(r"\s(\d+)\s+(\d+)\s+(-?\d+)\s+(\d+%|-)\s+(/.*)$", line)
    if match is None:
        return None
    percent = int(match[4].rstrip("%")) if match[4] != "-" else None
    return FileSystem(match[5], [], percent, int(match[1]), int(match[3]))


def _mark_read_only(systems: dict[str, FileSystem], mounts: list[str]) -> None:
    for line in mounts:
        words = line.split(" ")
        if len(words) >= 4:
            mount = _OCTAL.sub(lambda match: chr(int(match[1], 8)), words[1])
            if mount in systems:  # the last one counts: it lies on top
                systems[mount].read_only = "ro" in words[3].split(",")


def _blocks(systems: list[FileSystem], limits: Limits) -> Check:
    full = [s for s in systems if _is_full(s, limits)]
    shown = "; ".join(_shown(s) for s in full or systems)
    if not full:
        return check("disk", "inside", "ok", shown, shown, "disk.ok")
    worst = full[0]
    facts = {"mount": worst.mount, "used": worst.used_percent, "free": worst.free // 1024}
    return check("disk", "inside", "problem", f"full: {shown}", f"penuh: {shown}", "disk.full", facts=facts)


def _is_full(system: FileSystem, limits: Limits) -> bool:
    if system.total == 0 or system.used_percent is None:  # a pseudo file system
        return False
    small = system.total < 10 * 1024 * limits.disk_free_mb
    return system.used_percent >= limits.disk_percent or (not small and system.free < 1024 * limits.disk_free_mb)


def _shown(system: FileSystem) -> str:
    return (
        f"{system.mount} {system.used_percent} % used, {system.free // 1024} MiB free ({', '.join(system.folders[:3])})"
    )


def _inodes(systems: list[FileSystem], limits: Limits) -> Check:
    known = [s for s in systems if s.inode_percent is not None]
    if not known:
        return check("inodes", "inside", "unknown", "df told no inodes", "df tidak menyebut inode")
    full = [s for s in known if (s.inode_percent or 0) >= limits.disk_percent]
    shown = "; ".join(f"{s.mount} {s.inode_percent} %" for s in full or known)
    if not full:
        return check("inodes", "inside", "ok", shown, shown, "inodes.ok")
    facts = {"mount": full[0].mount, "used": full[0].inode_percent}
    return check("inodes", "inside", "problem", f"used up: {shown}", f"habis: {shown}", "inodes.full", facts=facts)


def _writable(systems: list[FileSystem]) -> Check:
    barred = [s for s in systems if s.read_only]
    if not barred:
        return check("read_only", "inside", "ok", "all are mounted for writing", "semua dapat ditulis")
    shown = "; ".join(f"{s.mount} ({', '.join(s.folders[:3])})" for s in barred)
    return check("read_only", "inside", "problem", f"mounted read-only: {shown}", f"hanya dapat dibaca: {shown}",
                 "disk.read_only", facts={"mount": barred[0].mount})  # fmt: skip


__all__ = ["FileSystem", "read_storage", "storage_checks"]
