"""A POS (standard operating procedure) as data: read, checked, and the one in force on a day.

Texts are the POS's own, word for word, in Indonesian; `en` is a gloss for those who do not read it and judges nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from reporting.text import harmless

Language = Literal["id", "en"]
ActorRole = Literal["kasi_si", "kasubag_umum", "pengelola_laman", "pengelola_sistem_dan_jaringan"]
ACTOR_ROLES: tuple[ActorRole, ...] = get_args(ActorRole)
Line = Annotated[str, StringConstraints(min_length=1, max_length=1_000, pattern=r"^\S(.*\S)?$")]
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")]


class StandardError(Exception):
    """A POS file that cannot be used, or no POS in force; the message names the file or day and what is expected."""


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Wording(_Model):
    """A text of the POS (`id`) and its English gloss (`en`)."""

    id: Line
    en: Line

    def render(self, lang: Language = "id") -> str:
        """The POS's own words, or the gloss."""
        return self.en if lang == "en" else self.id


class Approval(_Model):
    """Who put the POS into force (Disahkan Oleh)."""

    title: Line
    name: Line
    nip: Annotated[str, StringConstraints(pattern=r"^\d{18}$")]


class Activity(_Model):
    """One row of the POS table. `minutes` is the column Waktu; `remark` the column KET., which the POS leaves empty.

    `role` is who does it by default: the flow-chart marks did not survive in the text, so it is our reading of the
    columns, for the unit to confirm or change (`laman_unit.assignment`).
    """

    number: Annotated[int, Field(ge=1)]
    slug: Slug
    text: Wording
    requirement: Wording
    minutes: Annotated[int, Field(ge=1)]
    output: Wording
    remark: str = ""
    role: ActorRole
    role_source: Literal["our reading, confirm", "the POS"] = "our reading, confirm"

    @property
    def time_text(self) -> str:
        """The column Waktu as the POS prints it, e.g. "300 mnt"."""
        return f"{self.minutes} mnt"


class Standard(_Model):
    """A whole POS. `effective` (Tanggal Efektif) is the first local day on which executions are judged by it."""

    number: Line
    name: Wording
    ministry: Wording
    directorate: Wording
    agency: Wording
    created: date
    revised: date | None = None
    effective: date
    approved_by: Approval
    legal_basis: Annotated[tuple[Wording, ...], Field(min_length=1)]
    qualifications: Annotated[tuple[Wording, ...], Field(min_length=1)]
    related: Annotated[tuple[Wording, ...], Field(min_length=1)]
    equipment: Annotated[tuple[Wording, ...], Field(min_length=1)]
    warnings: Annotated[tuple[Wording, ...], Field(min_length=1)]
    record_keeping: Annotated[tuple[Wording, ...], Field(min_length=1)]
    actors: dict[ActorRole, Wording]
    activities: tuple[Activity, ...]

    @model_validator(mode="after")
    def _whole(self) -> Standard:
        numbers = [a.number for a in self.activities]
        if numbers != list(range(1, 9)):
            raise ValueError(f"activities must be numbered 1 to 8 in order, found {numbers}")
        slugs = [a.slug for a in self.activities]
        twice = sorted({s for s in slugs if slugs.count(s) > 1})
        if twice:
            raise ValueError(f"activities: slug {twice[0]!r} is used twice")
        missing = [r for r in ACTOR_ROLES if r not in self.actors]
        if missing:
            raise ValueError(f"actors: {', '.join(missing)} missing")
        return self

    def activity(self, wanted: int | str) -> Activity:
        """The activity with that number or slug; KeyError when the POS has none."""
        for activity in self.activities:
            if wanted in (activity.number, activity.slug):
                return activity
        raise KeyError(wanted)

    def actor(self, role: str, lang: Language = "id") -> str:
        """The heading of an actor's column, e.g. "Kasi SI"; KeyError for an unknown role."""
        headings = {str(known): wording for known, wording in self.actors.items()}
        return headings[role].render(lang)


def read_standard(path: Path) -> Standard:
    """Read one POS file.

    Raises:
        StandardError: it cannot be read, is not YAML, or is not a whole POS; one line naming the file and the key.
    """
    try:
        content: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise StandardError(f"{path}: cannot be read: {error}") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        problem = harmless(getattr(error, "problem", None) or error)
        raise StandardError(f"{path}{line}: not valid YAML: {problem}") from error
    try:
        return Standard.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
        raise StandardError(f"{path}: {where}: {first['msg'].removeprefix('Value error, ')}{more}") from error


def read_standards(folder: Path) -> list[Standard]:
    """All `pos_*.yml` of a folder, by the day from which they are effective.

    Raises:
        StandardError: a file is broken, there is none, or two become effective on the same day.
    """
    paths = sorted(folder.glob("pos_*.yml"))
    if not paths:
        raise StandardError(f"{folder}: no pos_*.yml in it: the package is incomplete, install it again")
    found = sorted(((read_standard(path), path) for path in paths), key=lambda pair: pair[0].effective)
    for (one, _), (other, path) in pairwise(found):
        if one.effective == other.effective:
            raise StandardError(f"{path}: effective: {other.effective} is also the day of {one.number}")
    return [standard for standard, _ in found]


@cache
def _embedded() -> tuple[Standard, ...]:
    return tuple(read_standards(Path(__file__).parent))


def load_standards() -> list[Standard]:
    """The POS that come with the product, by the day from which they are effective (read once).

    Raises:
        StandardError: a file is broken; one line.
    """
    return list(_embedded())


def standard_on(day: date, standards: Sequence[Standard] | None = None) -> Standard:
    """The POS in force on a local day: the latest one that was effective by then.

    Raises:
        StandardError: none was effective yet.
    """
    known = load_standards() if standards is None else sorted(standards, key=lambda s: s.effective)
    in_force = [s for s in known if s.effective <= day]
    if not in_force:
        first = f"; the first, {known[0].number}, is effective from {known[0].effective}" if known else ""
        raise StandardError(f"no POS was in force on {day}{first}")
    return in_force[-1]
