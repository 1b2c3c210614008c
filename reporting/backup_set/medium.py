"""Is the backup medium at hand: really mounted, the right one, writable, with room. And: is it still the same one.

The folder under a medium that is not mounted looks just like the medium, and a backup into it fills the system's own
disk. So the mount table is asked (`findmnt`), not the folder; a bind mount of the system's own disk is told apart by
its device; and the medium carries its name in LAMAN-MEDIUM.json at its root.
"""

from __future__ import annotations

import errno
import json
import os
import secrets
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

IDENTITY = "LAMAN-MEDIUM.json"
SETS = "laman"  # the folder on the medium that holds the sets: laman/<site>/<set>
MANIFEST = "MANIFEST.json"
_MAX_JSON = 64 << 20
_LARGEST_FILE = {"vfat": (1 << 32) - 1, "msdos": (1 << 31) - 1}  # bytes, where a filesystem has such a limit

MediumKind = Literal["hard_disk", "optical_disc", "other"]


class MediumError(Exception):
    """The medium is not at hand, or not any more; the message says what was seen and what to do."""


@dataclass(frozen=True)
class MediumSpec:
    """A medium as the unit's settings describe it (laman_unit.media). `path`: its mount point, absolute."""

    id: str
    path: str
    kind: MediumKind = "hard_disk"
    uuid: str | None = None
    label: str | None = None
    declared_folder: bool = False


@dataclass(frozen=True)
class Needs:
    """Room that a set needs: the last whole set of the site plus `growth_percent`, at least `minimum_bytes`."""

    site: str | None = None
    minimum_bytes: int = 1 << 30
    growth_percent: int = 10


@dataclass(frozen=True)
class MediumReport:
    """What a probe found. `ok` only when everything was proven; `reason` in one line. Sizes in bytes."""

    ok: bool
    reason: str
    id: str
    kind: MediumKind
    path: str
    declared_folder: bool
    uuid: str = ""
    label: str = ""
    fstype: str = ""
    source: str = ""
    device: int = 0  # st_dev and st_ino of the root folder: the same mount has the same pair
    inode: int = 0
    total_bytes: int = 0
    free_bytes: int = 0
    needed_bytes: int = 0


def probe(spec: MediumSpec, needs: Needs) -> MediumReport:
    """Prove that a medium can take a backup now. Never raises for a medium that is not at hand: the report says why.

    A file is written to the medium, fsynced and removed.
    """
    report = MediumReport(False, "", spec.id, spec.kind, spec.path, spec.declared_folder)
    try:
        report = _see(spec, report)
        _check_identity(Path(spec.path), spec.id)
        _check_writable(Path(spec.path))
        needed = needed_bytes(Path(spec.path), needs)
        report = replace(report, needed_bytes=needed)
        _check_room(report)
        _check_file_size(report, needs)
    except MediumError as error:
        return replace(report, reason=f"medium {spec.id}: {error}")
    except OSError as error:
        return replace(report, reason=f"medium {spec.id}: {explain(error, spec.path)}")
    what = "declared folder (stands in for a medium)" if spec.declared_folder else f"{report.fstype} {report.source}"
    return replace(
        report,
        ok=True,
        reason=f"medium {spec.id} at {spec.path}: {what}, label file found, written to, "
        f"{_mib(report.free_bytes)} free, {_mib(needed)} needed",
    )


def identify(spec: MediumSpec) -> MediumReport:
    """What is mounted there, without asking for a label file yet: for preparing a new medium.

    Raises:
        MediumError: nothing is mounted there, or another filesystem than the settings say.
    """
    try:
        return _see(spec, MediumReport(False, "", spec.id, spec.kind, spec.path, spec.declared_folder))
    except OSError as error:
        raise MediumError(explain(error, spec.path)) from error


def recognise(spec: MediumSpec) -> MediumReport:
    """The medium as it is, for reading: mounted, and the right one. Nothing is written; it may be read-only or full.

    Raises:
        MediumError: it is not at hand, or another one is in its place.
    """
    report = identify(spec)
    _check_identity(Path(spec.path), spec.id)
    return replace(report, ok=True, reason=f"medium {spec.id} at {spec.path}")


