"""CARA-PULIHKAN.txt: how to restore this very set by hand, with coreutils, tar, zstd and the database client only.

Every line that starts with four blanks is a command of POSIX sh; run from first to last in one shell they restore the
set into a fresh folder and fresh databases, and check it. A test does exactly that.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import PurePosixPath

from reporting.backup_set.manifest import NAME, SUMS, Manifest, Part
from reporting.text import harmless

_WORD = re.compile(r"[A-Za-z0-9_]+")  # what a server may call a character set; it becomes part of a command


def how_to_restore(manifest: Manifest, folder: PurePosixPath) -> str:
    """The text for a set that lies in `folder` (as mounted when it was written)."""
    return "\n".join([*_head(manifest), *_begin(manifest, folder), *_parts(manifest), *_back(manifest), *_end()]) + "\n"


def _head(manifest: Manifest) -> Iterator[str]:
    yield f"CARA MEMULIHKAN SET BACKUP {manifest.set}"
    yield f"HOW TO RESTORE BACKUP SET {manifest.set}"
    yield ""
    yield f"Laman / site: {manifest.site}    Media / medium: {manifest.medium.id}    Selesai / finished: " + (
        manifest.finished_at.strftime("%Y-%m-%d %H:%M:%S UTC")
    )
    if not manifest.complete:
        yield ""
        yield "PERHATIAN: set ini TIDAK LENGKAP. ATTENTION: this set is INCOMPLETE:"
        yield from (f"  - {harmless(problem)}" for problem in manifest.problems)
    if manifest.exceptions:
        yield ""
        yield "Tidak ikut atas keputusan pengaturan / left out by a decision in the settings:"
        yield from (f"  - {harmless(line)}" for line in manifest.exceptions)
    yield ""
    yield "Yang diperlukan hanya sh, coreutils, tar, zstd, dan klien basis data. Baris yang menjorok empat spasi adalah"
    yield "perintah; jalankan berurutan dalam satu shell. Data asli tidak disentuh: semua masuk ke folder baru dan"
    yield "basis data baru; pindahkan ke tempatnya setelah diperiksa."
    yield "Needed: sh, coreutils, tar, zstd and the database client, nothing else. Lines indented by four blanks are"
    yield "commands; run them in order in one shell. Nothing existing is touched: everything goes into a new folder"
    yield "and new databases; move it into place once you have looked at it."


def _begin(manifest: Manifest, folder: PurePosixPath) -> Iterator[str]:
    yield from _step("1", "Masuk ke folder set ini (sesuaikan bila media terpasang di tempat lain).",
                     "Go to the folder of this set (adjust it when the medium is mounted elsewhere).")  # fmt: skip
    yield f"    cd {shlex.quote(str(folder))}"
    yield "    SET=$(pwd)"
    yield from _step("2", "Periksa bahwa semua berkas utuh. Setiap baris harus berakhir OK (atau: SUKSES).",
                     "Check that every file is whole. Every line must end with OK.")  # fmt: skip
    yield f"    sha256sum -c {SUMS}"
    yield from _step("3", "Buat folder baru untuk hasil pemulihan. Bila sudah ada, pilih nama lain.",
                     "Make a fresh folder for the result. If it exists, choose another name.")  # fmt: skip
    yield f'    TUJUAN="$HOME/pulihkan-{manifest.set}"'
    yield '    mkdir "$TUJUAN"'


def _parts(manifest: Manifest) -> Iterator[str]:
    for number, part in enumerate(manifest.parts, 4):
        if part.kind == "tree":
            yield from _tree(str(number), part)
        elif part.kind == "mariadb":
            yield from _mariadb(str(number), part)
        elif part.kind == "postgresql":
            yield from _postgresql(str(number), part)
        else:
            yield from _sqlite(str(number), part)


def _tree(number: str, part: Part) -> Iterator[str]:
    source = harmless(part.source)
    yield from _step(number, f"Berkas laman {source}. Jalankan sebagai root bila pemilik berkas harus sama.",
                     f"The files of {source}. Run it as root when the files must keep their owners.")  # fmt: skip
    yield f'    mkdir "$TUJUAN/{part.name}"'
    yield f'    zstd -dcq {part.file} | tar -xpf - -C "$TUJUAN/{part.name}"'
    if part.tree is not None and part.tree.files:
        yield "Bandingkan setiap berkas. Tanpa keluaran berarti sama. / Compare every file. No output means equal."
        yield f'    (cd "$TUJUAN/{part.name}" && sha256sum --quiet -c "$SET/{part.tree.files_list}")'
    if part.tree is not None and part.tree.excludes:
        yield "Tidak ikut disimpan / left out: " + ", ".join(harmless(pattern) for pattern in part.tree.excludes)


def _mariadb(number: str, part: Part) -> Iterator[str]:
    database = part.database
    name, charset = _identifier(part.source), _charset(part)
    yield from _step(number, f"Basis data {harmless(part.source)}. Pakai akun yang boleh membuat basis data.",
                     f"The database {harmless(part.source)}. Use an account that may create databases.")  # fmt: skip
    if database is not None and database.server:
        yield f"Server asal / it came from: {harmless(database.server)}"
    if database is not None and database.definers:
        yield "Akun yang harus ada (DEFINER) / accounts that must exist: " + ", ".join(map(harmless, database.definers))
    if database is not None and database.grants:
        yield "Hak akun atas basis data ini (kata sandi tidak disimpan) / rights in it (passwords are not kept):"
        yield from (f"  {harmless(grant, 300)}" for grant in database.grants)
    yield f"    mariadb -e {shlex.quote(f'CREATE DATABASE {name}{charset}')}"
    yield (
        f"    zstd -dcq {part.file} | mariadb --default-character-set=utf8mb4 --max-allowed-packet=1G "
        f"{shlex.quote(part.source)}"
    )


def _postgresql(number: str, part: Part) -> Iterator[str]:
    """Owners come first: the dump gives each object to its owner, with the grants on it."""
    database = part.database
    source = harmless(part.source)
    yield from _step(number, f"Basis data PostgreSQL {source}. Pakai akun yang boleh membuat basis data.",
                     f"The PostgreSQL database {source}. Use an account that may create databases.")  # fmt: skip
    if database is not None and database.server:
        yield f"Server asal / it came from: {harmless(database.server)}"
    if database is not None and database.definers:
        yield "Peran pemilik; yang sudah ada dibiarkan. / The owners' roles; those that exist already are left alone."
        for owner in database.definers:
            yield f"    createuser --no-login -- {shlex.quote(owner)} 2>/dev/null || :"
    yield f"    createdb --template=template0 --encoding=UTF8 -- {shlex.quote(part.source)}"
    yield (f"    zstd -dcq {part.file} | psql -Xq -v ON_ERROR_STOP=1 -o /dev/null -d {shlex.quote(_dsn(part.source))}")


def _dsn(database: str) -> str:
    """A name that can be nothing but a database's: psql reads one with `=` or `://` as a connection string."""
    return "dbname='" + database.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _sqlite(number: str, part: Part) -> Iterator[str]:
    target = f'"$TUJUAN/{part.name}.sqlite"'
    yield from _step(number, f"Basis data SQLite {harmless(part.source)}. Hasil pemeriksaan harus: ok",
                     f"The SQLite database {harmless(part.source)}. The check must say: ok")  # fmt: skip
    if part.file.endswith(".sql.zst"):
        yield f"    zstd -dcq {part.file} | sqlite3 -bail {target}"
        yield f"    sqlite3 {target} 'PRAGMA integrity_check'"
    else:
        yield f"    zstd -dq {part.file} -o {target}"
        yield "Bila sqlite3 terpasang / where sqlite3 is installed:"
        yield f"    ! command -v sqlite3 >/dev/null || sqlite3 {target} 'PRAGMA integrity_check'"


