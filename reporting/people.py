"""Officers as events keep them, and whether two of them are one human being."""

from __future__ import annotations

from reporting.events import Person
from reporting.text import fold
from reporting.unit import Officer


def person(officer: Officer) -> Person:
    """An officer as an event keeps him or her; an acting one signs as such."""
    title = officer.title
    if officer.acting and not title.startswith(officer.acting):
        title = f"{officer.acting} {title}"
    return Person(id=officer.id, name=officer.name, nip=officer.nip, title=title)


def same_person(one: Person, other: Person) -> bool:
    """Whether two executors are one human being: the same id, the same NIP, or the same name."""
    if one.id == other.id or fold(one.name) == fold(other.name):
        return True
    return one.nip is not None and one.nip == other.nip


def named(one: Person | Officer, wanted: str) -> bool:
    """Whether that is what somebody typed: the id, or the name."""
    return wanted.casefold().strip() in (one.id, one.name.casefold())
