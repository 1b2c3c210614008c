"""The state machine of a renewal case, read from `states.yml` and checked."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from reporting.renewal.model import CaseState, StepName
from reporting.standard import ActorRole, Language

Origin = CaseState | Literal["new"]
AttachmentRole = Literal["invoice", "submission_sheet", "approved_sheet", "decision_sheet", "proof_of_payment"]
_STATES: tuple[str, ...] = get_args(CaseState)
_STEPS: tuple[str, ...] = get_args(StepName)


class StatesError(Exception):
    """A `states.yml` that cannot be used; one line that names the file, the key and what is expected."""


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class StateRule(_Model):
    """A state: whether something is still to be done in it, and its name in both languages."""

    open: bool
    id: str
    en: str

    def render(self, lang: Language = "id") -> str:
        """The state in words."""
        return self.en if lang == "en" else self.id


class StepRule(_Model):
    """A step; see the comments in `states.yml` for each key."""

    origins: Annotated[tuple[Origin, ...], Field(min_length=1, alias="from")]
    to: CaseState
    until_whole: CaseState | None = None
    unproven: CaseState | None = None
    activity: Annotated[int, Field(ge=4, le=7)]
    role: ActorRole
    execution: bool = True
    input: StepName | None
    requires: tuple[AttachmentRole, ...]
    attach: tuple[AttachmentRole, ...]
    output: AttachmentRole | Literal["renewed_service"] | None
    own_paper: bool = False
    not_by: tuple[StepName, ...] = ()
    note: bool = False

    @property
    def leads_to(self) -> tuple[CaseState, ...]:
        """Every state that the step can end in."""
        return tuple(s for s in (self.to, self.until_whole, self.unproven) if s is not None)

    @model_validator(mode="after")
    def _output_comes_from_somewhere(self) -> StepRule:
        if self.execution and self.output is None:
            raise ValueError("a step that is an execution needs output:")
        if self.output not in (None, "renewed_service", *self.attach):
            raise ValueError(f"output {self.output} must be one of attach: {', '.join(self.attach) or 'none'}")
        return self


class States(_Model):
    """All states and steps."""

    states: Mapping[CaseState, StateRule]
    steps: Mapping[StepName, StepRule]

    @model_validator(mode="after")
    def _whole(self) -> States:
        self._complete()
        for name, state in self.states.items():
            leaving = self.following(name)
            if not state.open and leaving:
                raise ValueError(f"state {name} is closed, yet {leaving[0]} leaves it")
        reachable = {state for step in self.steps.values() for state in step.leads_to}
        lost = sorted(set(self.states) - reachable)
        if lost:
            raise ValueError(f"no step leads to state {lost[0]}")
        stuck = sorted(set(self.states) - self._can_end())
        if stuck:
            raise ValueError(f"no way leads from state {stuck[0]} to an end")
        return self

    def _complete(self) -> None:
        for what, wanted, found in (("states", _STATES, set(self.states)), ("steps", _STEPS, set(self.steps))):
            missing = [name for name in wanted if name not in found]
            if missing:
                raise ValueError(f"{what}: {missing[0]} is missing")

    def _can_end(self) -> set[CaseState]:
        ends = {name for name, state in self.states.items() if not state.open}
        ends |= {s.unproven for s in self.steps.values() if s.unproven}  # a later look at the registry closes it
        while True:
            more = {
                origin
                for step in self.steps.values()
                if ends.intersection(step.leads_to)
                for origin in step.origins
                if origin != "new"
            }
            if more <= ends:
                return ends
            ends |= more

    def following(self, state: Origin) -> tuple[StepName, ...]:
        """The steps that may be taken in a state."""
        return tuple(name for name, step in self.steps.items() if state in step.origins)

    def next_execution(self, state: Origin) -> StepName | None:
        """The step of the POS that a state waits for (the first that is an execution), None where none is."""
        return next((n for n in self.following(state) if self.steps[n].execution), None)


def parse_states(content: Any, source: str) -> States:
    """Check the content of a `states.yml`.

    Raises:
        StatesError: it is not a whole state machine.
    """
    try:
        return States.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise StatesError(f"{source}: {where}: {first['msg'].removeprefix('Value error, ')}") from error


def read_states(path: Path) -> States:
    """Read a `states.yml`.

    Raises:
        StatesError: it cannot be read, is not YAML, or is not a whole state machine.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise StatesError(f"{path}: cannot be read: {str(error).splitlines()[0]}") from error
    return parse_states(content, str(path))


@cache
def load_states() -> States:
    """The state machine that comes with the product (read once).

    Raises:
        StatesError: the file is broken.
    """
    return read_states(Path(__file__).with_name("states.yml"))
