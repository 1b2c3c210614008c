"""xorriso and par2, as this package calls them: image made, read back, burnt; recovery data made and used.

Exit codes: xorriso 0 good, 5 a fatal problem of the medium (full among them), 32 and others failures; par2 0 good,
2 not enough recovery data.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

from reporting.text import harmless

_READ = 1 << 20


class DiscError(Exception):
    """A disc could not be made, burnt or read; the message says which and what to do."""


def need(*programs: str) -> None:
    """The programs must be there.

    Raises:
        DiscError: naming the Debian package of the first that is not.
    """
    from shutil import which

    for program in programs:
        if which(program) is None:
            raise DiscError(f"{program} is not installed: apt-get install {program}")


def make_image(folder: Path, image: Path, volume: str) -> None:
    """An ISO 9660 image of a folder, with Rock Ridge and Joliet names and a checksum of each file; durable.

    Raises:
        DiscError: xorriso failed. OSError: the disk is full.
    """
    command = ["xorriso", "-as", "mkisofs", "-quiet", "-V", volume, "-R", "-J", "-joliet-long", "-iso-level", "3",
               "--md5", "-o", str(image), str(folder)]  # fmt: skip
    done = _run(command)
    if done.returncode != 0:
        raise DiscError(f"{image.name}: xorriso could not make it: {_last(done.stderr)}")
    with image.open("rb") as stream:
        os.fsync(stream.fileno())


def burn(image: Path, device: str) -> None:
    """Write an image to a disc (`/dev/sr0`), or to a file that stands in for one (`stdio:FILE`).

    Raises:
        DiscError: there is no disc, it is too small, or it broke.
    """
    done = _run(["xorriso", "-as", "cdrecord", f"dev={device}", "blank=as_needed", str(image)])
    if done.returncode == 5:
        raise DiscError(f"{device}: the disc is full or too small for {image.name}, or not writable: "
                        f"{_last(done.stderr)}. Put an empty disc of the right size in and burn again")  # fmt: skip
    if done.returncode != 0:
        raise DiscError(f"{device}: burning {image.name} failed (exit code {done.returncode}): {_last(done.stderr)}")


def drop_pages(device: str) -> str:
    """Get a file's pages out of memory before it is read back; returns how, for the record."""
    path = device.removeprefix("stdio:")
    if path.startswith("/dev/"):
        return "read by SCSI commands from the drive"
    with Path(path).open("rb") as stream:
        os.fsync(stream.fileno())
        os.posix_fadvise(stream.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    return "page cache dropped (posix_fadvise DONTNEED)"


def address(source: Path | str) -> str:
    """How xorriso calls a drive or an image file."""
    text = str(source)
    return text if text.startswith(("/dev/sr", "stdio:")) else f"stdio:{text}"


def volume_of(source: str) -> str:
    """The volume id of a disc or an image, "" when there is none to read."""
    done = _run(["xorriso", "-indev", source, "-pvd_info"])
    for line in done.stdout.decode("utf-8", "replace").splitlines():
        if line.startswith("Volume Id"):
            return line.partition(":")[2].strip().strip("'")
    return ""


def digest_in(source: str, name: str, progress: Callable[[int], None] | None = None) -> tuple[str, int]:
    """SHA-256 and size of one file on a disc, streamed through xorriso; ("", 0) when it is not there or unreadable."""
    digest = hashlib.sha256()
    size = 0
    command = ["xorriso", "-osirrox", "on", "-indev", source, "-concat", "append", "-", f"/{name}", "--"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None  # noqa: S101 - for mypy: it is a pipe
        while piece := process.stdout.read(_READ):
            digest.update(piece)
            size += len(piece)
            if progress is not None:
                progress(len(piece))
    return (digest.hexdigest(), size) if process.returncode == 0 else ("", size)


def extract(source: str, folder: Path) -> bool:
    """Everything on a disc into a new folder; False when its directory cannot be read. Files may be damaged."""
    done = _run(["xorriso", "-osirrox", "on:auto_chmod_on", "-indev", source, "-extract", "/", str(folder)])
    for path in folder.rglob("*") if folder.is_dir() else []:
        path.chmod(0o700 if path.is_dir() else 0o600)
    return done.returncode == 0 and folder.is_dir()


def make_recovery(folder: Path, index: str, names: Sequence[str], block: int, count: int) -> None:
    """par2 recovery data for files below a folder, beside them.

    Raises:
        DiscError: par2 failed.
    """
    command = ["par2", "create", "-q", "-q", f"-B{folder}", f"-s{block}", f"-c{count}", "-n1", "--", index, *names]
    done = _run(command, folder)
    if done.returncode != 0:
        raise DiscError(f"par2 could not make recovery data (exit code {done.returncode}): {_last(done.stdout)}")


def recover(image: Path, folder: Path) -> bool:
    """Everything that par2 can bring back from a raw image, into a folder: its packets and the data lie inside it.

    The image is searched for both, so a destroyed directory does not matter. False: too much is gone.
    """
    index = folder / "cakram.par2"
    for name in ("cakram.par2", "cakram.iso"):
        try:
            os.link(image, folder / name)
        except OSError:  # another filesystem
            _copy(image, folder / name)
    try:
        done = _run(["par2", "repair", "-q", "-q", f"-B{folder}", str(index), str(folder / "cakram.iso")], folder)
    finally:
        for name in ("cakram.par2", "cakram.iso"):
            (folder / name).unlink(missing_ok=True)
    return done.returncode == 0


def recover_folder(source: Path, folder: Path) -> bool:
    """What par2 can bring back of a disc whose files were copied into a folder, into another one."""
    for path in source.rglob("*"):
        target = folder / path.relative_to(source)
        if path.is_dir():
            target.mkdir(exist_ok=True)
        else:
            target.parent.mkdir(exist_ok=True)
            _copy(path, target)
    index = next(iter(sorted(folder.glob("*.par2"))), None)
    if index is None:
        return False
    return _run(["par2", "repair", "-q", "-q", f"-B{folder}", str(index)], folder).returncode == 0


def _copy(source: Path, target: Path) -> None:
    with source.open("rb") as origin, target.open("xb") as out:
        while piece := origin.read(_READ):
            out.write(piece)


def _run(command: Sequence[str], folder: Path | None = None) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        list(command), capture_output=True, check=False, cwd=folder, stdin=subprocess.DEVNULL,
        env={**os.environ, "LC_ALL": "C"},
    )  # fmt: skip


def _last(output: bytes) -> str:
    """The last line that says what went wrong."""
    lines = [line for line in output.decode("utf-8", "replace").splitlines() if line.strip()]
    wanted = [line for line in lines if "FATAL" in line or "FAILURE" in line or "SORRY" in line]
    return harmless((wanted or lines or ["it said nothing"])[-1], 300)


__all__ = [
    "DiscError",
    "address",
    "burn",
    "digest_in",
    "drop_pages",
    "extract",
    "make_image",
    "make_recovery",
    "need",
    "recover",
    "recover_folder",
    "volume_of",
]
