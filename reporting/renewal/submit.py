"""Opening a case: the provider's invoice, checked against the register, the calendar and the other cases. Pure."""

from __future__ import annotations

import calendar
from dataclasses import dataclass, replace
from datetime import date, datetime

from reporting.events import CaseLine, RenewalOpened
from reporting.money import MOST, written
from reporting.people import person
from reporting.renewal.commands import (
    SOON,
    Asked,
    Known,
    Permitted,
    Refused,
    check_files,
    done_moment,
    executor_for,
    permit,
    taken_moment,
)
from reporting.renewal.fold import next_case_id
from reporting.renewal.model import Case, Invoice, ServiceLine
from reporting.service import Service
from reporting.text import fold as folded
from reporting.text import harmless

_MOST_YEARS = 10  # a period that is bought for longer is a mistyped year
_NUMBER_CHARACTERS = 100


@dataclass(frozen=True)
class AskedLine:
    """One service as it was asked for. None: the amount is the invoice's rest; the new end is one period on."""

    service: str
    amount: int | None = None
    new_end: date | None = None


@dataclass(frozen=True)
class Bill:
    """The invoice as it was typed; rupiah. None on a case that was returned: as it was before."""

    number: str | None = None
    issued: date | None = None
    received: datetime | None = None
    due: date | None = None
    amount: int | None = None
    tax: int | None = None
    lines: tuple[AskedLine, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether nothing was typed."""
        return self == Bill()


def submit(known: Known, asked: Asked, bill: Bill) -> tuple[Permitted, RenewalOpened | None]:
    """Submit an invoice: a new case, or again one that was returned (`asked.case`).

    Raises:
        Refused: the invoice, its lines, its dates or its sums do not hold, or the step is not allowed.
    """
    if asked.case is not None:
        return _again(known, asked, bill)
    invoice, received = _invoice(known, bill)
    lines = _lines(known, bill, invoice, None)
    _not_twice(known, invoice, lines, None)
    done_at = done_moment(known, asked)
    rule = known.states.steps["submit"]
    executor = executor_for(known, asked, rule, done_at)
    if done_at < received:
        raise Refused("the submission cannot be done before its invoice was received (--at, --received)")
    check_files(asked, rule.attach)
    sha = next(f.sha256 for f in asked.files if f.role == "invoice")
    taken_at = taken_moment(known, asked, known.takes.get(sha), received, done_at)
    year = done_at.astimezone(known.unit.tz).year
    case = Case(
        id=next_case_id(known.cases, year),
        state="submitted",
        invoice=invoice,
        lines=lines,
        steps=(),
        proofs=(),
        paid=0,
        opened_at=known.now,
        invoice_received=received,
        seq=0,
    )
    on_paper = asked.at is not None
    permitted = Permitted(asked, rule, case, person(executor), done_at, received, taken_at, None, on_paper)
    return permitted, _opened(case)


def drafted(known: Known, bill: Bill) -> Case:
    """The case that an invoice would open, before it is submitted: its submission sheet is printed of it. No id yet.

    Raises:
        Refused: the invoice, its lines, its dates or its sums do not hold.
    """
    invoice, received = _invoice(known, bill)
    lines = _lines(known, bill, invoice, None)
    _not_twice(known, invoice, lines, None)
    return Case("", "submitted", invoice, lines, (), (), 0, known.now, received, 0)


def _again(known: Known, asked: Asked, bill: Bill) -> tuple[Permitted, RenewalOpened | None]:
    permitted = permit(known, asked)
    case = permitted.case
    if bill.empty:
        return permitted, None
    merged = Bill(
        number=bill.number if bill.number is not None else case.invoice.number,
        issued=bill.issued or case.invoice.issued,
        received=bill.received or case.invoice_received,
        due=bill.due or case.invoice.due,
        amount=bill.amount if bill.amount is not None or bill.lines else case.invoice.amount,
        tax=bill.tax if bill.tax is not None else case.invoice.tax,
        lines=bill.lines or _same_lines(case, bill),
    )
    invoice, received = _invoice(known, merged)
    if invoice.number != case.invoice.number and not any(f.role == "invoice" for f in asked.files):
        raise Refused("another invoice needs --invoice FILE: the provider's new invoice")
    lines = _lines(known, merged, invoice, case)
    _not_twice(known, invoice, lines, case)
    changed = replace(case, invoice=invoice, lines=lines, invoice_received=received)
    return replace(permitted, case=changed), _opened(changed)


def _same_lines(case: Case, bill: Bill) -> tuple[AskedLine, ...]:
    alone = len(case.lines) == 1 and bill.amount is not None
    return tuple(AskedLine(line.service, None if alone else line.amount, line.new_end) for line in case.lines)


def _opened(case: Case) -> RenewalOpened:
    return RenewalOpened(
        case=case.id,
        invoice_number=case.invoice.number,
        invoice_issued=case.invoice.issued,
        invoice_received=case.invoice_received,
        invoice_due=case.invoice.due,
        amount=case.invoice.amount,
        tax=case.invoice.tax,
        lines=[
            CaseLine(service=n.service, name=n.name, amount=n.amount, old_end=n.old_end, new_end=n.new_end)
            for n in case.lines
        ],
    )


def _invoice(known: Known, bill: Bill) -> tuple[Invoice, datetime]:
    number = harmless((bill.number or "").strip(), _NUMBER_CHARACTERS)
    if not number:
        raise Refused("submit needs --number: the invoice's number")
    if bill.issued is None:
        raise Refused("submit needs --issued: the invoice's date, like 2026-03-10")
    if bill.received is None:
        raise Refused("submit needs --received: when the invoice arrived, like '2026-03-12 14:00' (its clock runs)")
    today = known.now.astimezone(known.unit.tz).date()
    if bill.issued > today:
        raise Refused(f"--issued {bill.issued} is in the future: the invoice's date is expected")
    if bill.received > known.now + SOON:
        raise Refused(f"--received {bill.received.astimezone(known.unit.tz):%Y-%m-%d %H:%M} is in the future")
    if bill.received.astimezone(known.unit.tz).date() < bill.issued:
        raise Refused(f"--received is before the invoice's date ({bill.issued}): one of the two is wrong")
    if bill.due is not None and bill.due < bill.issued:
        raise Refused(f"--due {bill.due} is before the invoice's date ({bill.issued})")
    return Invoice(number, bill.issued, bill.due, _amount(bill), bill.tax or 0), bill.received


def _amount(bill: Bill) -> int:
    """What the invoice asks for before tax: as typed, or the sum of the lines when each has its own."""
    single = [n.amount for n in bill.lines if n.amount is not None]
    if bill.amount is None and len(single) < len(bill.lines):
        raise Refused("submit needs --amount: what the invoice asks for, before tax (or ID=AMOUNT for every --service)")
    amount = sum(single) if bill.amount is None else bill.amount
    if amount <= 0:
        raise Refused(f"the invoice's amount must be more than {written(0)}")
    if (bill.tax or 0) > amount:
        raise Refused(f"--tax {written(bill.tax or 0)} is more than the amount itself ({written(amount)})")
    if amount + (bill.tax or 0) > MOST:
        raise Refused(f"the invoice's total is more than {written(MOST)}")
    return amount


def _lines(known: Known, bill: Bill, invoice: Invoice, case: Case | None) -> tuple[ServiceLine, ...]:
    if not bill.lines:
        raise Refused("submit needs --service ID: what the invoice is for (see: laman service list)")
    ids = [line.service for line in bill.lines]
    twice = next((i for i in ids if ids.count(i) > 1), None)
    if twice is not None:
        raise Refused(f"--service {harmless(twice, 63)!r} is named twice: one line a service")
    services = [_service(known, i) for i in ids]
    _one_provider(services)
    amounts = _shares(bill, invoice)
    return tuple(
        _line(known, asked, service, amount, case)
        for asked, service, amount in zip(bill.lines, services, amounts, strict=True)
    )


def _service(known: Known, wanted: str) -> Service:
    service = known.services.get(wanted)
    if service is None:
        there = ", ".join(list(known.services)[:8]) or "none"
        raise Refused(f"--service {harmless(wanted, 63)!r} is not in the register; it has: {there}")
    return service


def _one_provider(services: list[Service]) -> None:
    for other in services[1:]:
        if folded(other.provider.name) != folded(services[0].provider.name):
            raise Refused(
                f"one invoice comes from one provider: {services[0].id} is of {services[0].provider.name}, {other.id} "
                f"of {other.provider.name}"
            )


def _shares(bill: Bill, invoice: Invoice) -> list[int]:
    """Each line's part of the amount; they make the whole, to the rupiah."""
    open_lines = [n for n in bill.lines if n.amount is None]
    named = sum(n.amount for n in bill.lines if n.amount is not None)
    if len(open_lines) > 1:
        raise Refused(
            f"--service {open_lines[0].service} and {open_lines[1].service}: give each its part of the invoice "
            "(--service ID=AMOUNT)"
        )
    rest = invoice.amount - named
    if rest < 0 or (rest and not open_lines) or (open_lines and rest == 0):
        raise Refused(f"the services add up to {written(named)}, the invoice to {written(invoice.amount)}")
    return [rest if n.amount is None else n.amount for n in bill.lines]


def _line(known: Known, asked: AskedLine, service: Service, amount: int, case: Case | None) -> ServiceLine:
    if amount <= 0:
        raise Refused(f"--service {service.id}: its amount must be more than {written(0)}")
    old_end = known.ends.get(service.id)
    part = _other_part(known, service.id, asked.new_end, case)
    if part is not None:  # another invoice for the same period: the provider may have renewed it by now
        old_end = part.old_end
    new_end = asked.new_end
    if new_end is None:
        if old_end is None:
            raise Refused(
                f"--service {service.id}: its end is not known: say until when is paid (--service {service.id}@DATE)"
            )
        new_end = months_later(old_end, service.period_months)
    if old_end is not None and new_end <= old_end:
        raise Refused(f"--service {service.id}@{new_end}: it ends on {old_end} already: a later day is expected")
    horizon = old_end or known.now.astimezone(known.unit.tz).date()
    if new_end > months_later(horizon, 12 * _MOST_YEARS):
        raise Refused(f"--service {service.id}@{new_end}: more than {_MOST_YEARS} years on: a mistyped year?")
    return ServiceLine(service.id, service.name, amount, old_end, new_end)


def _other_part(known: Known, service: str, new_end: date | None, case: Case | None) -> ServiceLine | None:
    """The same service and period on another live invoice (paid in parts)."""
    if new_end is None:
        return None
    return next(
        (
            line
            for other in known.cases.values()
            if other.state not in ("rejected", "cancelled") and (case is None or other.id != case.id)
            for line in other.lines
            if line.service == service and line.new_end == new_end
        ),
        None,
    )


def _not_twice(known: Known, invoice: Invoice, lines: tuple[ServiceLine, ...], case: Case | None) -> None:
    """No invoice is submitted twice; the provider and the number name it.

    Raises:
        Refused: it is in another live case.
    """
    provider = folded(known.services[lines[0].service].provider.name)
    for other in known.cases.values():
        if other.state in ("rejected", "cancelled") or (case is not None and other.id == case.id):
            continue
        theirs = known.services.get(other.lines[0].service)
        same = folded(other.invoice.number) == folded(invoice.number)
        if same and (theirs is None or folded(theirs.provider.name) == provider):
            raise Refused(f"invoice {invoice.number} was submitted already: {other.id}")


def months_later(day: date, months: int) -> date:
    """The same day some months on; the last of the month where it has no such day."""
    index = day.year * 12 + day.month - 1 + months
    year, month = index // 12, index % 12 + 1
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))
