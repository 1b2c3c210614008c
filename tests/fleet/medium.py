"""A real backup medium: an ext4 file system on a loop device, that can fill up, go read-only or be pulled."""

import errno
import os
import shutil
import uuid
from pathlib import Path

from tests.fleet.engine import FleetError, as_root, may_be_root

MEGABYTE = 1024 * 1024
PROGRAMS = ("mkfs.ext4", "mount", "umount", "losetup")
SBIN = "/usr/sbin:/sbin"


def medium_unavailable() -> str | None:
    """Why no medium can be mounted here, or None."""
    path = f"{os.environ.get('PATH', '')}:{SBIN}"
    missing = [program for program in PROGRAMS if shutil.which(program, path=path) is None]
    if missing:
        return f"not installed: {', '.join(missing)}"
    if not may_be_root():
        return "mounting a medium needs root, or sudo without a password"
    return None if Path("/dev/loop-control").exists() else "this kernel has no loop devices (/dev/loop-control)"


def media_directory(parent: Path) -> Path:
    """Where this process mounts its media. The name tells the next one whose they are: see ``sweep``."""
    return parent / f"media-pid-{os.getpid()}"


def sweep() -> list[Path]:
    """Take out the media of test runs that were killed before they could; returns where they were."""
    swept = []
    for line in Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines():
        place = Path(line.split()[1])
        pid = place.parent.name.removeprefix("media-pid-")
        if place.parent.name.startswith("media-pid-") and not Path("/proc", pid).is_dir():
            _root("umount", "-l", place)
            swept.append(place)
    return swept


class LoopMedium:
    """An ext4 medium in a file. The image stays when the medium is pulled, so that it can be put back."""

    def __init__(self, directory: Path, size_mb: int, label: str) -> None:
        """Make and mount it below ``directory``."""
        self.image = directory / f"{label}.img"
        self.path = directory / label
        self.label = label
        self.uuid = str(uuid.uuid4())
        self.path.mkdir(parents=True)
        with self.image.open("wb") as image:
            image.truncate(size_mb * MEGABYTE)
        # No blocks kept for root: "full" then means the same for everybody.
        _root("mkfs.ext4", "-q", "-F", "-m", "0", "-L", label, "-U", self.uuid, self.image)
        self.mount()
        _root("chown", f"{os.getuid()}:{os.getgid()}", self.path)

    def __repr__(self) -> str:
        """Label and place, for assertion messages."""
        return f"LoopMedium({self.label!r}, {str(self.path)!r}, {'mounted' if self.mounted else 'not mounted'})"

    @property
    def mounted(self) -> bool:
        """Whether something is mounted on the medium's folder."""
        return os.path.ismount(self.path)

    @property
    def free_bytes(self) -> int:
        """What can still be written."""
        space = os.statvfs(self.path)
        return space.f_bavail * space.f_frsize

    def mount(self) -> None:
        """Put the medium in (again)."""
        _root("mount", "-o", "loop", self.image, self.path)

    def unmount(self, *, lazy: bool = False) -> None:
        """Take the medium out; its empty folder stays. ``lazy`` pulls it from under those who use it."""
        _root("umount", *(["-l"] if lazy else []), self.path)

    def remount_ro(self) -> None:
        """Make it read-only, as a kernel does after an error or a switch on a card."""
        _root("mount", "-o", "remount,ro", self.path)

    def remount_rw(self) -> None:
        """Make it writable again."""
        _root("mount", "-o", "remount,rw", self.path)

    def fill(self, leave_bytes: int = 0) -> Path:
        """Fill it up to ``leave_bytes``; returns the file that takes the space, to be removed by who wants it back."""
        filler = self.path / "filler.bin"
        with filler.open("wb") as out:
            wanted = self.free_bytes - leave_bytes
            step = MEGABYTE
            # The file's own index takes blocks too: approach the limit in ever smaller steps.
            while step >= 4096:
                try:
                    while wanted - out.tell() >= step:
                        os.posix_fallocate(out.fileno(), out.tell(), step)
                        out.seek(step, os.SEEK_CUR)
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise
                step //= 2
        return filler

    def close(self) -> None:
        """Take it out for good; raises if it is still there afterwards."""
        if self.mounted:
            try:
                self.unmount()
            except FleetError:  # a process of a failed test still holds it
                self.unmount(lazy=True)
        if self.mounted:
            raise FleetError(f"{self.path} is still mounted")
        self.image.unlink()
        self.path.rmdir()


def _root(program: str, *arguments: str | Path) -> str:
    found = shutil.which(program, path=f"{os.environ.get('PATH', '')}:{SBIN}")
    return as_root(found or program, *arguments)
