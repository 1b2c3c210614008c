"""Files that go into the archive with a step: copied whole, measured; taken out again when it is not recorded."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from reporting.attachments import Attached
from reporting.cli.common import Refused
from reporting.events import Attachment
from reporting.files import whole_file, write_whole
from reporting.runner.model import Record


@dataclass(frozen=True)
class Made:
    """A file that does not come from a person's disk (what a look-up said), to be archived with the step.

    `about`: what it is about, e.g. the service that was looked up.
    """

    role: str
    name: str
    content: bytes
    about: str = ""


def archived(record: Record, target: Path, files: Sequence[Attached | Made]) -> list[Attachment]:
    """Copy files into a folder of the archive, whole; what was copied is removed again when one cannot be.

    Raises:
        OSError: the disk is full or the folder cannot be written.
        Refused: a file changed between the look and the copy.
    """
    done: list[Attachment] = []
    try:
        for number, file in enumerate(files, 1):
            done.append(_copied(record, target, file, number))
    except BaseException:
        forget(record, target)
        raise
    if not files:
        forget(record, target)
    return done


def forget(record: Record, target: Path) -> None:
    """Take a step's folder out of the archive again: its step was not recorded."""
    if target.is_relative_to(record.archive.root):
        shutil.rmtree(target, ignore_errors=True)


def _copied(record: Record, target: Path, file: Attached | Made, number: int) -> Attachment:
    if isinstance(file, Made):
        path = target / f"{file.role}-{number:02d}-{file.name}"
        write_whole(path, file.content)
        original = file.about
    else:
        path = target / file.archive_name(number)
        with file.source.open("rb") as stream, whole_file(path) as copy:
            shutil.copyfileobj(stream, copy, 1 << 20)
        original = file.source.name
    measured = record.archive.measure(path)
    if isinstance(file, Attached) and measured.sha256 != file.sha256:
        raise Refused(f"{file.source}: the file changed while it was copied: attach it again")
    return Attachment(
        path=measured.path, bytes=measured.bytes, sha256=measured.sha256, role=file.role, original=original[:200]
    )


def unique(files: Iterable[Attached]) -> list[Attached]:
    """A paper that is also the signed sheet is archived once, as the sheet."""
    kept: list[Attached] = []
    for file in sorted(files, key=lambda f: f.role == "paper"):
        if not any(k.sha256 == file.sha256 and file.role == "paper" for k in kept):
            kept.append(file)
    return kept
