"""Dumps: whole or cut, tables missing; and the privileges behind a dump that only looks whole."""

from __future__ import annotations

import pytest

from reporting.backup_set.commands import option_file, read_facts, tar_problems
from reporting.backup_set.privileges import missing, read_grants
from reporting.backup_set.request import MariadbRequest, RequestError, read_medium, read_request
from reporting.backup_set.sqlstream import DumpError, MariadbDump, SqliteDump

DUMP = b"""/*M!999999\\- enable the sandbox mode */
-- MariaDB dump 10.19  Distrib 10.11.11-MariaDB, for debian-linux-gnu (x86_64)
--
-- Host: localhost    Database: web
-- ------------------------------------------------------
--
-- Table structure for table `berita`
--
CREATE TABLE `berita` (`id` int);
INSERT INTO `berita` VALUES (1);
--
-- Table structure for table `a``b`
--
CREATE TABLE `a``b` (`id` int);
--
-- Temporary table structure for view `v`
--
-- Dump completed on 2026-11-22 12:00:00
"""


def _watch(data: bytes, step: int) -> MariadbDump:
    dump = MariadbDump()
    for start in range(0, len(data), step):
        dump.feed(data[start : start + step])
    return dump


@pytest.mark.parametrize("step", [1, 3, 17, 400, 10_000])
def test_a_whole_dump_passes_in_pieces_of_any_size(step: int) -> None:
    dump = _watch(DUMP, step)
    dump.check(["berita", "a`b", "v"])
    assert dump.tables == {b"berita", b"a`b", b"v"}
    assert dump.has_rows


def test_tail_missing() -> None:
    for length in range(len(DUMP) - len(b"-- Dump completed on 2026-11-22 12:00:00\n")):
        with pytest.raises(DumpError):
            _watch(DUMP[:length], 100).check([])


def test_a_row_that_says_completed_is_no_tail() -> None:
    fake = DUMP.replace(b"-- Dump completed on", b"INSERT INTO `x` VALUES ('-- Dump completed on")
    with pytest.raises(DumpError, match="it was cut"):
        _watch(fake, 100).check([])


def test_text_before_the_dump_or_an_error_page_is_no_dump() -> None:
    with pytest.raises(DumpError, match="is no dump"):
        _watch(b"<html>error</html>\n-- Dump completed\n", 100).check([])


def test_a_table_that_the_server_has_and_the_dump_has_not() -> None:
    with pytest.raises(DumpError, match="1 tables are not in the dump: pengguna"):
        _watch(DUMP, 50).check(["berita", "pengguna"])


def test_no_rows_is_noticed() -> None:
    assert not _watch(DUMP.replace(b"INSERT INTO `berita` VALUES (1);\n", b""), 10).has_rows


def test_routine_body_that_was_denied_is_noticed() -> None:
    text = b"-- insufficient privileges to SHOW CREATE PROCEDURE `p`\n-- does x have permissions on mysql.proc?\n"
    assert _watch(DUMP + text, 7).denied == ["SHOW CREATE PROCEDURE `p`"]


@pytest.mark.parametrize("step", [1, 5, 1000])
def test_sqlite_dump(step: int) -> None:
    def watch(data: bytes) -> SqliteDump:
        dump = SqliteDump()
        for start in range(0, len(data), step):
            dump.feed(data[start : start + step])
        return dump

    whole = b'PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\nCREATE TABLE t(a);\nCREATE TABLE IF NOT EXISTS "u v" (a);\n'
    good = watch(whole + b"INSERT INTO t VALUES(1);\nCOMMIT;\n")
    good.check()
    assert good.tables == {"t", "u v"}
    for bad in (whole, whole + b"ROLLBACK; -- due to errors\n", b"Error: no such file\nCOMMIT;\n", b""):
        with pytest.raises(DumpError):
            watch(bad).check()


GRANTS = ["GRANT USAGE ON *.* TO `wp`@`localhost` IDENTIFIED BY PASSWORD '*A'"]


@pytest.mark.parametrize(
    ("grants", "lacking"),
    [
        (["GRANT ALL PRIVILEGES ON *.* TO `root`@`localhost` WITH GRANT OPTION"], []),
        (["GRANT ALL PRIVILEGES ON `web`.* TO `wp`@`localhost`"], []),
        (["GRANT ALL PRIVILEGES ON `w_b`.* TO `wp`@`localhost`"], []),  # an unescaped _ is a wildcard
        (["GRANT ALL PRIVILEGES ON `w\\_b`.* TO `wp`@`localhost`"], ["SELECT", "TRIGGER", "EVENT", "routines"]),
        (["GRANT ALL PRIVILEGES ON `other`.* TO `wp`@`localhost`"], ["SELECT", "TRIGGER", "EVENT", "routines"]),
        (["GRANT SELECT, EVENT, EXECUTE ON `web`.* TO `wp`@`localhost`"], ["TRIGGER"]),
        (["GRANT SELECT, TRIGGER, EVENT ON `web`.* TO `wp`@`%`"], ["routines"]),
        (["GRANT SELECT, TRIGGER, EVENT ON `web`.* TO a@b", "GRANT SELECT ON `mysql`.`proc` TO a@b"], []),
        (["GRANT SELECT, TRIGGER, EVENT, SHOW CREATE ROUTINE ON `web`.* TO a@b"], []),
        (["GRANT SELECT (id, name), TRIGGER, EVENT, EXECUTE ON `web`.* TO a@b"], ["SELECT"]),
        (["GRANT SELECT, TRIGGER ON `web`.`t` TO a@b"], ["SELECT", "TRIGGER", "EVENT", "routines"]),
        (["GRANT EXECUTE ON PROCEDURE `web`.`p` TO a@b"], ["SELECT", "TRIGGER", "EVENT", "routines"]),
        (["GRANT `reader` TO `a`@`b`"], ["SELECT", "TRIGGER", "EVENT", "routines"]),
        (["GRANT SELECT, TRIGGER, EVENT, SHOW_ROUTINE ON *.* TO `a`@`b`"], []),
    ],
)
def test_missing_privileges_are_named(grants: list[str], lacking: list[str]) -> None:
    lines = missing(read_grants(GRANTS + grants, "web"), "web", "wp@localhost", has_views=False)
    assert len(lines) == len(lacking)
    for word, line in zip(lacking, lines, strict=True):
        assert word in line
        assert "Remedy: GRANT" in line


