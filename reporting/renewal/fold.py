"""Events -> cases. A case is never stored: it is what its events say, in the ledger's order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from reporting.events import (
    KIND_RENEWAL_OPENED,
    KIND_RENEWAL_PROVEN,
    KIND_RENEWAL_STEP,
    KIND_RENEWAL_TAKEN,
    CaseLine,
    RenewalOpened,
    RenewalProven,
    RenewalStep,
    RenewalTaken,
)
from reporting.ledger.model import Event
from reporting.renewal.model import Case, CaseState, Invoice, Proof, ServiceLine, Step, Taken
from reporting.renewal.states import States, load_states

KINDS = (KIND_RENEWAL_OPENED, KIND_RENEWAL_STEP, KIND_RENEWAL_TAKEN, KIND_RENEWAL_PROVEN)
INVOICE = "invoice:"  # before this and a file's SHA-256: work on a submission began before there was a case
_Payload = TypeVar("_Payload", bound=BaseModel)


class RenewalError(Exception):
    """Events that make no case; one line that names the event."""


def fold(events: Iterable[Event], states: States | None = None) -> dict[str, Case]:
    """Every case by its id, in the order in which they were opened; events of other kinds are passed over.

    Raises:
        RenewalError: an event has not its kind's shape, or a step is about a case that was never opened.
    """
    rules = states or load_states()
    cases: dict[str, Case] = {}
    for event in sorted((e for e in events if e.kind in KINDS), key=lambda e: e.seq):
        if event.kind == KIND_RENEWAL_TAKEN and event.subject.startswith(INVOICE):
            continue  # `submission_takes` reads these
        case = cases.get(event.subject)
        if event.kind == KIND_RENEWAL_OPENED:
            cases[event.subject] = _opened(event, case)
        elif case is None:
            raise RenewalError(f"event {event.seq} ({event.kind}): case {event.subject!r} was never opened")
        else:
            cases[event.subject] = replace(_moved(event, case, rules), seq=event.seq)
    return cases


def submission_takes(events: Iterable[Event]) -> dict[str, Taken]:
    """The first take of each invoice for which no case was there yet, by the SHA-256 of the invoice's file."""
    found: dict[str, Taken] = {}
    for event in sorted((e for e in events if e.kind == KIND_RENEWAL_TAKEN), key=lambda e: e.seq):
        if event.subject.startswith(INVOICE):
            data = _read(event, RenewalTaken)
            found.setdefault(event.subject.removeprefix(INVOICE), Taken(data.executor, data.agent, data.taken_at))
    return found


def next_case_id(cases: Iterable[str], year: int) -> str:
    """The id of a new case: `P-2026-001`, counted per year over the whole unit."""
    used = [int(i.rsplit("-", 1)[1]) for i in cases if i.startswith(f"P-{year}-")]
    return f"P-{year}-{max(used, default=0) + 1:03d}"


def _opened(event: Event, known: Case | None) -> Case:
    """A new case, or (when it was returned) the same one with the invoice as it is submitted again."""
    data = _read(event, RenewalOpened)
    invoice = Invoice(data.invoice_number, data.invoice_issued, data.invoice_due, data.amount, data.tax)
    lines = tuple(_line(line) for line in data.lines)
    if known is not None:
        return replace(known, invoice=invoice, lines=lines, seq=event.seq)
    return Case(
        id=event.subject,
        state="submitted",  # its first step is in the same transaction
        invoice=invoice,
        lines=lines,
        steps=(),
        proofs=(),
        paid=0,
        opened_at=event.at,
        invoice_received=data.invoice_received,
        seq=event.seq,
    )


def _line(line: CaseLine) -> ServiceLine:
    return ServiceLine(line.service, line.name, line.amount, line.old_end, line.new_end)


def _moved(event: Event, case: Case, rules: States) -> Case:
    if event.kind == KIND_RENEWAL_TAKEN:
        data = _read(event, RenewalTaken)
        return replace(case, taken=case.taken or Taken(data.executor, data.agent, data.taken_at))
    if event.kind == KIND_RENEWAL_PROVEN:
        return _settled(replace(case, proofs=_proofs(case, _proof(event))), rules)
    step = _step(event)
    paid = case.paid + (step.amount or 0 if step.name == "pay" else 0)
    moved = replace(case, steps=(*case.steps, step), paid=paid, taken=None)
    return replace(moved, state=_state_after(moved, step, rules))


def _step(event: Event) -> Step:
    data = _read(event, RenewalStep)
    return Step(
        name=data.step,
        executor=data.executor,
        agent=data.agent,
        done_at=data.done_at,
        recorded_at=event.at,
        on_paper=data.on_paper,
        input_at=data.input_at,
        taken_at=data.taken_at,
        attachments=tuple(data.attachments),
        note=data.note,
        amount=data.amount,
        execution=data.execution,
    )


def _state_after(case: Case, step: Step, rules: States) -> CaseState:
    rule = rules.steps[step.name]
    if rule.until_whole is not None and case.paid < case.invoice.total:
        return rule.until_whole
    if rule.unproven is not None and not all_renewed(case.lines, case.proofs):
        return rule.unproven
    return rule.to


def _settled(case: Case, rules: States) -> Case:
    """A case that was reported is renewed as soon as every line is: the proof may come later than the report."""
    step = case.last("report")
    return case if step is None else replace(case, state=_state_after(case, step, rules))


def all_renewed(lines: Sequence[ServiceLine], proofs: Sequence[Proof]) -> bool:
    """Whether every line's service is proven to go on."""
    proven = {p.service for p in proofs if p.renewed}
    return all(line.service in proven for line in lines)


def _proof(event: Event) -> Proof:
    data = _read(event, RenewalProven)
    return Proof(
        data.service, data.state, data.seen_end, data.reason, data.at, tuple(data.attachments), data.attested_by
    )


def _proofs(case: Case, proof: Proof) -> tuple[Proof, ...]:
    """The last word on each line: what was once proven stays proven, whatever a later look says."""
    known = {p.service: p for p in case.proofs}
    if not (proof.service in known and known[proof.service].renewed and not proof.renewed):
        known[proof.service] = proof
    order = [line.service for line in case.lines]
    return tuple(sorted(known.values(), key=lambda p: order.index(p.service) if p.service in order else len(order)))


def input_of(case: Case, rules: States | None = None) -> datetime | None:
    """Since when the input of the step that a case waits for has been there; None where it waits for none.

    A submission after a return counts from the return; every payment counts from the approval, also a second part.
    """
    known = rules or load_states()
    name = known.next_execution(case.state)
    if name is None:
        return None
    if case.state == "returned":
        before = case.last("return")
    else:
        wanted = known.steps[name].input
        before = case.last(wanted) if wanted is not None else None
    return before.done_at if before is not None else case.invoice_received


def _read(event: Event, model: type[_Payload]) -> _Payload:
    try:
        return model.model_validate(event.data)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "data"
        raise RenewalError(
            f"event {event.seq} ({event.kind}): {where}: {first['msg']}: written by another version, or altered "
            "(laman verify tells)"
        ) from error


def last_moment(case: Case) -> datetime:
    """When the last step of a case was done; nothing about it can have been done before."""
    return case.steps[-1].done_at if case.steps else case.invoice_received
