"""The drill on real sets of a real database: a good one is proven, and each of what peers let pass is not."""

from __future__ import annotations

import atexit
import functools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import zstandard

from reporting.backup_set import drill as drilling
from reporting.backup_set import throwaway
from reporting.backup_set.drill import Drill, drill
from reporting.backup_set.manifest import read_manifest
from reporting.backup_set.medium import MediumSpec, Needs, probe
from reporting.backup_set.opened import SetSource
from reporting.backup_set.request import BackupRequest
from reporting.backup_set.restore import RestoreError, Wanted, restore_set
from reporting.backup_set.store import StoreError, store
from reporting.hosts.site_backup import back_up

from .agency import Agency
from .loopback import ansible_connection
from .mariadb import Server, content, server

SOURCE = """
SET NAMES utf8mb4;
CREATE DATABASE web CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci; USE web;
CREATE TABLE posts (id INT AUTO_INCREMENT PRIMARY KEY, title VARCHAR(200), body TEXT, at TIMESTAMP NULL);
CREATE TABLE blobs (id INT PRIMARY KEY, data LONGBLOB, twice INT GENERATED ALWAYS AS (id * 2) STORED) ENGINE=InnoDB;
CREATE TABLE heap (a INT, b VARCHAR(50)) ENGINE=MyISAM;
CREATE TABLE `odd ``name` (a FLOAT, b DOUBLE, c DECIMAL(30,10), d DATETIME(6), e BIT(5), f JSON);
CREATE TABLE empty_one (a INT);
CREATE TABLE child (id INT PRIMARY KEY, post INT, FOREIGN KEY (post) REFERENCES posts (id));
INSERT INTO posts (title, body, at) SELECT CONCAT('Judul ', seq, ' \\'\\"💡'), REPEAT(CONCAT('a),(b\\n);', seq), 40),
  '2026-01-01 00:00:00' + INTERVAL seq HOUR FROM seq_1_to_3000;
INSERT INTO blobs (id, data) SELECT seq, REPEAT(UNHEX(LPAD(HEX(seq), 4, '0')), 50 * seq) FROM seq_1_to_40;
INSERT INTO blobs (id, data) VALUES (99, REPEAT('x', 6000000));
INSERT INTO heap SELECT seq, MD5(seq) FROM seq_1_to_500; DELETE FROM heap WHERE a % 7 = 0;
INSERT INTO heap VALUES (1000, 'in a hole');
INSERT INTO `odd ``name` VALUES (NULL, NULL, NULL, NULL, NULL, NULL),
  (0.1, 1e300, 12345678901234567890.0123456789, '2026-11-22 01:02:03.000004', b'10101', '{"a": 1}');
INSERT INTO child SELECT id, id FROM posts WHERE id <= 30;
CREATE VIEW newest AS SELECT id, title FROM posts WHERE id > 2000;
DELIMITER //
CREATE TRIGGER stamp BEFORE INSERT ON child FOR EACH ROW SET NEW.post = NEW.post//
CREATE PROCEDURE tidy() BEGIN DELETE FROM heap WHERE a < 0; END//
CREATE FUNCTION answer() RETURNS INT DETERMINISTIC RETURN 42//
CREATE EVENT nightly ON SCHEDULE EVERY 1 DAY DO DELETE FROM heap WHERE a < 0//
DELIMITER ;
"""


@pytest.fixture(scope="module")
def database() -> Iterator[Server]:
    with server() as running:
        running.sql(SOURCE)
        yield running


@pytest.fixture
def folder(database: Server, tmp_path: Path) -> Path:
    """A fresh set of a small site, its database and an SQLite file."""
    site = tmp_path / "web"
    (site / "sub").mkdir(parents=True)
    for number in range(30):
        (site / "sub" / f"f{number}.txt").write_bytes(os.urandom(500 * number))
    (site / "baris\nbaru").write_text("x")
    subprocess.run(
        ["sqlite3", tmp_path / "app.sqlite", "CREATE TABLE t (a); INSERT INTO t VALUES (1), (2);"], check=True
    )
    medium = tmp_path / "medium"
    medium.mkdir()
    (medium / "LAMAN-MEDIUM.json").write_text('{"id": "disk"}')
    report = probe(MediumSpec("disk", str(medium), declared_folder=True), Needs("web", 1))
    request = BackupRequest.model_validate(
        {
            "site": "web",
            "execution": "t",
            "trees": [{"name": "laman", "path": str(site)}],
            "databases": [
                {"name": "isi", "kind": "mariadb", "database": "web", "user": "root", "socket": str(database.socket)},
                {"name": "app", "kind": "sqlite", "path": str(tmp_path / "app.sqlite")},
            ],
        }
    )
    outcome = back_up(ansible_connection("local"), request, report, progress=lambda _name, _size: None)
    assert outcome.problems == []
    (made,) = (path for path in (medium / "laman/web").iterdir() if path.name.startswith("2"))
    return made


