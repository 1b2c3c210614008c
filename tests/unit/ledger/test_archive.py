"""Evidence: a flipped byte, a missing file, a longer file: named."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from reporting.events import KIND_EVIDENCE, EvidenceAdded, EvidenceFile
from reporting.files import below, write_whole
from reporting.ledger import Archive, Draft, Event, open_ledger


@pytest.fixture
def kept(tmp_path: Path) -> tuple[Archive, Path, list[Event]]:
    archive = Archive(tmp_path / "archive")
    folder = archive.folder("backup", "x1", datetime(2026, 11, 22, tzinfo=UTC))
    path = folder / "record.json"
    write_whole(path, b'{"a": 1}' * 100)
    added = EvidenceAdded(execution="x1", files=[archive.measure(path)])
    ledger = open_ledger(None, tmp_path, "unit")
    ledger.append([Draft(KIND_EVIDENCE, "site", "p", added.json_value())])
    return archive, path, list(ledger.events())


def test_what_is_untouched_verifies(kept: tuple[Archive, Path, list[Event]]) -> None:
    archive, path, events = kept
    assert archive.verify(events) == (1, [])
    assert path.relative_to(archive.root).as_posix() == "2026/11/backup/x1/record.json"


@pytest.mark.parametrize("position", [0, 399, 799])
def test_any_flipped_byte_is_named(kept: tuple[Archive, Path, list[Event]], position: int) -> None:
    archive, path, events = kept
    content = bytearray(path.read_bytes())
    content[position] ^= 1
    path.write_bytes(content)
    _, problems = archive.verify(events)
    assert [("record.json" in p.where, "SHA-256" in p.what) for p in problems] == [(True, True)]


def test_a_missing_and_a_longer_file_are_named(kept: tuple[Archive, Path, list[Event]]) -> None:
    archive, path, events = kept
    path.write_bytes(path.read_bytes() + b"x")
    assert "801 bytes, 800 were recorded" in archive.verify(events)[1][0].what
    path.unlink()
    assert "missing" in archive.verify(events)[1][0].what


def test_a_path_that_leaves_the_archive_is_a_problem_not_a_read(tmp_path: Path) -> None:
    archive = Archive(tmp_path / "archive")
    (tmp_path / "secret").write_text("secret")
    file = EvidenceFile(path="../secret", bytes=6, sha256="0" * 64)
    ledger = open_ledger(None, tmp_path, "unit")
    ledger.append([Draft(KIND_EVIDENCE, "s", "p", EvidenceAdded(execution="x", files=[file]).json_value())])
    assert "leads out of" in archive.verify(ledger.events())[1][0].what


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "inside").mkdir()
    (tmp_path / "inside" / "link").symlink_to("/etc")
    with pytest.raises(ValueError, match="leads out"):
        below(tmp_path / "inside", "link/passwd")
