"""The one contract between roles and record: what a role hands over when it ends.

A role ends by passing one :class:`ResultDocument` to the ``laman_result`` action. Apart from times, nothing else
is read from a role. Sizes are capped because ansible turns a result of more than 700,000 characters into ``{}``
and still calls it ok: long things are handed over as files, named by path and hash.
"""

from __future__ import annotations

import json
from datetime import date
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, ValidationError

CONTRACT_VERSION = 1
MAX_DOCUMENT_BYTES = 256 * 1024  # well under ansible's 700,000 characters, even when every character is escaped
MAX_FINDINGS = 200  # more are counted in `findings_total` and listed in an evidence file

Short = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Text = Annotated[str, StringConstraints(max_length=2_000)]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
Count = Annotated[int, Field(ge=0)]
CauseKind = Literal[
    "server", "disk", "php", "database", "web_server", "certificate", "dns", "network", "content", "security",
    "configuration", "power", "provider", "people", "other",
]  # fmt: skip


def _inside_its_folder(value: str) -> str:
    path = PurePosixPath(value)
    if path.is_absolute() or ".." in path.parts or not path.parts or "\x00" in value:
        raise ValueError("must be a path below its folder, without '..'")
    return value


RelativePath = Annotated[str, StringConstraints(min_length=1, max_length=1_000), AfterValidator(_inside_its_folder)]


class ContractError(ValueError):
    """A result document that does not keep the contract; the message names the field and what is expected."""


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Requirement(_Model):
    """One thing that had to be at hand (POS column "Persyaratan / Kelengkapan")."""

    name: Slug  # e.g. site_access, backup_medium, database_access
    ok: bool
    reason: Text = ""  # why not (mandatory when not ok), or what was seen

    def model_post_init(self, _context: Any) -> None:
        if not self.ok and not self.reason:
            raise ValueError(f"requirement {self.name} failed without a reason")


class Output(_Model):
    """One file that came out (POS column "Output"), and how it was proven to be whole."""

    name: Slug  # e.g. content_record, backup_tree, backup_database, visitor_log
    place: Literal["evidence", "medium"]  # below the execution's evidence folder, or below the medium's mount point
    path: RelativePath
    bytes: Count
    sha256: Sha256
    verified: Short  # how: "read back from the medium, SHA-256 equal"


class Finding(_Model):
    """Something the activity discovered. It is the activity done well: never a deviation."""

    kind: Slug  # e.g. stale_section, sql_injection, tls_expires_soon
    severity: Literal["info", "low", "medium", "high", "critical"]
    title: Short  # English; `…_id` is what management reads
    detail: Text = ""
    title_id: Annotated[str, StringConstraints(max_length=200)] = ""
    detail_id: Text = ""
    fingerprint: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16,64}$")]  # same cause, same fingerprint
    count: Annotated[int, Field(ge=1)] = 1
    samples: Annotated[list[Text], Field(max_length=5)] = []

    def told(self, lang: str) -> tuple[str, str]:
        """Title and detail in a language (`id` or `en`), in English where there is no other."""
        if lang == "id":
            return self.title_id or self.title, self.detail_id or self.detail
        return self.title, self.detail


class SectionStatus(_Model):
    """Freshness of one section of a site. Ages in days, response time in milliseconds."""

    section: Short
    url: Annotated[str, StringConstraints(min_length=1, max_length=2_000)]
    owner: Short
    limit_days: Annotated[int, Field(ge=1)]
    state: Literal["fresh", "stale", "unknown", "unreachable"]
    reason: Text = ""
    http_status: Annotated[int, Field(ge=100, le=599)] | None = None
    response_ms: Annotated[float, Field(ge=0)] | None = None
    tls_expires_at: AwareDatetime | None = None
    updated_at: AwareDatetime | None = None
    age_days: float | None = None
    method: Literal["rest", "feed", "sitemap", "page", "hash", "none"] = "none"  # in order of trust


class ContentMeasures(_Model):
    """Activity 1."""

    kind: Literal["content"] = "content"
    sections: Annotated[list[SectionStatus], Field(max_length=300)]


class BackupPart(_Model):
    """One member of a backup set: a site tree or a database."""

    name: Short
    kind: Literal["tree", "mariadb", "sqlite", "postgresql", "cpanel"]
    source: Text  # path or database name on the host
    path: RelativePath  # below the medium's mount point
    source_bytes: Count  # before compression
    stored_bytes: Count
    members: Count  # files of a tree, tables of a database
    sha256: Sha256
    seconds: Annotated[float, Field(ge=0)]
    verified: Short
    line_bytes: Count | None = None  # what came from the host for it
    carried_members: Count = 0  # unchanged since the last set, taken from the medium after re-hashing


class BackupMeasures(_Model):
    """Activity 2."""

    kind: Literal["backup"] = "backup"
    backup_set: Short  # folder name of the set on the medium
    medium: Short  # id of the medium in the unit's settings
    medium_kind: Literal["hard_disk", "optical_disc", "other"]
    medium_label: Text = ""
    medium_uuid: Text = ""
    medium_bytes: Count = 0
    medium_free_bytes: Count = 0
    parts: Annotated[list[BackupPart], Field(max_length=200)]