def test_show_view_is_only_needed_where_there_are_views() -> None:
    held = read_grants(["GRANT SELECT, TRIGGER, EVENT, EXECUTE ON `web`.* TO a@b"], "web")
    assert missing(held, "web", "a@b", has_views=False) == []
    (line,) = missing(held, "web", "a@b", has_views=True)
    assert "GRANT SHOW VIEW ON `web`.* TO 'a'@'b'" in line


def test_rows_of_the_inspection_are_unescaped() -> None:
    facts = read_facts(
        "server\t10.11\ta@b\ntable\tt\\n1\tBASE TABLE\tMyISAM\t2\nroutine\tp\\\\n\ta@b\thidden\nGRANT x\n"
    )
    assert facts.tables == ["t\n1"]
    assert facts.unsafe_tables == ["t\n1 (MyISAM)"]
    assert facts.hidden_routines == ["p\\n"]
    assert facts.grants == ["GRANT x"]


def _mariadb(**more: object) -> MariadbRequest:
    return MariadbRequest.model_validate({"name": "d", "kind": "mariadb", "database": "web", **more})


def test_option_file_cannot_be_broken_out_of() -> None:
    content = option_file(_mariadb(user="u", password='a"\n[mysqldump]\nignore-table=x\\', socket="/s"))
    assert content == b'[client]\nuser="u"\npassword="a\\"\\n[mysqldump]\\nignore-table=x\\\\"\nsocket="/s"\n'


@pytest.mark.parametrize(
    ("stderr", "code", "wanted"),
    [
        ("", 0, []),
        ("tar: t/sock: socket ignored\n", 0, []),
        ("tar: t/a: file changed as we read it\n", 1, ["/t: changed while it was read: t/a"]),
        ("tar: t/a: File removed before we read it\n", 1, ["/t: changed while it was read: t/a"]),
        (
            "tar: t/x: Cannot open: Permission denied\ntar: Exiting with failure status due to previous errors\n",
            2,
            ["/t: could not be read: t/x: Cannot open: Permission denied"],
        ),
        (
            "tar: t/x: Permission denied\ntar: error exit delayed from previous errors\n",
            1,
            ["/t: could not be read: t/x: Permission denied"],
        ),
        ("", 2, ["/t: tar ended with exit code 2 and said nothing"]),
        ("tar: t/\x1b[31mx: Cannot open: x\n", 2, ["/t: could not be read: t/␛[31mx: Cannot open: x"]),
        ("sh: cd: /t\n", 97, ["/t: no such folder on the host, or the account may not enter it"]),
        ("", 96, ["/t: tar is not installed on the host"]),
    ],
)
def test_what_tar_says(stderr: str, code: int, wanted: list[str]) -> None:
    assert tar_problems(stderr, code, "/t") == wanted


SITE = {"site": "web", "execution": "x"}


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ({}, "nothing to back up"),
        ({"trees": [{"name": "a", "path": "relative"}]}, "site_backup_trees.0: 'relative' must be an absolute path"),
        ({"trees": [{"name": "a", "path": "/"}]}, "absolute path below /"),
        ({"trees": [{"name": "../a", "path": "/x"}]}, "site_backup_trees.0.name"),
        ({"trees": [{"name": "a", "path": "/x", "exclude": ["../y"]}]}, "exclude"),
        ({"trees": [{"name": "a", "path": "/x"}, {"name": "a", "path": "/y"}]}, "used twice"),
        ({"databases": [{"name": "a", "kind": "oracle"}]}, "site_backup_databases.0"),
        (
            {"databases": [{"name": "a", "kind": "mariadb", "database": "d", "password": "canary-77"}]},
            "password without user",
        ),
        (
            {"databases": [{"name": "a", "kind": "mariadb", "database": "d", "user": 5, "password": "canary-77"}]},
            "site_backup_databases.0.user",
        ),
        (
            {"databases": [{"name": "a", "kind": "mariadb", "database": "d", "dump_options": ["-p canary-77"]}]},
            "dump_options",
        ),
        (
            {
                "databases": [
                    {"name": "a", "kind": "mariadb", "database": "d", "client_options": {"x\n[y]": "canary-77"}}
                ]
            },
            "no client option",
        ),
    ],
)
def test_wrong_settings_are_one_line_without_a_secret(raw: dict[str, object], message: str) -> None:
    with pytest.raises(RequestError) as caught:
        read_request(SITE | raw)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "canary-77" not in str(caught.value)


def test_wrong_medium_settings_name_the_key() -> None:
    with pytest.raises(RequestError, match=r"backup_media_medium\.path"):
        read_medium({"id": "a"})
