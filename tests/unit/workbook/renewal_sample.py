"""Renewals of a small agency as the events that a ledger would hold: six services, five cases, 2026."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from pydantic import BaseModel

from reporting.contract import Output, Requirement, ResultDocument
from reporting.events import (
    KIND_EVIDENCE,
    KIND_EXPIRY,
    KIND_FINISHED,
    KIND_RENEWAL_OPENED,
    KIND_RENEWAL_PROVEN,
    KIND_RENEWAL_STEP,
    KIND_SETTINGS,
    KIND_STARTED,
    Agent,
    Attachment,
    CaseLine,
    EvidenceAdded,
    EvidenceFile,
    ExecutionFinished,
    ExecutionStarted,
    ExpiryObserved,
    Person,
    RenewalOpened,
    RenewalProven,
    RenewalStep,
)
from reporting.ledger.model import GENESIS, Event
from reporting.service import Provider, Service, Watch
from reporting.unit import Snapshot
from tests.unit.workbook import sample

WIB = sample.WIB
TYPIST = Agent(kind="person", name="siti@kantor")
KASUBAG = Person(id="hendra", name="Hendra Kusuma, S.E.", nip="197001012000031001", title="Kepala Subbagian Umum")
PEOPLE = {"submit": sample.BUDI, "approve": sample.DEWI, "return": sample.DEWI, "reject": sample.DEWI,
          "pay": KASUBAG, "report": sample.BUDI, "cancel": sample.BUDI}  # fmt: skip
ACTIVITY = {"submit": 4, "approve": 5, "return": 5, "reject": 5, "pay": 6, "report": 7}
ROLE = {"submit": "submission_sheet", "approve": "approved_sheet", "return": "decision_sheet",
        "reject": "decision_sheet", "pay": "proof_of_payment", "report": "renewed_service"}  # fmt: skip
NUSANET = Provider(name="PT Nusantara Hosting Indonesia", npwp="012345678901000", bank="Bank Mandiri")
LINTAS = Provider(name="PT Lintas Data Prima")
SERVICES = [
    Service(id="hosting", kind="hosting", name="Hosting situs utama", provider=NUSANET, cost=6_000_000,
            budget_line="4257.EBA.962.052.A.522191", starts=date(2022, 3, 20), ends=date(2026, 3, 20)),
    Service(id="domain-utama", kind="domain", name="Domain bpmp-contoh.id", provider=NUSANET, cost=300_000,
            budget_line="4257.EBA.962.052.A.522191", ends=date(2026, 11, 14),
            watch=Watch(method="rdap", name="bpmp-contoh.id")),
    Service(id="domain-ppid", kind="domain", name="Domain ppid-contoh.id", provider=NUSANET, cost=300_000,
            budget_line="4257.EBA.962.052.A.522191", ends=date(2026, 11, 14),
            watch=Watch(method="rdap", name="ppid-contoh.id")),
    Service(id="internet", kind="connection", name="Koneksi internet 200 Mbps kantor", provider=LINTAS,
            cost=84_000_000, budget_line="4257.EBA.994.002.B.522112", ends=date(2026, 12, 31)),
    Service(id="tls-utama", kind="tls", name="Sertifikat TLS wildcard", provider=NUSANET, cost=2_400_000,
            budget_line="4257.EBA.962.052.A.522191", ends=date(2026, 12, 5),
            watch=Watch(method="tls", name="bpmp-contoh.id")),
    Service(id="surel", kind="other", name="Layanan surel", provider=LINTAS, cost=12_000_000, budget_line=""),
]  # fmt: skip


def at(text: str) -> datetime:
    """A local time: "03-12 14:00" of 2026."""
    return datetime.fromisoformat(f"2026-{text}").replace(tzinfo=WIB)


@dataclass
class Story:
    """Events in the making; times of recording follow what is told."""

    events: list[Event] = field(default_factory=list)

    def tell(self, when: datetime, kind: str, subject: str, payload: BaseModel | dict[str, Any]) -> None:
        data = payload if isinstance(payload, dict) else payload.model_dump(mode="json")
        seq = len(self.events) + 1
        self.events.append(
            Event(seq, f"event-{seq}", when, "contoh", "person:siti", kind, subject, data, GENESIS, f"{seq:064x}")
        )

    def settings(self, when: datetime, **changes: object) -> None:
        """The agency's settings, with the four officers of the renewals."""
        officers = [
            {**person.model_dump(), "roles": [role]}
            for person, role in (
                *((sample.SITI, "pengelola_laman"), (sample.BUDI, "pengelola_sistem_dan_jaringan")),
                *((sample.DEWI, "kasi_si"), (KASUBAG, "kasubag_umum")),
            )
        ]
        unit = sample.unit(**{"officers": officers, "services": [s.model_dump() for s in SERVICES], **changes})
        snapshot = Snapshot(unit=unit, sites=["laman"])
        self.tell(when, KIND_SETTINGS, unit.id, snapshot.model_dump(mode="json"))

    def opened(self, case: str, when: str, number: str, lines: list[CaseLine], **changes: Any) -> None:
        """An invoice comes in and a case begins."""
        amount = sum(line.amount for line in lines)
        received = at(when)
        values = {"invoice_issued": received.date(), "tax": amount * 11 // 100, "invoice_due": None, **changes}
        data = RenewalOpened(
            case=case, invoice_number=number, invoice_received=received, amount=amount, lines=lines, **values
        )
        self.tell(received, KIND_RENEWAL_OPENED, case, data)

    def step(self, case: str, name: str, begun: str, done: str, **changes: Any) -> None:
        """One step with its execution: its input came at `begun`, it was done at `done`."""
        started, ended = at(begun), at(done)
        recorded = changes.pop("recorded", ended)
        execution = f"{done.replace(' ', 'T')}-{name}-{case}" if name in ACTIVITY else None
        role = ROLE.get(name, "paper")
        path = f"2026/{started:%m}/renewal/{execution}/{role}-01.pdf"
        file = Attachment(path=path, bytes=48_213, sha256=sample.sha(path), role=role, original=f"{role}.pdf")
        files = [] if name in ("report", "cancel") else [file]
        taken = at(changes.pop("taken")) if "taken" in changes else None
        problems = changes.pop("problems", [])
        if execution is not None:
            self._execution(case, name, execution, (started, ended, recorded, taken), files, problems)
        data = RenewalStep(
            case=case, step=name, executor=PEOPLE[name], agent=TYPIST, done_at=ended, input_at=started,
            taken_at=taken, attachments=files, execution=execution, **changes,
        )  # fmt: skip
        self.tell(recorded, KIND_RENEWAL_STEP, case, data)

    def _execution(
        self,
        case: str,
        name: str,
        execution: str,
        times: tuple[datetime, datetime, datetime, datetime | None],
        files: list[Attachment],
        problems: list[str],
    ) -> None:
        started, ended, recorded, taken = times
        begin = ExecutionStarted(
            execution=execution, run=execution, activity=ACTIVITY[name], executor=PEOPLE[name], agent=TYPIST,
            clock="working", started_at=started, by_hand=True, ad_hoc=True, taken_at=taken,
        )  # fmt: skip
        self.tell(recorded, KIND_STARTED, case, begin)
        proof = EvidenceFile(path=f"2026/x/{execution}/look.json", bytes=900, sha256=sample.sha(execution))
        kept = [EvidenceFile(path=f.path, bytes=f.bytes, sha256=f.sha256) for f in files] or [proof]
        self.tell(recorded, KIND_EVIDENCE, case, EvidenceAdded(execution=execution, files=kept))
        outputs = [
            Output(name=ROLE[name], place="evidence", path=f.path.rsplit("/", 1)[1], bytes=f.bytes, sha256=f.sha256,
                   verified="diperiksa isinya, disalin ke arsip, SHA-256")
            for f in kept
        ]  # fmt: skip
        document = ResultDocument(
            activity=ACTIVITY[name],
            site=case,
            requirements=[Requirement(name="invoice", ok=True, reason="di arsip")],
            outputs=[] if problems else outputs,
            output_problems=problems,
        )
        status = "failed" if problems else "completed"
        done = ExecutionFinished(execution=execution, ended_at=ended, status=status, document=document)
        self.tell(recorded, KIND_FINISHED, case, done)

    def proven(self, case: str, service: str, when: str, state: str, seen: date | None, reason: str) -> None:
        """The look after the payment."""
        data = RenewalProven(case=case, service=service, state=state, seen_end=seen, reason=reason, at=at(when))
        self.tell(at(when), KIND_RENEWAL_PROVEN, case, data)

    def look(self, service: str, when: str, ends: datetime | None, **changes: Any) -> None:
        """A look-up of an end."""
        known = {"state": "known" if ends else "unknown", "ends_at": ends, "method": "rdap", **changes}
        data = ExpiryObserved.model_validate({"service": service, "observed_at": at(when), **known})
        self.tell(at(when), KIND_EXPIRY, service, data)


def line(service: str, amount: int, old: date | None, new: date) -> CaseLine:
    """A line of a case."""
    name = next((s.name for s in SERVICES if s.id == service), service)
    return CaseLine(service=service, name=name, amount=amount, old_end=old, new_end=new)


def story(**settings: object) -> Story:
    """March: hosting, on paper in part. October/November: two domains (one not extended), internet sent back, TLS."""
    told = Story()
    told.settings(at("01-02 08:00"), **settings)
    told.opened("P-2026-001", "03-10 09:00", "INV/2026/03/0071",
                [line("hosting", 7_200_000, date(2026, 3, 20), date(2027, 3, 20))],
                invoice_due=date(2026, 3, 19))  # fmt: skip
    told.step("P-2026-001", "submit", "03-10 09:00", "03-10 09:25", taken="03-10 09:05")
    told.step("P-2026-001", "approve", "03-10 09:25", "03-11 10:00", on_paper=True, recorded=at("03-12 08:30"))
    told.step("P-2026-001", "pay", "03-11 10:00", "03-12 11:30", amount=7_992_000, taken="03-12 10:00")
    told.step("P-2026-001", "report", "03-12 11:30", "03-12 14:00", taken="03-12 13:10")
    told.proven("P-2026-001", "hosting", "03-12 14:00", "attested", date(2027, 3, 20), "surat penyedia")
    told.opened("P-2026-002", "11-02 08:30", "NHI-88012",
                [line("domain-utama", 330_000, date(2026, 11, 14), date(2027, 11, 14)),
                 line("domain-ppid", 300_000, date(2026, 11, 14), date(2027, 11, 14))])  # fmt: skip
    told.step("P-2026-002", "submit", "11-02 08:30", "11-02 08:50", taken="11-02 08:32")
    told.step("P-2026-002", "approve", "11-02 08:50", "11-03 09:00", taken="11-03 08:45")
    told.step("P-2026-002", "pay", "11-03 09:00", "11-03 15:00", amount=699_300)
    told.look("domain-utama", "11-04 08:00", datetime(2027, 11, 14, 23, 59, tzinfo=WIB), phase="active",
              source="https://rdap.pandi.id/rdap/domain/bpmp-contoh.id")  # fmt: skip
    told.look("domain-ppid", "11-04 08:00", datetime(2026, 11, 14, 23, 59, tzinfo=WIB), phase="active",
              source="https://rdap.pandi.id/rdap/domain/ppid-contoh.id")  # fmt: skip
    told.step("P-2026-002", "report", "11-03 15:00", "11-04 08:10", taken="11-04 07:45",
              problems=["domain-ppid: masih berakhir 14 Nov 2026, yang dibayar sampai 14 Nov 2027"])  # fmt: skip
    told.proven("P-2026-002", "domain-utama", "11-04 08:10", "moved", date(2027, 11, 14), "rdap.pandi.id")
    told.proven("P-2026-002", "domain-ppid", "11-04 08:10", "not_moved", date(2026, 11, 14), "rdap.pandi.id")
    told.opened("P-2026-003", "11-16 10:00", "LDP/XI/2026/441",
                [line("internet", 93_000_000, date(2026, 12, 31), date(2027, 12, 31))],
                invoice_due=date(2026, 12, 15))  # fmt: skip
    told.step("P-2026-003", "submit", "11-16 10:00", "11-16 10:20")
    told.step("P-2026-003", "return", "11-16 10:20", "11-16 10:45",
              note="Harga naik 10,7 %: minta penawaran tertulis dari penyedia lebih dahulu.")  # fmt: skip
    told.opened("P-2026-004", "11-18 09:00", "NHI-88140",
                [line("tls-utama", 2_400_000, date(2026, 12, 5), date(2027, 12, 5))])  # fmt: skip
    told.step("P-2026-004", "submit", "11-18 09:00", "11-18 09:20", on_paper=True, recorded=at("11-19 08:00"))
    told.look("tls-utama", "11-20 06:00", None, method="tls", source="bpmp-contoh.id:443",
              reason="sambungan ditolak")  # fmt: skip
    return told