def check_same(report: MediumReport) -> None:
    """The medium must still be the one that was probed: same mount, same device, same UUID.

    Raises:
        MediumError: it was pulled out, unmounted, or another one is mounted in its place.
    """
    try:
        now = Path(report.path).stat()
    except OSError as error:
        raise MediumError(f"medium {report.id} is gone: {explain(error, report.path)}") from error
    if (now.st_dev, now.st_ino) != (report.device, report.inode):
        raise MediumError(
            f"medium {report.id}: {report.path} is not the same mount as at the start: "
            "it was unmounted, pulled out or exchanged in mid-run"
        )
    if not report.declared_folder:
        mount = _mount(Path(report.path))
        if mount is None or (report.uuid and _identity_of(mount)[0] not in ("", report.uuid)):
            raise MediumError(f"medium {report.id}: {report.path} holds another filesystem than at the start")


def explain(error: OSError, path: str) -> str:
    """An operating-system error on a medium as one line for people."""
    known = {
        errno.ENOSPC: "is full",
        errno.EDQUOT: "is full (quota)",
        errno.EROFS: "is read-only: remount it writable, or look at its lock switch and at the kernel's messages",
        errno.EIO: "gives input/output errors: the medium or its cable is broken, or it was pulled out",
        errno.ENOENT: "is not there: plug in and mount the medium",
        errno.EACCES: "may not be written by this account",
        errno.EPERM: "may not be written by this account",
        errno.ENXIO: "is gone (no such device)",
        errno.ENODEV: "is gone (no such device)",
        errno.EFBIG: "cannot hold a file of that size (FAT32 ends at 4 GiB): format it with ext4 or exFAT",
    }
    text = known.get(error.errno or 0, f"failed: {error.strerror or error}")
    where = f" ({error.filename})" if error.filename and str(error.filename) != path else ""
    return f"{path} {text}{where}"


