"""MANIFEST.json of a set, as models: what `docs/backup-set.md` documents. Sizes in bytes, times in UTC."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import unquote_to_bytes

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from reporting.text import harmless

NAME = "MANIFEST.json"
SUMS = "SHA256SUMS"
HOWTO = "CARA-PULIHKAN.txt"
INCOMPLETE = ".tidak-lengkap"  # suffix of a set that was verified, but whose source could not be read whole
ENVIRONMENT = "environment"  # source of the part that is notes, not a folder of the host
_MAX_BYTES = 64 << 20

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
FileName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,200}$")]
Count = Annotated[int, Field(ge=0)]
DatabaseKind = Literal["mariadb", "postgresql", "sqlite"]


class ManifestError(Exception):
    """A manifest that cannot be used; the message names the file and the field."""


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Tree(_Model):
    """What is particular to a site tree."""

    top: str  # the one folder that all members lie in
    files_list: FileName
    members_sha256: Sha256  # over all members in their order, see tarstream.Member.fingerprint
    files: Count
    directories: Count
    links: Count
    others: Count  # devices, fifos
    file_bytes: Count
    excludes: list[str] = []
    index: FileName | None = None  # where each member lies and how it came, see reporting.backup_set.index
    again: list[str] = []  # members that come twice (they changed while being read); the last counts. Percent-encoded
    carried_from: str = ""  # the set whose unchanged members were taken over, re-hashed; this set does not need it
    carried_members: Count = 0
    carried_bytes: Count = 0  # bytes of the tar stream that were taken over

    def names_again(self) -> frozenset[bytes]:
        """The names in `again` as bytes."""
        return frozenset(unquote_to_bytes(name) for name in self.again)


class TableRows(_Model):
    """One table as the dump holds it: see tablefacts."""

    name: str
    rows: Count
    sha256: Sha256
    bytes: Count = 0  # that the digest is over


class Page(_Model):
    """One page of the site as a visitor got it at the time of the backup; see pages."""

    path: str  # with its query, from the site's root
    status: int
    sha256: Sha256  # of the page without what differs from one fetch to the next
    bytes: Count
    stable: bool = True  # two fetches gave the same; what is not stable is never compared


class Pages(_Model):
    """The pages that were recorded, below `base` (scheme, host and port)."""

    base: str
    fetched_at: AwareDatetime
    pages: list[Page] = []
    problem: str = ""  # why there are none, or fewer


class Database(_Model):
    """What is particular to a database."""

    server: str = ""  # e.g. 10.11.11-MariaDB; SQLite's version for kind sqlite
    character_set: str = ""
    collation: str = ""
    tables: list[str]
    views: list[str] = []
    triggers: list[str] = []
    routines: list[str] = []
    events: list[str] = []
    definers: list[str] = []  # accounts that views, triggers, routines and events run as; PostgreSQL: owners
    grants: list[str] = []  # who might do what in it, as far as the account saw it; never a password
    contents: list[TableRows] = []  # rows and digest of each table; sets of before 2026-11-22 have none


class Part(_Model):
    """One stored file: a site tree or a database."""

    name: FileName
    kind: Literal["tree"] | DatabaseKind
    source: str  # path or database name on the host
    method: str  # how it was read there
    file: FileName
    source_bytes: Count
    source_sha256: Sha256
    stored_bytes: Count
    sha256: Sha256
    frames: list[tuple[int, int]]  # (source bytes, stored bytes) of each zstd frame
    seconds: Annotated[float, Field(ge=0)]
    line_bytes: Count | None = None  # what came from the host for it; None in sets from before this was counted
    tree: Tree | None = None
    database: Database | None = None

    @property
    def for_reading(self) -> bool:
        """Whether it is notes about what the site lives in: no folder of the host, so it never goes back by itself."""
        return self.tree is not None and self.source == ENVIRONMENT


class MediumOfSet(_Model):
    """The medium that the set was written to."""

    id: str
    kind: Literal["hard_disk", "optical_disc", "other"]
    label: str = ""
    uuid: str = ""
    declared_folder: bool = False


class Manifest(_Model):
    """One backup set."""

    format: Literal["laman-backup-set"] = "laman-backup-set"
    version: Literal[1] = 1
    set: str
    site: str
    execution: str
    complete: bool
    problems: list[str] = []  # why it is not complete
    exceptions: list[str] = []  # what is missing by a decision in the settings; it does not make the set incomplete
    started_at: AwareDatetime
    finished_at: AwareDatetime
    medium: MediumOfSet
    source_bytes: Count
    stored_bytes: Count
    verified: str = ""  # how it was read back, past the page cache
    parts: Annotated[list[Part], Field(min_length=1)]
    pages: Pages | None = None

    def lacks(self) -> list[str]:
        """What an incomplete set says for itself, a line each; at least one where it is incomplete."""
        if self.complete:
            return []
        lines = self.problems[:50] or ["it does not say why"]
        return [f"the set is INCOMPLETE: {harmless(line, 900)}" for line in lines]


def read_manifest(folder: Path) -> Manifest:
    """Read and check the manifest of a set.

    Raises:
        ManifestError: missing, too large, not JSON, or not this schema.
    """
    file = folder / NAME
    try:
        with file.open("rb") as stream:
            content = stream.read(_MAX_BYTES + 1)
        if len(content) > _MAX_BYTES:
            raise ManifestError(f"{file}: larger than {_MAX_BYTES} bytes: no manifest of a backup set")
        return Manifest.model_validate_json(content)
    except OSError as error:
        raise ManifestError(f"{file}: {error.strerror}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(piece) for piece in first["loc"]) or "document"
        raise ManifestError(f"{file}, {where}: {first['msg']}") from error


__all__ = [
    "ENVIRONMENT",
    "HOWTO",
    "INCOMPLETE",
    "NAME",
    "SUMS",
    "Database",
    "Manifest",
    "ManifestError",
    "MediumOfSet",
    "Page",
    "Pages",
    "Part",
    "TableRows",
    "Tree",
    "read_manifest",
]