@functools.cache
def scratch_home() -> Path:
    """Where a server without rights may enter, which pytest's own folders are not."""
    home = Path(tempfile.mkdtemp(prefix="lm-scratch-"))
    home.chmod(0o711)
    atexit.register(shutil.rmtree, home)
    return home


def drilled(folder: Path) -> Drill:
    home = scratch_home()
    result = drill(SetSource(folder), home)
    assert list(home.iterdir()) == []
    assert not processes(home)
    return result


def processes(home: Path) -> list[str]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                line = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if os.fsencode(home / "laman-drill-") in line:
                found.append(line.decode("utf-8", "replace"))
    return found


def wrong(result: Drill) -> list[str]:
    return [f"{c.part} {c.what}: {c.detail}" for c in result.comparisons if c.state == "differs"]


def change_dump(folder: Path, change: Callable[[bytes], bytes]) -> None:
    """Alter the dump, and every hash and length with it: only the record of rows and objects stays."""
    manifest = json.loads((folder / "MANIFEST.json").read_text())
    part = next(part for part in manifest["parts"] if part["name"] == "isi")
    path = folder / part["file"]
    text = zstandard.ZstdDecompressor().stream_reader(path.open("rb"), read_across_frames=True).read()
    changed = change(text)
    assert changed != text
    path.unlink()
    pieces = iter([changed, b""])

    class Source:
        def read(self, _size: int, /) -> bytes:
            return next(pieces)

    stored = store(Source(), path, lambda _piece: None)
    part |= {
        "source_bytes": stored.source_bytes, "source_sha256": stored.source_sha256, "frames": stored.frames,
        "stored_bytes": stored.stored_bytes, "sha256": stored.sha256,
    }  # fmt: skip
    (folder / "MANIFEST.json").write_text(json.dumps(manifest))


def test_a_good_set_is_proven_and_nothing_of_it_is_left(folder: Path) -> None:
    result = drilled(folder)
    assert (result.status, [c for c in result.comparisons if c.state != "equal"]) == ("proven", [])
    compared = {(c.part, c.what): (c.recorded, c.restored) for c in result.comparisons}
    assert compared[("isi", "tables")] == (6, 6)
    assert compared[("laman", "files")] == (31, 31)
    assert compared[("app", "tables")] == (1, 1)
    assert [compared[("isi", what)] for what in ("triggers", "routines", "events", "views")] == [
        (1, 1), (2, 2), (1, 1), (1, 1),
    ]  # fmt: skip
    recorded = {table.name: table.rows for table in _database(folder).contents}
    assert recorded == {"posts": 3000, "blobs": 41, "heap": 430, "odd `name": 2, "empty_one": 0, "child": 30}


def _database(folder: Path):  # type: ignore[no-untyped-def]
    return next(part.database for part in read_manifest(folder).parts if part.name == "isi")