class DayTraffic(_Model):
    """One local day of a site's visitor log."""

    day: date
    hits: Count
    visitors: Count  # distinct client addresses
    bytes: Count
    status_2xx: Count = 0
    status_3xx: Count = 0
    status_4xx: Count = 0
    status_5xx: Count = 0
    status_other: Count = 0


class Tally(_Model):
    """A name and how often it was seen (a path, a class of suspicion)."""

    name: Text
    hits: Count
    clients: Count = 0


class VisitorLogMeasures(_Model):
    """Activity 3. lines_parsed + lines_rejected = lines_total, always."""

    kind: Literal["visitor_log"] = "visitor_log"
    files: Count
    lines_total: Count
    lines_parsed: Count
    lines_rejected: Count
    bytes_collected: Count
    first_at: AwareDatetime | None = None
    last_at: AwareDatetime | None = None
    days: Annotated[list[DayTraffic], Field(max_length=400)] = []
    top_paths: Annotated[list[Tally], Field(max_length=50)] = []
    suspicious: Annotated[list[Tally], Field(max_length=50)] = []

    def model_post_init(self, _context: Any) -> None:
        if self.lines_parsed + self.lines_rejected != self.lines_total:
            raise ValueError("lines_parsed + lines_rejected must equal lines_total")


class CheckSeen(_Model):
    """One thing that a diagnosis looked at. What could not be seen is `unknown` or `skipped`, never `ok`."""

    name: Slug
    side: Literal["outside", "inside"]
    state: Literal["ok", "problem", "unknown", "skipped"]
    detail: Text = ""
    detail_id: Text = ""
    seconds: Annotated[float, Field(ge=0)] = 0.0


class DiagnosisMeasures(_Model):
    """A look at a site from outside and inside (part of activity 8; no execution by itself). Nothing was changed."""

    kind: Literal["diagnosis"] = "diagnosis"
    began_at: AwareDatetime
    ended_at: AwareDatetime
    entered: bool  # whether the site could be looked at from inside
    checks: Annotated[list[CheckSeen], Field(max_length=100)]
    rule: str = ""  # of reporting/diagnosis/rules.yml, the one that named the cause
    cause_kind: CauseKind | None = None  # None: nothing was found
    cause: Annotated[str, StringConstraints(max_length=1_000)] = ""
    cause_id: Annotated[str, StringConstraints(max_length=1_000)] = ""

    def model_post_init(self, _context: Any) -> None:
        if (self.cause_kind is None) != (not any(check.state == "problem" for check in self.checks)):
            raise ValueError("a cause is named exactly when there is a problem")


Measures = Annotated[
    ContentMeasures | BackupMeasures | VisitorLogMeasures | DiagnosisMeasures, Field(discriminator="kind")
]


class ResultDocument(_Model):
    """What a role hands over: requirements, outputs, measures and findings of one execution.

    The output of the execution is whole when there is at least one output and ``output_problems`` is empty.
    """

    version: Literal[1] = 1
    activity: Annotated[int, Field(ge=1, le=8)]
    site: Short
    requirements: Annotated[list[Requirement], Field(max_length=50)]
    outputs: Annotated[list[Output], Field(max_length=500)] = []
    output_problems: Annotated[list[Text], Field(max_length=100)] = []  # why what came out is not what had to
    measures: Measures | None = None
    findings: Annotated[list[Finding], Field(max_length=MAX_FINDINGS)] = []
    findings_total: Count = 0

    def model_post_init(self, _context: Any) -> None:
        if not self.outputs and not self.output_problems and all(r.ok for r in self.requirements):
            raise ValueError("no output, yet neither an output_problems entry nor a failed requirement says why")


def validate_document(raw: Any) -> ResultDocument:
    """Check a role's result against the contract.

    Raises:
        ContractError: not the contract's shape, or more than MAX_DOCUMENT_BYTES of JSON; one line, naming the field.
    """
    try:
        size = len(json.dumps(raw, default=str).encode())
    except (TypeError, ValueError) as error:
        raise ContractError(f"result document is not JSON: {error}") from error
    if size > MAX_DOCUMENT_BYTES:
        raise ContractError(
            f"result document has {size} bytes of JSON, at most {MAX_DOCUMENT_BYTES} are carried: "
            "write the long part to an evidence file and hand over its path and sha256"
        )
    try:
        return ResultDocument.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "document"
        more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
        raise ContractError(f"result document, {where}: {first['msg']}{more}") from error


def json_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of the result document, for authors of roles."""
    return ResultDocument.model_json_schema()


def dump(document: ResultDocument) -> dict[str, Any]:
    """The document as plain JSON values, as the ledger stores it."""
    return document.model_dump(mode="json", exclude_defaults=False)


__all__ = [
    "CONTRACT_VERSION",
    "MAX_DOCUMENT_BYTES",
    "MAX_FINDINGS",
    "BackupMeasures",
    "BackupPart",
    "CauseKind",
    "CheckSeen",
    "ContentMeasures",
    "ContractError",
    "DayTraffic",
    "DiagnosisMeasures",
    "Finding",
    "Measures",
    "Output",
    "Requirement",
    "ResultDocument",
    "SectionStatus",
    "Tally",
    "VisitorLogMeasures",
    "dump",
    "json_schema",
    "validate_document",
]
