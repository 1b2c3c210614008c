"""The rules of `rules.yml`, read and checked: what is suspicious, how it looks, how bad it is."""

from __future__ import annotations

import re
from functools import cache
from importlib import resources
from typing import Annotated, Any, Literal

import polars as pl
import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

Severity = Literal["info", "low", "medium", "high", "critical"]
LogField = Literal["request", "agent", "referer"]
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
_BRACKETED = re.compile(r"\[(?:\\.|[^\]\\])*\]")
_ASCII_ONLY = re.compile(r"(\\\\)|\\([bBdDsSwW])")


class RuleError(ValueError):
    """A rule file that cannot be used; the message names the rule and what is expected."""


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SuspectClass(_Model):
    """A kind of suspicion: how bad it is, and how people read it."""

    severity: Severity
    answered: Severity  # when at least one request was answered with 2xx
    en: str
    id: str
    per_client_day: Annotated[int, Field(ge=1)] = 1


class Rule(_Model):
    """How one kind of suspicion looks in one field of a line."""

    id: Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{3,60}$")]
    suspect: Annotated[Slug, Field(alias="class")]
    field: LogField
    pattern: str
    unless: str | None = None
    source: str
    match: str
    no_match: str

    @property
    def expression(self) -> str:
        """The pattern with its shorthands limited to ASCII (Rust's engine is many times faster for it)."""
        return _ascii(self.pattern)

    def hits(self, text: str = "text") -> pl.Expr:
        """Whether a column of decoded text shows what the rule looks for."""
        found = pl.col(text).str.contains(self.expression)
        return found & ~pl.col(text).str.contains(_ascii(self.unless)) if self.unless else found


class RuleSet(_Model):
    """All classes and rules."""

    classes: dict[Slug, SuspectClass]
    rules: list[Rule]

    @model_validator(mode="after")
    def _consistent(self) -> RuleSet:
        ids = [rule.id for rule in self.rules]
        twice = sorted({i for i in ids if ids.count(i) > 1})
        if twice:
            raise ValueError(f"rule id {twice[0]!r} is used twice")
        for rule in self.rules:
            if rule.suspect not in self.classes:
                raise ValueError(f"rule {rule.id}: class {rule.suspect!r} is not among the classes")
            _check_pattern(rule)
        return self

    def of(self, field: LogField) -> list[Rule]:
        """The rules that look at one field."""
        return [rule for rule in self.rules if rule.field == field]

    def screen(self, field: LogField) -> str:
        """One expression that matches wherever any rule of the field does (`unless` aside)."""
        return "|".join(f"(?:{rule.expression})" for rule in self.of(field))


def _ascii(pattern: str) -> str:
    return _ASCII_ONLY.sub(lambda m: m.group() if m.group(1) else f"(?-u:{m.group()})", _expanded(pattern))


def _expanded(pattern: str) -> str:
    r"""Bracketed classes keep `\s` as the ASCII blanks: inside brackets a group cannot stand."""
    return _BRACKETED.sub(lambda m: m.group().replace(r"\s", r"\t\n\r\x0b\x0c "), pattern)


def _check_pattern(rule: Rule) -> None:
    for bracketed in _BRACKETED.findall(rule.pattern):
        if re.search(r"(?<!\\)(?:\\\\)*\\[bBdDwWS]", bracketed):
            raise ValueError(f"rule {rule.id}: {bracketed}: shorthands other than \\s do not belong inside brackets")
    for expression in (rule.pattern, rule.unless):
        if expression is None:
            continue
        try:
            pl.Series([""]).str.contains(_ascii(expression))
        except pl.exceptions.ComputeError as error:
            why = " ".join(str(error).rpartition("error:")[2].split())[:100]
            raise ValueError(f"rule {rule.id}: not a regular expression: {why}") from error


def read_rules(text: str, name: str = "rules.yml") -> RuleSet:
    """Read a rule file.

    Raises:
        RuleError: not YAML, or not the shape of the package's rules.yml; one line naming the place.
    """
    try:
        raw: Any = yaml.safe_load(text)
        return RuleSet.model_validate(raw)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise RuleError(f"{name}, line {mark.line + 1 if mark else '?'}: not valid YAML") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise RuleError(f"{name}, {where}: {first['msg'].removeprefix('Value error, ')}") from error


@cache
def built_in() -> RuleSet:
    """The rules that come with the package."""
    return read_rules(resources.files(__package__).joinpath("rules.yml").read_text(encoding="utf-8"))


def class_label(suspect: str, language: str = "en") -> str:
    """How people read a class of suspicion; a class of an older version is read by its name."""
    found = built_in().classes.get(suspect)
    return (found.id if language == "id" else found.en) if found else suspect.replace("_", " ")
