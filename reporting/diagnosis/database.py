"""Databases: whether they answer, and to whom. Told apart: the server is down, or it refuses the account."""

from __future__ import annotations

import re

from reporting.backup_set.request import DatabaseRequest, MariadbRequest, PostgresqlRequest
from reporting.diagnosis.model import Check, check
from reporting.diagnosis.script import Section
from reporting.text import harmless

_NUMBERS = {
    "1045": "refused", "1698": "refused", "1130": "refused", "1044": "no_database", "1049": "no_database",
    "2002": "down", "2003": "down", "2006": "down", "2013": "down", "1040": "down", "1053": "down",
    "2005": "unknown_host",
}  # fmt: skip
_WORDS = (  # PostgreSQL gives no numbers
    ("authentication failed", "refused"), ("no password supplied", "refused"), ("no pg_hba.conf entry", "refused"),
    ("role ", "refused"), ("does not exist", "no_database"), ("permission denied for database", "no_database"),
    ("could not translate host name", "unknown_host"), ("No such file or directory", "down"),
    ("Connection refused", "down"), ("timeout expired", "down"), ("starting up", "down"), ("shutting down", "down"),
)  # fmt: skip
_TOLD = {
    "refused": ("the server refuses the account", "server menolak akun"),
    "no_database": ("no such database, or the account may not use it", "basis data tidak ada, atau akun tidak berhak"),
    "down": ("the server does not answer", "server tidak menjawab"),
    "unknown_host": ("its host name is not known", "nama host-nya tidak dikenal"),
    "other": ("it cannot be asked", "tidak dapat ditanyai"),
}


def database_check(section: Section | None, database: DatabaseRequest, number: int) -> Check:
    """The check of one database of the settings."""
    name = "database" if number == 0 else f"database_{number + 1}"
    if section is None:
        return check(name, "inside", "unknown", "the host gave no answer", "host tidak memberi jawaban")
    if isinstance(database, MariadbRequest | PostgresqlRequest):
        facts = {"database": database.database, "account": database.user or "the option file's"}
        return _asked(name, "database", section.lines, facts)
    return _file(name, section.lines, database.path)


def wordpress_check(section: Section) -> Check:
    """The site's own account, as wp-config.php has it."""
    file = next((line.removeprefix("file ") for line in section.lines if line.startswith("file ")), "wp-config.php")
    account = next((line.removeprefix("account ") for line in section.lines if line.startswith("account ")), "?")
    if "unreadable" in section.lines:
        return check("cms_database", "inside", "unknown", f"{file} is not readable for this account",
                     f"{file} tidak dapat dibaca oleh akun ini")  # fmt: skip
    if "unclear" in section.lines:
        return check("cms_database", "inside", "unknown", f"{file}: its database settings are no plain text",
                     f"{file}: pengaturan basis datanya bukan teks biasa")  # fmt: skip
    return _asked("cms_database", "cms", section.lines, {"file": file, "account": account})


def _asked(name: str, sign: str, lines: list[str], facts: dict[str, str]) -> Check:
    who = facts.get("database") or facts["account"]
    if "noclient" in lines:
        return check(
            name, "inside", "unknown", "no database client on the host", "tidak ada klien basis data pada host"
        )
    answer = next((line.split("\t") for line in lines if line.startswith("laman-db\t")), None)
    code = next((line.removeprefix("code ") for line in lines if line.startswith("code ")), "")
    if answer is not None and code == "0":
        version = harmless(answer[1] if len(answer) > 1 else "?", 60)
        return check(name, "inside", "ok", f"{who}: answers ({version})", f"{who}: menjawab ({version})",
                     f"{sign}.ok", facts=facts)  # fmt: skip
    if code in ("137", "124", ""):
        return check(name, "inside", "problem", f"{who}: hangs, no answer in time", f"{who}: macet, tidak menjawab",
                     f"{sign}.down", facts=facts)  # fmt: skip
    errors = [line for line in lines if "ERROR" in line or "FATAL" in line]
    said = next(iter(errors), next((ln for ln in lines if ln.strip()), ""))
    word = _meaning(said)
    facts = facts | {"said": said}
    en, indonesian = _TOLD[word]
    return check(name, "inside", "problem", f"{who}: {en} [{said}]", f"{who}: {indonesian} [{said}]",
                 f"{sign}.{word}", facts=facts)  # fmt: skip


def _meaning(said: str) -> str:
    """What a refusal means; `other` where nothing of it is known."""
    if match := re.search(r"ERROR (\d{4})", said):
        return _NUMBERS.get(match[1], "other")
    return next((word for part, word in _WORDS if part in said), "other")


def _file(name: str, lines: list[str], path: str) -> Check:
    facts = {"database": path, "said": "it is no SQLite file", "said_id": "bukan berkas SQLite"}
    if "unreadable" in lines:
        return check(name, "inside", "unknown", f"{path} is not readable for this account",
                     f"{path} tidak dapat dibaca oleh akun ini")  # fmt: skip
    if "absent" in lines or "nofile" in lines:
        gone = {"said": "the file is not there", "said_id": "berkasnya tidak ada"}
        return check(name, "inside", "problem", f"{path}: no such file", f"{path}: berkas tidak ada",
                     "database.file_missing", facts=facts | gone)  # fmt: skip
    head = next((line.removeprefix("head ") for line in lines if line.startswith("head")), None)
    if head is not None and head.strip() in ("SQLite format 3", ""):
        return check(name, "inside", "ok", f"{path} is an SQLite file", f"{path} adalah berkas SQLite", "database.ok")
    if head is None:
        return check(name, "inside", "unknown", "the host gave no answer", "host tidak memberi jawaban")
    return check(name, "inside", "problem", f"{path}: is no SQLite file", f"{path}: bukan berkas SQLite",
                 "database.file_damaged", facts=facts)  # fmt: skip


__all__ = ["database_check", "wordpress_check"]
