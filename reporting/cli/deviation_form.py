"""The form of accounts for a busy administrator: a YAML file with what is to be accounted for, filled in by hand."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from reporting.cli.common import Refused, local
from reporting.cli.deviation_known import Whole
from reporting.compliance import Deviation
from reporting.deviation.commands import AskedAccount
from reporting.runner.model import Record
from reporting.text import harmless

_MOST_BYTES = 1 << 20
_SHOWN = 50  # deviations of one cause that one entry names in words; the ids are all there
_HEAD = """\
# Accounts of deviations (POS, Peringatan 2). Fill in, then: laman deviation account --form THIS-FILE
# One entry answers all deviations that it names; move ids between entries, or copy an entry, as their causes differ.
# An entry whose cause, consequence and action are all empty is left out.
# evidence: files (PDF, JPG or PNG), relative to this one.
accounts:
"""


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    deviations: list[str]
    cause: str = ""
    consequence: str = ""
    action: str = ""
    by: str = ""
    until: date | None = None
    done: bool = False
    evidence: list[str] = []
    executor: str | None = None
    seen: dict[str, int] = {}

    @property
    def empty(self) -> bool:
        """Whether nobody has written into it."""
        return not (self.cause or self.consequence or self.action)


class _Form(BaseModel):
    model_config = ConfigDict(extra="forbid")

    accounts: list[_Entry]


@dataclass(frozen=True)
class Filled:
    """One entry that was filled in. `seen`: the deviations as they were when the template was printed."""

    asked: AskedAccount
    evidence: tuple[Path, ...]
    seen: dict[str, int]


def read_form(path: Path, *, again: bool) -> list[Filled]:
    """The entries of a form that were filled in.

    Raises:
        Refused: not a form, a key or a value is wrong (which, and in which entry), or nothing was filled in.
    """
    shown = harmless(str(path), 200)
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise Refused(f"--form {shown}: larger than 1 MiB: this is no form")
        content = yaml.safe_load(path.read_text(encoding="utf-8-sig"))
        form = _Form.model_validate(content)
    except OSError as error:
        raise Refused(f"--form {shown}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise Refused(f"--form {shown}: not UTF-8 text (print one with --template)") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}: " if mark is not None else ""
        raise Refused(
            f"--form {shown}: {where}{harmless(getattr(error, 'problem', None) or 'not YAML', 200)}"
        ) from None
    except ValidationError as error:
        raise Refused(f"--form {shown}: {_problem(error)}") from None
    filled = [
        _filled(entry, number, path, again=again) for number, entry in enumerate(form.accounts, 1) if not entry.empty
    ]
    if not filled:
        raise Refused(f"--form {shown}: no entry is filled in (cause, consequence, action)")
    return filled


def _problem(error: ValidationError) -> str:
    first = error.errors()[0]
    place = [str(part + 1) if isinstance(part, int) else str(part) for part in first["loc"]]
    return f"{'.'.join(place) or 'the file'}: {harmless(first['msg'], 200)} (print a form with --template)"


def _filled(entry: _Entry, number: int, path: Path, *, again: bool) -> Filled:
    if entry.until is None:
        raise Refused(
            f"--form {harmless(str(path), 200)}: accounts.{number}.until is empty: give a day like 2026-12-01"
        )
    asked = AskedAccount(
        deviations=tuple(entry.deviations),
        cause=entry.cause,
        consequence=entry.consequence,
        action=entry.action,
        action_by=entry.by,
        until=entry.until,
        done=entry.done,
        executor=entry.executor,
        again=again,
    )
    files = tuple(path.parent / Path(name).expanduser() for name in entry.evidence)
    return Filled(asked, files, {key.strip().upper(): seq for key, seq in entry.seen.items()})


def template(record: Record, whole: Whole, wanted: Iterable[Deviation]) -> str:
    """The form for these deviations: those of one executor, activity, aspect and reason stand in one entry."""
    groups: dict[tuple[str, int, str, str], list[Deviation]] = {}
    for d in wanted:
        who = d.executor.name if d.executor else ""
        groups.setdefault((who, d.activity, d.aspect, d.reason), []).append(d)
    if not groups:
        raise Refused("nothing lacks an account: there is no form to fill in (see: laman deviation list --all)")
    return _HEAD + "\n".join(_group(record, whole, found) for found in groups.values())


def _group(record: Record, whole: Whole, found: list[Deviation]) -> str:
    first = found[0]
    slug = whole.compliance.standard.activity(first.activity).slug
    lines = [f"  # {first.aspect} of {slug}: {harmless(first.reason, 300)}"]
    lines.append(f"  # executor: {harmless(first.executor.name if first.executor else 'nobody was in office', 200)}")
    lines += [
        f"  #   {d.id}  {harmless(d.site, 80)}  since {local(d.at, record.inventory)}, due {d.account_due}"
        for d in found[:_SHOWN]
    ]
    entry: dict[str, Any] = {
        "deviations": [d.id for d in found],
        **dict.fromkeys(("cause", "consequence", "action", "by"), ""),
        "until": whole.today + timedelta(days=14),
        "done": False,
        "evidence": [],
        "seen": {d.id: d.account.seq if d.account is not None else 0 for d in found},
    }
    text = yaml.safe_dump([entry], sort_keys=False, allow_unicode=True, width=110)
    return "\n".join([*lines, *(f"  {line}" for line in text.rstrip().split("\n"))]) + "\n"
