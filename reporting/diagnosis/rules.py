"""The rules of a diagnosis, as data (rules.yml), and what they make of the signs that the checks gave."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict

from reporting.contract import CauseKind
from reporting.diagnosis.model import Check

_FILE = Path(__file__).with_name("rules.yml")
_CAUSE = 900  # characters of a sentence


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class When(_Model):
    """Which signs a rule wants: all of `all`, one of `any` (where there are some), none of `none`."""

    all: list[str] = []
    any: list[str] = []
    none: list[str] = []

    def holds(self, signs: frozenset[str]) -> bool:
        """Whether these signs are enough."""
        some = not self.any or any(sign in signs for sign in self.any)
        return some and all(sign in signs for sign in self.all) and not any(sign in signs for sign in self.none)


class CauseRule(_Model):
    """One cause and how it shows."""

    id: str
    kind: CauseKind
    when: When
    en: str
    id_text: str


class Pattern(_Model):
    """A regular expression over foreign text, and what it means."""

    sign: str
    pattern: str
    en: str
    id: str


class _File(_Model):
    causes: list[CauseRule]
    pages: list[Pattern]
    log_lines: list[Pattern]


@dataclass(frozen=True)
class Cause:
    """The likeliest cause: its sentences and the checks that speak for it. `others`: rules that hold besides."""

    rule: str
    kind: CauseKind
    en: str
    id_text: str
    evidence: tuple[Check, ...]
    others: tuple[str, ...]


class Rules:
    """The rules, compiled."""

    def __init__(self, raw: Any) -> None:
        """`raw`: the YAML's content; a rule that cannot be read is an error of ours (ValidationError, re.error)."""
        whole = _File.model_validate(raw)
        self.causes = whole.causes
        self.pages, self.log_lines = whole.pages, whole.log_lines
        self._on_page = [(re.compile(p.pattern, re.IGNORECASE), p) for p in whole.pages]
        self._of_line = [(re.compile(p.pattern, re.IGNORECASE), p) for p in whole.log_lines]

    def on_page(self, text: str) -> Iterator[Pattern]:
        """What a page says about itself."""
        return (pattern for expression, pattern in self._on_page if expression.search(text))

    def of_line(self, line: str) -> Pattern | None:
        """The class of a log line; None for what does not matter here."""
        return next((pattern for expression, pattern in self._of_line if expression.search(line)), None)

    def cause(self, checks: Sequence[Check]) -> Cause | None:
        """The likeliest cause; None when no check found a problem."""
        if not any(check.state == "problem" for check in checks):
            return None
        signs = frozenset[str]().union(*(check.signs for check in checks))
        holding = [rule for rule in self.causes if rule.when.holds(signs)]
        first = holding[0]  # the last rule wants no sign: one always holds
        wanted = {*first.when.all, *first.when.any}
        evidence = [c for c in checks if c.signs & wanted] or [c for c in checks if c.state == "problem"]
        facts = _facts(evidence)
        others = tuple(rule.id for rule in holding[1:] if rule.when.all or rule.when.any)
        own = {
            key.removesuffix("_id"): value for key, value in facts.items() if key.endswith("_id")
        }  # Indonesian words
        return Cause(first.id, first.kind, _filled(first.en, facts), _filled(first.id_text, facts | own),
                     tuple(evidence), others)  # fmt: skip


def _facts(evidence: Iterable[Check]) -> dict[str, str]:
    facts: dict[str, str] = {}
    for check in sorted(evidence, key=lambda c: c.state != "problem"):
        for key, value in check.facts.items():
            facts.setdefault(key, value)
    return facts


def _filled(sentence: str, facts: dict[str, str]) -> str:
    return re.sub(r"\{(\w+)\}", lambda match: facts.get(match.group(1)) or "?", sentence)[:_CAUSE]


@cache
def shipped() -> Rules:
    """The rules that come with the package."""
    return Rules(yaml.safe_load(_FILE.read_text(encoding="utf-8")))


__all__ = ["Cause", "CauseRule", "Pattern", "Rules", "shipped"]
