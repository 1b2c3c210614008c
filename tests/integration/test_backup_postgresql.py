"""PostgreSQL: dumped from one snapshot, watched on the way, restored by the set's own instructions, compared."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import zstandard

from reporting.backup_set.drill import drill
from reporting.backup_set.manifest import read_manifest
from reporting.backup_set.opened import SetSource
from reporting.backup_set.postgres import PgDump
from reporting.backup_set.sqlstream import DumpError
from reporting.backup_set.store import store
from tests.integration.agency import Agency
from tests.integration.postgresql import Postgres, postgres

PASSWORD = "kenari-rahasia-PG-7f3a"  # a canary
SCHEMA = """
CREATE ROLE penulis LOGIN PASSWORD 'kenari-rahasia-PG-7f3a';
CREATE DATABASE web OWNER penulis;
CREATE DATABASE arsip;
"""
CONTENT = """
CREATE SCHEMA "skema aneh";
CREATE TABLE berita (id int PRIMARY KEY, judul text, isi bytea);
INSERT INTO berita SELECT n, E'judul \\\\ ' || n || E'\\n\\\\.\\n\\tæ 漢', decode(md5(n::text), 'hex')
  FROM generate_series(1, 5000) n;
CREATE TABLE "skema aneh"."tabel ""kutip""
baris" (a int);
INSERT INTO "skema aneh"."tabel ""kutip""
baris" VALUES (1), (NULL);
CREATE TABLE kosong (a int);
CREATE TABLE induk (t int) PARTITION BY RANGE (t);
CREATE TABLE anak PARTITION OF induk FOR VALUES FROM (0) TO (100);
INSERT INTO induk VALUES (5), (6);
CREATE VIEW terbaru AS SELECT id FROM berita WHERE id > 4000;
CREATE MATERIALIZED VIEW hitung AS SELECT count(*) FROM berita;
CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
COPY berita FROM stdin;
RETURN NEW; END $$;
CREATE TRIGGER tr BEFORE INSERT ON berita FOR EACH ROW EXECUTE FUNCTION f();
GRANT SELECT ON berita TO penulis;
"""
COMPARE = """
SELECT md5(string_agg(b::text, E'\\n' ORDER BY id)) FROM berita b;
SELECT * FROM "skema aneh"."tabel ""kutip""
baris" ORDER BY 1; SELECT * FROM anak ORDER BY 1; SELECT * FROM hitung; SELECT count(*) FROM terbaru;
SELECT tgname FROM pg_trigger WHERE NOT tgisinternal;
SELECT relacl FROM pg_class WHERE relname = 'berita';
"""


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    with postgres() as running:
        running.sql(SCHEMA)
        running.sql(CONTENT, "web")
        running.sql("CREATE TABLE a (b int); INSERT INTO a VALUES (1)", "arsip")
        yield running


@pytest.fixture
def agency(tmp_path: Path) -> Agency:
    return Agency(tmp_path)


def asked(server: Postgres, **changes: Any) -> dict[str, Any]:
    known: dict[str, Any] = {"name": "web", "kind": "postgresql", "database": "web", "socket": str(server.socket)}
    return known | {"user": "root"} | changes


def back_up(agency: Agency, *databases: dict[str, Any]) -> dict[str, Any]:
    agency.sites["www"] = {"site_backup_databases": list(databases)}
    agency.write()
    done = agency.laman("run", "backup", "--json")
    assert done.returncode in (0, 2), done.stderr
    return dict(json.loads(done.stdout)["executions"][-1])


def test_a_database_comes_whole_and_goes_back_by_the_sets_own_instructions(agency: Agency, server: Postgres) -> None:
    assert back_up(agency, asked(server))["verdict"] == "sesuai"
    (folder,) = agency.sets("www")
    (part,) = read_manifest(folder).parts
    assert part.database is not None
    assert (part.kind, part.database.triggers, part.database.definers) == (
        "postgresql",
        ["public.tr"],
        ["penulis", "root"],
    )
    rows = {table.name: table.rows for table in part.database.contents}
    assert rows["public.berita"] == 5000
    assert (rows["public.anak"], rows["public.kosong"], sum(rows.values())) == (2, 0, 5004)
    before = server.sql(COMPARE, "web")
    server.sql("ALTER DATABASE web RENAME TO web_lama")
    try:
        commands = [line for line in (folder / "CARA-PULIHKAN.txt").read_text().splitlines() if line[:4] == "    "]
        environment = {**os.environ, "HOME": str(agency.folder), "PGHOST": str(server.socket), "PGUSER": "root"}
        done = subprocess.run(["bash", "-euo", "pipefail"], input="\n".join(commands), env=environment, text=True,
                              capture_output=True)  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert server.sql(COMPARE, "web") == before
    finally:
        server.sql("DROP DATABASE IF EXISTS web")
        server.sql("ALTER DATABASE web_lama RENAME TO web")


def test_all_databases_of_the_server_are_found(agency: Agency, server: Postgres) -> None:
    assert back_up(agency, asked(server, name="semua", database="*"))["verdict"] == "menyimpang"  # postgres is empty
    (folder,) = (agency.medium / "laman" / "www").glob("*.tidak-lengkap")
    assert {p.source for p in read_manifest(folder).parts} == {"web", "arsip", "postgres"}


def test_a_database_that_nobody_asked_for_is_named(agency: Agency, server: Postgres) -> None:
    back_up(agency, asked(server))
    status = agency.laman("review", agency.executions()[-1]["id"]).stdout
    assert "arsip" in status


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"user": "penulis", "password": "salah"}, "wrong user or password"),
        ({"user": "penulis", "password": PASSWORD}, "permission denied"),  # may not read every table
        ({"database": "hilang"}, "no such database"),
        ({"socket": "/nowhere"}, "the server does not answer"),
        ({"database": "postgres"}, "no table"),
    ],
)
def test_what_fails_is_said_and_is_no_backup(
    agency: Agency, server: Postgres, changes: dict[str, Any], said: str
) -> None:
    execution = back_up(agency, asked(server, **changes))
    assert execution["verdict"] == "menyimpang"
    assert said in execution["requirement"]["reason"] + execution["output"]["reason"]
    assert agency.sets("www") == []
    for path in agency.folder.rglob("*"):
        if path.is_file() and "inventory" not in path.parts:
            assert PASSWORD.encode() not in path.read_bytes(), path


def dump_of(server: Postgres) -> bytes:
    command = ["pg_dump", "-h", str(server.socket), "-U", "root", "web"]
    return subprocess.run(command, check=True, capture_output=True).stdout


@pytest.mark.parametrize("size", [1, 7, 100, 4096, 1 << 20])
def test_a_dump_is_understood_in_pieces_of_any_size(server: Postgres, size: int) -> None:
    dump = dump_of(server)
    if size == 1:
        dump = re.sub(rb"(?m)^[1-9]\d{1,}\tjudul.*\n", b"", dump)  # a byte at a time takes a while
    seen, whole = PgDump(), PgDump()
    whole.feed(dump)
    for start in range(0, len(dump), size):
        seen.feed(dump[start : start + size])
    assert seen.contents == whole.contents
    assert seen.objects == whole.objects
    seen.check(["public.berita", 'skema aneh.tabel "kutip"\nbaris', "public.terbaru", "public.hitung"])


def test_a_dump_that_was_cut_anywhere_is_no_dump(server: Postgres) -> None:
    dump = dump_of(server)
    for end in (0, 30, len(dump) // 2, dump.rindex(b"-- PostgreSQL database dump complete"), len(dump) - 60):
        seen = PgDump()
        seen.feed(dump[:end])
        with pytest.raises(DumpError):
            seen.check(["public.berita"])
    seen = PgDump()
    seen.feed(dump)
    with pytest.raises(DumpError, match=r"public\.lain"):
        seen.check(["public.lain"])


@pytest.mark.parametrize(
    ("changes", "state", "said"),
    [
        ({}, "ok", "answers"),
        ({"user": "penulis", "password": "salah"}, "problem", "refuses the account"),
        ({"database": "hilang"}, "problem", "no such database"),
        ({"socket": "/nowhere"}, "problem", "does not answer"),
    ],
)
def test_a_diagnosis_tells_it_too(
    agency: Agency, server: Postgres, changes: dict[str, Any], state: str, said: str
) -> None:
    address = "http://127.0.0.1:9/"  # nothing answers there: the outside is no part of this
    agency.sites["www"] = {"site_backup_databases": [asked(server, **changes)], "site_diagnosis_url": address}
    agency.write()
    done = agency.laman("diagnose", "www", "--json")
    checks = {check["name"]: check for check in json.loads(done.stdout)["checks"]}
    assert (checks["database"]["state"], said in checks["database"]["detail"]) == (state, True), checks["database"]


def rewritten(folder: Path, old: bytes, new: bytes) -> None:
    """Change the stored dump and make every hash agree with it again: only its meaning tells."""
    (part,) = read_manifest(folder).parts
    path = folder / part.file
    dump = zstandard.ZstdDecompressor().stream_reader(path.read_bytes(), read_across_frames=True).read()
    assert dump.count(old) == 1
    path.unlink()
    stored = store(io.BytesIO(dump.replace(old, new)), path, lambda _piece: None)
    manifest = json.loads((folder / "MANIFEST.json").read_text())
    manifest["parts"][0] |= {
        "source_bytes": stored.source_bytes, "source_sha256": stored.source_sha256, "frames": stored.frames,
        "stored_bytes": stored.stored_bytes, "sha256": stored.sha256,
    }  # fmt: skip
    (folder / "MANIFEST.json").write_text(json.dumps(manifest))


@pytest.mark.parametrize(
    ("old", "new", "status", "said"),
    [
        (b"", b"", "proven", "5004 rows"),
        (b"\n5\n6\n\\.\n", b"\n5\n\\.\n", "failed", "1 rows, 2 were recorded"),
        (b"\n5\n6\n\\.\n", b"\n5\n7\n\\.\n", "failed", "not those that were recorded"),
        (b"\nCREATE TRIGGER tr ", b"\n-- CREATE TRIGGER tr ", "failed", "trigger public.tr is missing"),
        (b"\nCREATE TABLE public.kosong", b"\nCREATE TABEL public.kosong", "failed", "does not load"),
    ],
)
def test_a_drill_proves_it(
    agency: Agency, server: Postgres, tmp_path: Path, old: bytes, new: bytes, status: str, said: str
) -> None:
    back_up(agency, asked(server))
    (folder,) = agency.sets("www")
    if old:
        rewritten(folder, old, new)
    tmp_path.chmod(0o755)
    with tempfile.TemporaryDirectory(prefix="lm-drill-") as home:
        Path(home).chmod(0o755)
        result = drill(SetSource(folder), Path(home))
        assert list(Path(home).iterdir()) == []
    assert result.status == status, result.comparisons
    assert said in "; ".join(c.detail for c in result.comparisons)