def needed_bytes(root: Path, needs: Needs) -> int:
    """Room for the next set of a site, in bytes: from the last whole set on the medium, else the minimum."""
    last = last_set_bytes(root, needs.site) if needs.site else 0
    return max(needs.minimum_bytes, last * (100 + needs.growth_percent) // 100)


def last_set_bytes(root: Path, site: str) -> int:
    """Stored bytes of the newest whole set of `site` on the medium, 0 when there is none."""
    size = last_set(root, site).get("stored_bytes")
    return size if isinstance(size, int) else 0


def last_set(root: Path, site: str) -> dict[str, Any]:
    """Manifest of the newest whole set of `site` on the medium, empty when there is none. Names sort by time."""
    folder = root / SETS / site
    names = sorted((entry.name for entry in _folders(folder) if not entry.name.startswith(".")), reverse=True)
    for name in names:
        content = _read_json(folder / name / MANIFEST)
        if content.get("complete") is not True:
            continue
        size = content.get("stored_bytes")
        if isinstance(size, int) and size > 0:
            return content
    return {}


# -- what the probe looks at


def _see(spec: MediumSpec, report: MediumReport) -> MediumReport:
    root = Path(spec.path)
    if not root.is_absolute():
        raise MediumError(f"path {spec.path!r} is not absolute")
    status = root.stat()  # an automounter mounts on this
    if not root.is_dir():
        raise MediumError(f"{root} is no folder")
    if not spec.declared_folder:
        mount = _mount(root)
        if mount is None:
            raise MediumError(f"{root} is not mounted: only the empty folder is there. Connect and mount the medium")
        report = _same_as_settings(spec, report, mount)
    status = root.stat()
    space = os.statvfs(root)
    return replace(
        report,
        device=status.st_dev,
        inode=status.st_ino,
        total_bytes=space.f_blocks * space.f_frsize,
        free_bytes=space.f_bavail * space.f_frsize,
    )


def _mount(root: Path) -> dict[str, Any] | None:
    """The topmost mount at exactly this folder, from the kernel's table; None when nothing is mounted there."""
    command = ["findmnt", "-J", "-o", "TARGET,SOURCE,FSTYPE,UUID,LABEL,FSROOT", "--mountpoint", str(root.resolve())]
    try:
        done = subprocess.run(command, capture_output=True, check=False, timeout=30)
    except FileNotFoundError:
        raise MediumError("findmnt is not installed (package util-linux): the mount cannot be proven") from None
    except subprocess.TimeoutExpired:
        raise MediumError(f"findmnt gave no answer about {root} within 30 seconds: the device hangs") from None
    if done.returncode != 0 or not done.stdout.strip():
        return None
    mounts = [m for m in json.loads(done.stdout)["filesystems"] if m.get("fstype") != "autofs"]
    return dict(mounts[-1]) if mounts else None


def _same_as_settings(spec: MediumSpec, report: MediumReport, mount: dict[str, Any]) -> MediumReport:
    uuid, label = _identity_of(mount)
    report = replace(
        report, uuid=uuid, label=label, fstype=str(mount.get("fstype") or ""), source=str(mount.get("source") or "")
    )
    for what, wanted, seen in (("UUID", spec.uuid, uuid), ("label", spec.label, label)):
        if wanted and not seen:
            raise MediumError(f"the filesystem {what} of {report.source} cannot be read, {wanted} is expected")
        if wanted and wanted.casefold() != seen.casefold():
            raise MediumError(
                f"the wrong medium is mounted at {spec.path}: {what} {seen}, expected {wanted}. "
                f"Take it out, plug in and mount {spec.id}"
            )
    if not spec.uuid and Path(spec.path).stat().st_dev == Path("/").stat().st_dev:
        raise MediumError(f"{spec.path} is a bind mount of the system's own disk ({report.source}), not a medium")
    return report


def _identity_of(mount: dict[str, Any]) -> tuple[str, str]:
    """UUID and label of a mounted filesystem; findmnt has them from udev, which a container lacks: then blkid."""
    uuid, label = str(mount.get("uuid") or ""), str(mount.get("label") or "")
    device = str(mount.get("source") or "").partition("[")[0]
    if (uuid and label) or not device.startswith("/dev/"):
        return uuid, label
    try:
        done = subprocess.run(["blkid", "-o", "export", device], capture_output=True, check=False, timeout=30)
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return uuid, label
    fields = dict(line.partition("=")[::2] for line in done.stdout.decode("utf-8", "replace").splitlines())
    return uuid or fields.get("UUID", ""), label or fields.get("LABEL", "").replace("\\ ", " ")


def _check_identity(root: Path, wanted: str) -> None:
    file = root / IDENTITY
    advice = f'if it is the right medium, write {{"id": "{wanted}"}} into {file}'
    if not file.exists():
        raise MediumError(f"{root} carries no {IDENTITY}: {advice}")
    found = _read_json(file).get("id")
    if found != wanted:
        raise MediumError(
            f"the wrong medium is at {root}: {IDENTITY} says id {str(found)[:80]!r}, expected {wanted!r}. "
            f"Take it out, plug in and mount {wanted}"
        )


def _check_writable(root: Path) -> None:
    file = root / f".laman-probe-{secrets.token_hex(8)}"
    try:
        with file.open("xb") as stream:
            stream.write(os.urandom(4096))
            stream.flush()
            os.fsync(stream.fileno())
    finally:
        file.unlink(missing_ok=True)


def _check_room(report: MediumReport) -> None:
    space = os.statvfs(report.path)
    if report.free_bytes < report.needed_bytes:
        raise MediumError(
            f"{report.path} is too full: {_mib(report.free_bytes)} free, {_mib(report.needed_bytes)} needed. "
            "Remove old sets or use a larger medium"
        )
    if space.f_files and space.f_favail < 32:
        raise MediumError(f"{report.path} has no inodes left ({space.f_favail}): it holds too many files")


def _check_file_size(report: MediumReport, needs: Needs) -> None:
    """FAT32 ends a file at 4 GiB - 1: told before the run, from the last set, not when hours of it are written."""
    limit = _LARGEST_FILE.get(report.fstype)
    if limit is None or needs.site is None:
        return
    parts = last_set(Path(report.path), needs.site).get("parts")
    for part in parts if isinstance(parts, list) else []:
        size = part.get("stored_bytes") if isinstance(part, dict) else None
        if isinstance(size, int) and size * (100 + needs.growth_percent) // 100 > limit:
            raise MediumError(
                f"{report.path} is formatted with {report.fstype} (FAT32), which holds no file above {_mib(limit)}; "
                f"{str(part.get('file'))[:80]} had {_mib(size)} last time. Format it with ext4 or exFAT"
            )


def _folders(folder: Path) -> list[Path]:
    return [entry for entry in folder.iterdir() if entry.is_dir()] if folder.is_dir() else []


def _read_json(file: Path) -> dict[str, Any]:
    """A JSON object from the medium; whatever else is there counts as empty."""
    try:
        with file.open("rb") as stream:
            content = json.loads(stream.read(_MAX_JSON))
    except (FileNotFoundError, NotADirectoryError, ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def _mib(size: int) -> str:
    return f"{size / (1 << 20):,.1f} MiB"


__all__ = [
    "IDENTITY",
    "MANIFEST",
    "SETS",
    "MediumError",
    "MediumKind",
    "MediumReport",
    "MediumSpec",
    "Needs",
    "check_same",
    "explain",
    "identify",
    "last_set",
    "last_set_bytes",
    "needed_bytes",
    "probe",
    "recognise",
]
