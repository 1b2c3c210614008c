"""The ledger: append-only, chained, and a tamper of any kind is named."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from reporting.ledger import Draft, Event, LedgerError, open_ledger
from reporting.ledger.model import GENESIS, Ledger, canonical, parse_stamp, stamp

COLUMNS = ["at", "unit", "actor", "kind", "subject", "data", "prev", "hash", "id"]


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return open_ledger(None, tmp_path, "unit")


def fill(ledger: Ledger, count: int = 5) -> list[Event]:
    teks = "kegiatan — ✓"
    return ledger.append(Draft("kind.a", f"site-{n}", "person:budi", {"n": n, "teks": teks}) for n in range(count))


def tamper(folder: Path, *statements: str) -> None:
    """What somebody with the file and no scruples can do: drop the guards, edit, put the guards back."""
    with sqlite3.connect(folder / "ledger.sqlite") as db:
        guards = db.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for name, _ in guards:
            db.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            db.execute(statement)
        for _, sql in guards:
            db.execute(sql)


def test_appended_events_come_back_equal_and_chained(ledger: Ledger) -> None:
    made = fill(ledger)
    assert list(ledger.events()) == made
    assert [e.prev for e in made] == [GENESIS, *(e.hash for e in made[:-1])]
    assert ledger.head().hash == made[-1].hash
    assert ledger.verify() == []


def test_events_can_be_asked_for_by_kind(ledger: Ledger) -> None:
    ledger.append([Draft("kind.a", "x", "p"), Draft("kind.b", "x", "p"), Draft("kind.a", "y", "p")])
    assert [e.subject for e in ledger.events(["kind.a"])] == ["x", "y"]


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("seq", [1, 3, 5])
def test_an_edit_of_any_column_of_any_row_is_named(ledger: Ledger, tmp_path: Path, column: str, seq: int) -> None:
    fill(ledger)
    tamper(tmp_path, f"UPDATE events SET {column} = substr({column}, 1, length({column}) - 1) || 'X' WHERE seq = {seq}")
    problems = ledger.verify()
    assert problems
    assert problems[0].where.startswith(f"event {seq} ")


def test_an_edit_with_its_own_hash_made_right_breaks_the_next_link(ledger: Ledger, tmp_path: Path) -> None:
    made = fill(ledger)
    other = open_ledger(None, tmp_path / "other", "unit")
    forged = other.append([Draft("kind.a", "site-0", "person:budi", {"n": 99})])[0]
    tamper(tmp_path, f"UPDATE events SET data = '{canonical({'n': 99})}', id = '{forged.id}', "
           f"at = '{stamp(forged.at)}', hash = '{forged.hash}' WHERE seq = 1")  # fmt: skip
    assert [p.where.split()[1] for p in ledger.verify()] == ["2"]
    assert made[0].hash != forged.hash


@pytest.mark.parametrize("seq", [1, 3, 5])
def test_a_row_that_was_taken_out_is_missed_at_the_end_too(ledger: Ledger, tmp_path: Path, seq: int) -> None:
    fill(ledger)
    tamper(tmp_path, f"DELETE FROM events WHERE seq = {seq}")
    assert any("missing" in p.what for p in ledger.verify())


def test_a_cut_tail_does_not_heal_when_somebody_goes_on_writing(ledger: Ledger, tmp_path: Path) -> None:
    fill(ledger)
    tamper(tmp_path, "DELETE FROM events WHERE seq = 5")
    with pytest.raises(LedgerError, match="missing at its end"):
        open_ledger(None, tmp_path, "unit").append([Draft("k", "s", "p")])
    assert ledger.verify()


def test_guards_that_were_taken_away_are_named_and_not_put_back(ledger: Ledger, tmp_path: Path) -> None:
    fill(ledger)
    with sqlite3.connect(tmp_path / "ledger.sqlite") as db:
        db.execute("DROP TRIGGER events_no_delete")
    with pytest.raises(LedgerError, match="guards"):
        open_ledger(None, tmp_path, "unit")
    assert "events_no_delete" in open_ledger(None, tmp_path, "unit", read_only=True).verify()[0].what


def test_a_counter_that_was_set_back_is_named(ledger: Ledger, tmp_path: Path) -> None:
    fill(ledger)
    tamper(tmp_path, "UPDATE sqlite_sequence SET seq = 2 WHERE name = 'events'")
    assert [p.what for p in ledger.verify()] == ["the counter of its events was changed"]


def test_the_ledger_of_another_unit_is_refused(ledger: Ledger, tmp_path: Path) -> None:
    fill(ledger)
    with pytest.raises(LedgerError, match=r"record of unit 'unit', not of 'lain'"):
        open_ledger(None, tmp_path, "lain")


def test_reading_alone_changes_nothing_not_even_in_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    original = open_ledger(None, tmp_path / "a", "unit")
    made = fill(original)
    original.close()
    copy = tmp_path / "copy"
    shutil.copytree(tmp_path / "a", copy)
    (copy / "ledger.reserve").unlink()
    copy.chmod(0o500)
    before = sorted(p.name for p in copy.iterdir())
    reader = open_ledger(None, copy, "unit", read_only=True)
    assert reader.verify() == []
    assert list(reader.events()) == made
    reader.close()
    assert sorted(p.name for p in copy.iterdir() if not p.name.endswith(("-wal", "-shm"))) == before
    with pytest.raises(LedgerError, match="no record yet"):
        open_ledger(None, tmp_path / "nothing", "unit", read_only=True)


@pytest.mark.parametrize("statement", ["UPDATE events SET actor = 'x'", "DELETE FROM events"])
def test_the_store_itself_refuses_changes(ledger: Ledger, tmp_path: Path, statement: str) -> None:
    fill(ledger)
    with sqlite3.connect(tmp_path / "ledger.sqlite") as db, pytest.raises(sqlite3.IntegrityError, match="append-only"):
        db.execute(statement)


def test_a_draft_that_is_not_json_appends_nothing(ledger: Ledger) -> None:
    with pytest.raises(ValueError, match="JSON"):
        ledger.append([Draft("a", "b", "c"), Draft("a", "b", "c", {"x": float("nan")})])
    assert ledger.head().seq == 0


def test_columns_do_not_run_into_each_other(tmp_path: Path) -> None:
    """The chain must tell ('ab', 'c') from ('a', 'bc')."""
    ledger = open_ledger(None, tmp_path, "unit")
    ledger.append([Draft("ab", "c", "p")])
    tamper(tmp_path, "UPDATE events SET kind = 'a', subject = 'bc' WHERE seq = 1")
    assert ledger.verify()


def test_a_full_disk_is_met_with_the_reserve_and_said_when_that_is_gone(ledger: Ledger, tmp_path: Path) -> None:
    fill(ledger)
    db = ledger._db  # type: ignore[attr-defined]
    pages = db.execute("PRAGMA page_count").fetchone()[0]
    db.execute(f"PRAGMA max_page_count = {pages}")  # SQLite's own way to run into SQLITE_FULL
    assert (tmp_path / "ledger.reserve").stat().st_blocks * 512 >= 2 * 1024 * 1024
    with pytest.raises(LedgerError, match=r"full.*free some room"):
        ledger.append([Draft("a", "b", "c", {"x": "y" * 100_000})])
    assert not (tmp_path / "ledger.reserve").exists()  # it was spent on the second try
    assert ledger.verify() == []
    assert ledger.head().seq == 5


def test_two_writers_wait_for_each_other(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from reporting.ledger import Draft, open_ledger\n"
        "l = open_ledger(None, Path(sys.argv[1]), 'unit')\n"
        "for n in range(50): l.append([Draft('k', sys.argv[2], 'p', {'n': n})])"
    )
    writers = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path), name]) for name in "abc"]
    assert [w.wait(timeout=120) for w in writers] == [0, 0, 0]
    ledger = open_ledger(None, tmp_path, "unit")
    assert ledger.head().seq == 150
    assert ledger.verify() == []


def test_first_commands_that_come_at_once_share_one_new_ledger(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from reporting.ledger import Draft, open_ledger\n"
        "sys.stdin.read()\n"
        "open_ledger(None, Path(sys.argv[1]), 'unit').append([Draft('k', 's', 'p')])"
    )
    for attempt in range(5):
        folder = tmp_path / str(attempt)
        waiting = [subprocess.Popen([sys.executable, "-c", code, str(folder)], stdin=subprocess.PIPE) for _ in range(6)]
        for process in waiting:
            assert process.stdin is not None
            process.stdin.close()
        assert [process.wait(timeout=60) for process in waiting] == [0] * 6
        ledger = open_ledger(None, folder, "unit")
        assert (ledger.head().seq, ledger.verify()) == (6, [])
        ledger.close()


def test_a_writer_that_is_killed_leaves_whole_transactions(tmp_path: Path) -> None:
    """Each append is two events; a kill at any moment leaves both or none, and the chain whole."""
    code = (
        "import sys; from pathlib import Path; from reporting.ledger import Draft, open_ledger\n"
        "l = open_ledger(None, Path(sys.argv[1]), 'unit')\n"
        "while True:\n"
        "    l.append([Draft('k', 's', 'p'), Draft('k', 's', 'p')]); print(l.head().seq, flush=True)"
    )
    for kill_after in (1, 7, 23):
        writer = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True)
        assert writer.stdout is not None
        seen = [int(writer.stdout.readline()) for _ in range(kill_after)]
        os.kill(writer.pid, signal.SIGKILL)
        writer.wait(timeout=30)
        ledger = open_ledger(None, tmp_path, "unit")
        assert ledger.verify() == []
        assert ledger.head().seq >= seen[-1]  # what was acknowledged is there
        assert ledger.head().seq % 2 == 0
        ledger.close()


def test_a_file_that_is_no_ledger_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "ledger.sqlite").write_bytes(b"this is not a database, it is a letter" * 100)
    with pytest.raises(LedgerError, match=r"ledger\.sqlite"):
        open_ledger(None, tmp_path, "unit")


@pytest.mark.parametrize("url", ["mysql://x/y", "nonsense", "sqlite://host/x"])
def test_an_unknown_store_is_refused_by_name(tmp_path: Path, url: str) -> None:
    with pytest.raises(LedgerError, match=r"laman_unit\.ledger"):
        open_ledger(url, tmp_path, "unit")


def test_stamps_keep_microseconds_and_the_zone() -> None:
    moment = datetime(2026, 11, 22, 1, 2, 3, 45, UTC)
    assert parse_stamp(stamp(moment)) == moment
