"""What a paper prints, as plain data: made from a case, the unit, the register and who is in office. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from typing import Any, Literal, get_args

from reporting.compliance.model import Execution
from reporting.forms.terbilang import terbilang
from reporting.forms.words import (
    CASE_STATES,
    PROOFS,
    STEPS,
    TITLES,
    VERDICTS,
    day_text,
    grouped_nip,
    grouped_npwp,
    minutes_text,
    number_text,
    percent_text,
)
from reporting.renewal.model import Case
from reporting.service import Provider, Service
from reporting.text import harmless
from reporting.unit import Officer, Unit

PaperKind = Literal["submission", "approval", "receipt", "status_report"]
KINDS: tuple[PaperKind, ...] = get_args(PaperKind)
_SIGNING: dict[int, str] = {4: "pengelola_sistem_dan_jaringan", 5: "kasi_si", 6: "kasubag_umum"}
_OFFICES = {
    "pengelola_sistem_dan_jaringan": "Pengelola Sistem dan Jaringan",
    "pengelola_laman": "Pengelola Laman",
    "kasi_si": "Kepala Seksi Sistem Informasi",
    "kasubag_umum": "Kepala Subbagian Umum",
}
_HASH_CHARACTERS = 12  # of the data's SHA-256, as it is printed
_NOBODY = "." * 36


class FormError(Exception):
    """A paper that cannot be made; one line: what, where, what to do."""


@dataclass(frozen=True, slots=True)
class Signer:
    """One place to sign: above it, the title, the name, the NIP (empty: a blank line stands there)."""

    above: str
    title: str
    name: str
    nip: str


@dataclass(frozen=True, slots=True)
class ServiceRow:
    """One service on a paper. `seen` and `proof`: what the look after the payment found (status report)."""

    number: int
    name: str
    account: str
    old_end: str
    new_end: str
    amount: str
    seen: str
    proof: str


@dataclass(frozen=True, slots=True)
class StepRow:
    """One step on the status report; minutes are working minutes from its input to its end."""

    number: int
    name: str
    executor: str
    agent: str
    done: str
    minutes: str
    standard: str
    verdict: str


@dataclass(frozen=True, slots=True)
class Sums:
    """Amounts as they are printed ("1.250.000") and the one in words."""

    amount: str
    tax_label: str
    tax: str
    total: str
    words: str
    income_tax_label: str
    income_tax: str
    kept_tax: str
    net: str
    partial: bool


@dataclass(frozen=True, slots=True)
class PaperData:
    """Everything that a paper prints. `digest` is over all of it; texts are harmless, Indonesian, ready to print."""

    kind: PaperKind
    id: str
    number: str
    title: str
    about: str
    unit: str
    unit_id: str
    parent: str
    address: str
    place: str
    date: str
    year: str
    case: str
    case_state: str
    invoice_number: str
    invoice_date: str
    invoice_due: str
    provider: str
    provider_address: str
    npwp: str
    bank: str
    bank_account: str
    bank_holder: str
    budget_line: str
    satker: str
    satker_code: str
    dipa: str
    satker_npwp: str
    submission_number: str
    sums: Sums
    services: tuple[ServiceRow, ...]
    steps: tuple[StepRow, ...]
    deviations: tuple[str, ...]
    submitter: Signer
    approver: Signer
    payer: Signer
    ppk: Signer
    treasurer: Signer
    goods_receiver: Signer

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of the data, as canonical JSON."""
        text = json.dumps(asdict(self), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def short_hash(self) -> str:
        """The beginning of the digest, as it is printed."""
        return self.digest[:_HASH_CHARACTERS]

    @property
    def mark(self) -> str:
        """What a file of this paper carries in its properties: `laman-paper:<id>:<hash12>`."""
        return f"laman-paper:{self.id}:{self.short_hash}"

    def context(self) -> dict[str, Any]:
        """The values that a template may use."""
        return {**asdict(self), "hash": self.short_hash}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for. `amount`: rupiah on a receipt that pays a part (None: all that is left, or the whole)."""

    kind: PaperKind
    paper: str  # its id
    number: str
    at: datetime
    amount: int | None = None
    submission_number: str = ""


def paper_data(
    wanted: Wanted,
    case: Case,
    unit: Unit,
    services: Mapping[str, Service],
    executions: Mapping[str, Execution] | None = None,
) -> PaperData:
    """The data of one paper of a case. `services`: the register by id; `executions`: the judged steps by id.

    Raises:
        FormError: the case is not in a state for that paper, or the amount does not fit.
    """
    check_state(wanted.kind, case)
    day = wanted.at.astimezone(unit.tz).date()
    known = [services[line.service] for line in case.lines if line.service in services]
    provider = known[0].provider if known else Provider(name="-")
    judged = executions or {}
    return _clean(
        PaperData(
            kind=wanted.kind,
            id=wanted.paper,
            number=wanted.number,
            title=TITLES[wanted.kind],
            about=_about(case),
            unit=unit.name,
            unit_id=unit.id,
            parent=unit.parent,
            address=unit.address,
            place=unit.city,
            date=day_text(day),
            year=str(day.year),
            case=case.id,
            case_state=CASE_STATES[case.state],
            invoice_number=case.invoice.number,
            invoice_date=day_text(case.invoice.issued),
            invoice_due=day_text(case.invoice.due),
            provider=provider.name,
            provider_address=provider.address,
            npwp=grouped_npwp(provider.npwp),
            bank=provider.bank,
            bank_account=provider.bank_account,
            bank_holder=provider.bank_account_holder or provider.name,
            budget_line=", ".join(dict.fromkeys(s.budget_line for s in known if s.budget_line)),
            satker=unit.payment.satker or unit.name,
            satker_code=unit.payment.satker_code,
            dipa=unit.payment.dipa_number,
            satker_npwp=grouped_npwp(unit.payment.npwp),
            submission_number=wanted.submission_number,
            sums=_sums(wanted, case, unit),
            services=tuple(_service_rows(case, services)),
            steps=_step_rows(case, unit, judged),
            deviations=_deviations(case, judged),
            submitter=_by_role(unit, 4, day, "Yang mengajukan,"),
            approver=_by_role(unit, 5, day, "Menyetujui,"),
            payer=_by_role(unit, 6, day, "Mengetahui,"),
            ppk=_by_id(unit, unit.payment.ppk, day, "Setuju dibayar,", "Pejabat Pembuat Komitmen"),
            treasurer=_by_id(unit, unit.payment.treasurer, day, "Lunas dibayar,", "Bendahara Pengeluaran"),
            goods_receiver=_by_id(unit, unit.payment.goods_receiver, day, "", "Pejabat Penerima Barang/Jasa"),
        )
    )


_FITTING: dict[PaperKind, tuple[frozenset[str], str]] = {
    "submission": (
        frozenset({"submitted", "returned", "approved", "partly_paid", "paid", "renewed", "not_renewed"}),
        "it has ended",
    ),
    "approval": (
        frozenset({"submitted", "approved", "partly_paid", "paid", "renewed", "not_renewed"}),
        "it is not submitted",
    ),
    "receipt": (
        frozenset({"approved", "partly_paid", "paid", "renewed", "not_renewed"}),
        "nothing is paid that is not approved",
    ),
    "status_report": (frozenset({"paid", "renewed", "not_renewed"}), "it is not paid"),
}


def check_state(kind: PaperKind, case: Case) -> None:
    """Whether a case is in a state for that paper.

    Raises:
        FormError: it is not.
    """
    states, why = _FITTING[kind]
    if case.state not in states:
        raise FormError(f"{case.id} is {case.state}: no paper of kind {kind} is made of it ({why})")


def _clean(data: PaperData) -> PaperData:
    """Every text made harmless: from the settings, a register or an invoice, it may hold anything."""
    return replace(data, **{name: _cleaned(value) for name, value in _fields(data).items()})


def _fields(data: Any) -> dict[str, Any]:
    return {name: getattr(data, name) for name in data.__dataclass_fields__}


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return harmless(value, 1_000).replace("\ufffe", "\ufffd").replace("\uffff", "\ufffd").strip()
    if isinstance(value, tuple):
        return tuple(_cleaned(v) for v in value)
    if hasattr(value, "__dataclass_fields__"):
        return replace(value, **{name: _cleaned(v) for name, v in _fields(value).items()})
    return value


def _about(case: Case) -> str:
    """What is paid, in one sentence."""
    names = [f"{line.name} (s.d. {day_text(line.new_end)})" for line in case.lines]
    shown = "; ".join(names[:3]) + (f"; dan {len(names) - 3} layanan lainnya" if len(names) > 3 else "")
    return f"Perpanjangan layanan {shown}, sesuai invoice nomor {case.invoice.number}"


def _sums(wanted: Wanted, case: Case, unit: Unit) -> Sums:
    """The invoice's sums, or a part of them on a receipt; taxes of a part in proportion, rounded down to a rupiah."""
    whole = case.invoice.total
    due = whole
    if wanted.kind == "receipt":
        due = wanted.amount if wanted.amount is not None else case.outstanding or whole
    if not 0 < due <= whole:
        raise FormError(f"{case.id}: the receipt is over {due} rupiah, the invoice over {whole}")
    tax = case.invoice.tax * due // whole
    base = due - tax
    rate = round(unit.payment.income_tax_percent * 1_000)
    income_tax = base * rate // 100_000
    kept = tax if unit.payment.vat_collected else 0
    usual = case.invoice.amount * round(unit.payment.vat_percent * 1_000) // 100_000
    named = case.invoice.tax and abs(case.invoice.tax - usual) <= 1
    return Sums(
        amount=number_text(base),
        tax_label=f"PPN {percent_text(unit.payment.vat_percent)}" if named else "PPN (sesuai invoice)",
        tax=number_text(tax),
        total=number_text(due),
        words=terbilang(due),
        income_tax_label=f"PPh {percent_text(unit.payment.income_tax_percent)}",
        income_tax=number_text(income_tax),
        kept_tax=number_text(kept),
        net=number_text(due - kept - income_tax),
        partial=due != whole,
    )


def _service_rows(case: Case, services: Mapping[str, Service]) -> Sequence[ServiceRow]:
    proofs = {p.service: p for p in case.proofs}
    rows = []
    for number, line in enumerate(case.lines, 1):
        proof = proofs.get(line.service)
        rows.append(
            ServiceRow(
                number=number,
                name=line.name,
                account=services[line.service].account if line.service in services else "",
                old_end=day_text(line.old_end),
                new_end=day_text(line.new_end),
                amount=number_text(line.amount),
                seen=day_text(proof.seen_end) if proof else "-",
                proof=PROOFS[proof.state] if proof else "belum diperiksa",
            )
        )
    return rows


def _step_rows(case: Case, unit: Unit, judged: Mapping[str, Execution]) -> tuple[StepRow, ...]:
    rows = []
    for number, step in enumerate(case.steps, 1):
        execution = judged.get(step.execution or "")
        rows.append(
            StepRow(
                number=number,
                name=STEPS[step.name] + (" (di atas kertas)" if step.on_paper else ""),
                executor=step.executor.name,
                agent=step.agent.name,
                done=f"{day_text(step.done_at.astimezone(unit.tz).date())} {step.done_at.astimezone(unit.tz):%H.%M}",
                minutes=minutes_text(execution.minutes) if execution else "-",
                standard=str(execution.standard_minutes) if execution else "-",
                verdict=VERDICTS[execution.verdict.status] if execution else "-",
            )
        )
    return tuple(rows)


def _deviations(case: Case, judged: Mapping[str, Execution]) -> tuple[str, ...]:
    """What was not sesuai, step by step, and services whose end has not moved."""
    found = []
    for step in case.steps:
        execution = judged.get(step.execution or "")
        if execution is not None and execution.verdict.status == "menyimpang":
            found.append(f"{STEPS[step.name]}: {execution.verdict.reason}")
    for proof in case.proofs:
        if not proof.renewed:
            name = next((n.name for n in case.lines if n.service == proof.service), proof.service)
            found.append(f"{name}: {PROOFS[proof.state]}" + (f" ({proof.reason})" if proof.reason else ""))
    return tuple(found)


def _by_role(unit: Unit, activity: int, day: date, above: str) -> Signer:
    role = unit.assignment.get(activity) or _SIGNING[activity]
    return _signer(unit.officer_for(role, day), above, _OFFICES[role])


def _by_id(unit: Unit, wanted: str | None, day: date, above: str, office: str) -> Signer:
    officer = next((o for o in unit.officers if o.id == wanted and o.in_office(day)), None)
    acting = f"{officer.acting} " if officer is not None and officer.acting else ""
    return replace(_signer(officer, above, office), title=f"{acting}{office}")


def _signer(officer: Officer | None, above: str, office: str) -> Signer:
    """An officer as he or she signs; nobody in office: a line of dots to write on."""
    if officer is None:
        return Signer(above, office, _NOBODY, "")
    acting = officer.acting
    title = officer.title if acting is None or officer.title.startswith(acting) else f"{acting} {officer.title}"
    return Signer(above, title, officer.name, grouped_nip(officer.nip))