def _back(manifest: Manifest) -> Iterator[str]:
    """Straight onto the site's host over SSH: skipped unless the reader names it in SITUS."""
    trees = [part for part in manifest.parts if part.tree is not None and not part.for_reading]
    databases = [part for part in manifest.parts if part.kind == "mariadb"]
    if not trees and not databases:
        return
    yield from _step(
        str(len(manifest.parts) + 4),
        "Kembalikan ke host laman. Hanya berjalan bila SITUS diisi SEBELUM langkah 1, misalnya: SITUS='ssh root@host'",
        "Back onto the site's host. Done only when SITUS was set BEFORE step 1, for example: SITUS='ssh root@host'",
    )
    yield "Berkas yang ada ditimpa, yang lain dibiarkan; basis data diganti. Simpan dulu bila masih ada yang berharga."
    yield "Files that are there are overwritten, others stay; the database is replaced. Save first what is of value."
    for part in databases:
        create = f"CREATE DATABASE IF NOT EXISTS {_identifier(part.source)}{_charset(part)}"
        yield _there(f"mariadb -e {shlex.quote(create)}")
        load = f"mariadb --default-character-set=utf8mb4 --max-allowed-packet=1G {shlex.quote(part.source)}"
        yield _there(load, f"zstd -dcq {part.file}")
    for part in trees:
        above = shlex.quote(str(PurePosixPath(part.source).parent))
        yield _there(f"mkdir -p {above}")
        yield _there(f"tar -xpf - -C {above}", f"zstd -dcq {part.file}")
        if part.tree is not None and part.tree.files:
            yield _there(f"cd {above} && sha256sum --quiet -c -", f"cat {part.tree.files_list}")


def _there(command: str, source: str = "") -> str:
    """A command line that runs something on the host, fed by a command here; it never ends a careful shell."""
    fed = f"{source} | " if source else ""
    return f'    [ -z "${{SITUS-}}" ] || {fed}$SITUS {shlex.quote(command)}'


def _identifier(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def _charset(part: Part) -> str:
    database = part.database
    if database is None or not all(map(_WORD.fullmatch, (database.character_set, database.collation))):
        return ""
    return f" CHARACTER SET {database.character_set} COLLATE {database.collation}"


def _end() -> Iterator[str]:
    yield ""
    yield f"Isi set, ukuran, dan asalnya ada di {NAME}. / What the set holds, sizes and sources: see {NAME}."


def _step(number: str, indonesian: str, english: str) -> Iterator[str]:
    yield ""
    yield f"{number}. {indonesian}"
    yield f"   {english}"


__all__ = ["how_to_restore"]