def test_one_flipped_byte_fails(folder: Path) -> None:
    for name in ("db-isi.sql.zst", "tree-laman.tar.zst"):
        path = folder / name
        good = path.read_bytes()
        bad = bytearray(good)
        bad[len(bad) // 2] ^= 0x10
        path.write_bytes(bad)
        result = drilled(folder)
        assert result.status == "failed"
        assert any(name in line for line in wrong(result)), wrong(result)
        path.write_bytes(good)


def test_one_missing_row_fails_though_every_hash_agrees(folder: Path) -> None:
    def without_a_row(text: bytes) -> bytes:
        return re.sub(rb"\n\(7,'Judul 7 [^\n]*\),\n", b"\n", text, count=1)

    change_dump(folder, without_a_row)
    result = drilled(folder)
    assert result.status == "failed"
    assert wrong(result) == ["isi tables: table posts: 2999 rows, 3000 were recorded"]


def test_one_changed_value_fails_though_every_hash_agrees(folder: Path) -> None:
    change_dump(folder, lambda text: text.replace(b"'in a hole'", b"'in a HOLE'"))
    result = drilled(folder)
    assert result.status == "failed"
    assert "heap: its rows are not those" in wrong(result)[0]


@pytest.mark.parametrize(("what", "pattern"), [
    ("trigger stamp", rb"\n/\*!50003 CREATE\*/[^\n]*\n?[^;]*?TRIGGER stamp[^;]*;;"),
    ("view newest", rb"(?s)\n-- Final view structure for view `newest`.*?(?=\n/\*!40103)"),
    ("event nightly", rb"\n/\*!50106 CREATE\*/[^\n]*?EVENT `nightly`[^;]*;;"),
])  # fmt: skip
def test_one_missing_object_fails_though_every_hash_agrees(what: str, pattern: bytes, folder: Path) -> None:
    if what.startswith("view"):

        def change(text: bytes) -> bytes:
            return re.sub(pattern, b"\nDROP VIEW IF EXISTS `newest`;\n", text, count=1)
    else:

        def change(text: bytes) -> bytes:
            return re.sub(pattern, b"\n;;", text, count=1)

    change_dump(folder, change)
    result = drilled(folder)
    assert result.status == "failed"
    assert any(f"{what} is missing" in line for line in wrong(result)), wrong(result)


def test_a_dump_that_does_not_load_fails(folder: Path) -> None:
    change_dump(folder, lambda text: text.replace(b"CREATE TABLE `child`", b"CREATE TABEL `child`"))
    result = drilled(folder)
    assert result.status == "failed"
    assert "does not load" in wrong(result)[0]


def test_a_tree_whose_file_is_not_the_listed_one_fails(folder: Path) -> None:
    listing = folder / "FILES-laman.sha256"
    lines = listing.read_text().splitlines(keepends=True)
    digest = lines[3][:64]
    lines[3] = lines[3].replace(digest, ("0" if digest[0] != "0" else "1") + digest[1:])
    listing.write_text("".join(lines))
    result = drilled(folder)
    assert result.status == "failed"
    assert "is not what was backed up" in wrong(result)[0]


def test_without_a_database_server_it_is_not_proven(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throwaway, "_PATH", "/nowhere")
    result = drilled(folder)
    assert result.status == "not_proven"
    assert "mariadbd is not installed" in next(c.detail for c in result.comparisons if c.part == "isi")


def test_a_set_without_a_record_of_rows_is_not_proven(folder: Path) -> None:
    manifest = json.loads((folder / "MANIFEST.json").read_text())
    for part in manifest["parts"]:
        if part["database"]:
            part["database"]["contents"] = []
    (folder / "MANIFEST.json").write_text(json.dumps(manifest))
    assert drilled(folder).status == "not_proven"


def test_what_a_killed_drill_leaves_is_swept_by_the_next(folder: Path) -> None:
    home = scratch_home()
    script = (
        "import sys, time; from pathlib import Path; from reporting.backup_set import drill as d; "
        "from reporting.backup_set.opened import SetSource; "
        "d.load_and_read = lambda *a: (print('loading', flush=True), time.sleep(300)); "
        "d.drill(SetSource(Path(sys.argv[1])), Path(sys.argv[2]))"
    )
    with subprocess.Popen([sys.executable, "-c", script, folder, home], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"loading\n"
        assert len(processes(home)) == 1  # the throw-away server
        process.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 20
    while processes(home):
        assert time.monotonic() < deadline, "the server outlives the drill"
        time.sleep(0.05)
    assert len(list(home.iterdir())) == 1
    assert drilled(folder).status == "proven"


def test_no_room_is_foreseen(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drilling, "needed", lambda _part: 1 << 50)
    with pytest.raises(RestoreError, match="MiB free"):
        drill(SetSource(folder), scratch_home())
    assert list((scratch_home()).iterdir()) == []


# -- restore to a folder, on the same sets


def test_a_set_is_restored_whole_or_in_parts(folder: Path, tmp_path: Path, database: Server) -> None:
    site = tmp_path / "web"
    restored = restore_set(SetSource(folder), tmp_path / "all", Wanted())
    done = subprocess.run(["diff", "-r", site, tmp_path / "all/laman/web"], capture_output=True)
    assert done.returncode == 0, done.stdout
    assert restored.files == 31
    assert (tmp_path / "all/app.sqlite").read_bytes()[:15] == b"SQLite format 3"

    one = restore_set(SetSource(folder), tmp_path / "one", Wanted(files=("sub/f1*.txt", "baris*")))
    assert one.files == 12
    assert sorted(p.name for p in (tmp_path / "one").iterdir()) == ["laman"]
    with pytest.raises(RestoreError, match="no file"):
        restore_set(SetSource(folder), tmp_path / "none", Wanted(files=("nothing.txt",)))

    table = restore_set(SetSource(folder), tmp_path / "table", Wanted(tables=("posts", "child")))
    assert table.tables == ["posts", "child"]
    database.sql("CREATE DATABASE beside")
    try:
        with (tmp_path / "table/isi.sql").open("rb") as stream:
            command = ["mariadb", "--no-defaults", "-uroot", f"-S{database.socket}", "beside"]
            subprocess.run(command, stdin=stream, check=True)
        there = content(lambda text: database.sql(text, "beside"))
        assert there.keys() == {"posts", "child", "(objects)"}
        for name in ("posts", "child"):
            original = database.sql(f"SET NAMES utf8mb4; SET time_zone='+00:00'; SELECT * FROM {name}", "web")
            assert there[name] == sorted(original.rstrip("\n").split("\n"))
        assert [line for line in there["(objects)"] if line.startswith("trigger\tstamp")]
    finally:
        database.sql("DROP DATABASE beside")
    with pytest.raises(RestoreError, match="no table"):
        restore_set(SetSource(folder), tmp_path / "none", Wanted(tables=("posts", "nope")))
    assert not (tmp_path / "none").exists()


def test_a_damaged_set_restores_nothing(folder: Path, tmp_path: Path) -> None:
    path = folder / "tree-laman.tar.zst"
    path.write_bytes(path.read_bytes()[:-7])
    with pytest.raises(StoreError):
        restore_set(SetSource(folder), tmp_path / "to", Wanted())
    assert not list(tmp_path.glob("*to*"))


# -- as commands


def test_the_commands_drill_restore_and_say_what_is_due(tmp_path: Path, database: Server) -> None:
    site = tmp_path / "web"
    site.mkdir()
    (site / "index.html").write_text("<h1>Dinas</h1>")
    isi = {"name": "isi", "kind": "mariadb", "database": "web", "user": "root", "socket": str(database.socket)}
    variables = {"site_backup_trees": [{"name": "laman", "path": str(site)}], "site_backup_databases": [isi]}
    agency = Agency(tmp_path / "agency", {"web": variables}).write()
    assert agency.laman("run", "backup").returncode == 0
    (made,) = agency.sets("web")
    assert "backup drill --latest --site web" in agency.laman("due").stdout

    refused = agency.laman("backup", "drill")
    assert refused.returncode == 1
    assert "--latest" in refused.stderr
    drilled_now = agency.laman("backup", "drill", "--due", "--scratch", str(scratch_home()))
    assert drilled_now.returncode == 0, drilled_now.stdout + drilled_now.stderr
    assert "PROVEN" in drilled_now.stdout
    assert "backup drill" not in agency.laman("due").stdout
    again = agency.laman("backup", "drill", "--due", "--scratch", str(scratch_home()))
    assert "No drill is due" in again.stdout
    assert agency.laman("verify").returncode == 0  # the evidence is in the archive, and on record

    path = made / "db-isi.sql.zst"
    good = path.read_bytes()
    path.write_bytes(good[:-100] + bytes([good[-100] ^ 1]) + good[-99:])
    failed = agency.laman("backup", "drill", made.name, "--json", "--scratch", str(scratch_home()))
    assert failed.returncode == 2
    (event,) = json.loads(failed.stdout)
    assert (event["status"], event["ok"]) == ("failed", False)
    assert "backup drill" in agency.laman("due").stdout
    bad = agency.laman("backup", "restore", made.name, "--to", str(tmp_path / "to"))
    assert bad.returncode == 1
    assert "the medium is damaged" in bad.stderr
    assert not (tmp_path / "to").exists()
    path.write_bytes(good)

    restored = agency.laman("backup", "restore", made.name[:15], "--to", str(tmp_path / "to"))
    assert restored.returncode == 0, restored.stdout + restored.stderr
    assert (tmp_path / "to/laman/web/index.html").read_text() == "<h1>Dinas</h1>"
    words = ("--database", "web", "--into", str(database.socket), "--user", "root", "--as", "web_beside")
    loaded = agency.laman("backup", "restore", made.name, *words)
    assert loaded.returncode == 0, loaded.stdout + loaded.stderr
    try:
        assert "each table's rows and SHA-256 are those of the backup" in loaded.stdout
        taken = agency.laman("backup", "restore", made.name, *words)
        assert taken.returncode == 1
        assert "exists" in taken.stderr
    finally:
        database.sql("DROP DATABASE web_beside")
