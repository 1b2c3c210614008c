"""The archive: evidence in readable folders, one per execution, each file known to the ledger by its SHA-256."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from reporting.events import (
    KIND_EVIDENCE,
    KIND_PERIOD_CLOSED,
    KIND_PERIOD_SCAN,
    KIND_REPORT,
    EvidenceAdded,
    EvidenceFile,
    PeriodClosed,
    PeriodScan,
    ReportIssued,
)
from reporting.files import below, sha256_file
from reporting.ledger.model import Event, Problem


class Archive:
    """Folder `archive/` of a unit's state: `2026/11/backup/<execution>/…`. Files are added, never replaced."""

    def __init__(self, root: Path) -> None:
        """`root` is made when the first file comes."""
        self.root = root

    def folder(self, activity: str, execution: str, local_day: datetime) -> Path:
        """The (new) folder of one execution; `local_day` is on the agency's clock."""
        path = self.root / f"{local_day:%Y}" / f"{local_day:%m}" / activity / execution
        path.mkdir(parents=True, exist_ok=True)
        return path

    def measure(self, path: Path) -> EvidenceFile:
        """Hash and size of an archived file as it is now; raises OSError, or ValueError outside the archive."""
        relative = path.relative_to(self.root).as_posix()
        digest, size = sha256_file(below(self.root, relative))
        return EvidenceFile(path=relative, bytes=size, sha256=digest)

    def verify(self, events: Iterable[Event]) -> tuple[int, list[Problem]]:
        """Read every file that the events name again: how many, and what is missing, longer, shorter or different."""
        problems: list[Problem] = []
        count = 0
        for event in events:
            for file in _files_of(event):
                count += 1
                problems.extend(self._file_problems(file, event))
        return count, problems

    def unlisted(self, events: Iterable[Event], running: Iterable[str] = ()) -> list[Path]:
        """Files of the archive that no event names, but for folders of executions in `running`.

        An interrupted command leaves such files, and so does somebody who took events away: worth a look.
        """
        named = {file.path for event in events for file in _files_of(event)}
        skipped = set(running)
        return sorted(
            path
            for path in self.root.rglob("*")
            if (path.is_symlink() or not path.is_dir())
            and not path.name.endswith(".part")
            and path.relative_to(self.root).as_posix() not in named
            and not skipped.intersection(path.relative_to(self.root).parts)
        )

    def _file_problems(self, file: EvidenceFile, event: Event) -> list[Problem]:
        where = f"{self.root / file.path} (event {event.seq})"
        try:
            digest, size = sha256_file(below(self.root, file.path))
        except FileNotFoundError:
            return [Problem(where, "the file is missing")]
        except (OSError, ValueError) as error:
            return [Problem(where, f"the file cannot be read: {error}")]
        if size != file.bytes:
            return [Problem(where, f"the file has {size} bytes, {file.bytes} were recorded")]
        if digest != file.sha256:
            return [Problem(where, "the file was changed (SHA-256 differs)")]
        return []


def _files_of(event: Event) -> list[EvidenceFile]:
    """The archived files that an event names."""
    if event.kind == KIND_EVIDENCE:
        return EvidenceAdded.model_validate(event.data).files
    if event.kind == KIND_REPORT:
        return [ReportIssued.model_validate(event.data).file]
    if event.kind == KIND_PERIOD_CLOSED:
        return [PeriodClosed.model_validate(event.data).workbook]
    if event.kind == KIND_PERIOD_SCAN:
        return [PeriodScan.model_validate(event.data).file]
    return []
