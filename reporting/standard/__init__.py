"""The POS as data. Ground floor: it knows nobody."""

from reporting.standard.reader import (
    ACTOR_ROLES,
    Activity,
    ActorRole,
    Approval,
    Language,
    Standard,
    StandardError,
    Wording,
    load_standards,
    read_standard,
    read_standards,
    standard_on,
)

__all__ = [
    "ACTOR_ROLES",
    "Activity",
    "ActorRole",
    "Approval",
    "Language",
    "Standard",
    "StandardError",
    "Wording",
    "load_standards",
    "read_standard",
    "read_standards",
    "standard_on",
]
