"""What the events of the ledger say: one model per kind. Written by the runner and by people's commands, folded by
compliance. A kind never changes its meaning; new fields get defaults, so that an old ledger reads the same for ever.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from reporting.contract import CauseKind as _CauseKind
from reporting.contract import Finding, ResultDocument, Sha256
from reporting.service import Service

Clock = Literal["elapsed", "working"]
FinishStatus = Literal["completed", "failed", "unreachable", "timed_out", "cancelled", "killed"]


class _Payload(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    def json_value(self) -> dict[str, Any]:
        """The payload as plain JSON values, for the ledger."""
        return self.model_dump(mode="json")


class Person(_Payload):
    """The officer on whose responsibility something was done (executor) or who did it."""

    id: str
    name: str
    nip: str | None = None
    title: str


class Agent(_Payload):
    """Who or what typed: a person at the keyboard, a timer, CI."""

    kind: Literal["person", "timer", "ci"]
    name: str


class TaskTime(_Payload):
    """One task of a playbook on one site."""

    name: str
    started_at: AwareDatetime
    seconds: Annotated[float, Field(ge=0)]
    status: Literal["ok", "failed", "skipped", "unreachable"]


class ExecutionStarted(_Payload):
    """kind `execution.started`, subject = site: an activity begins. `limit_minutes`: ended by force after that."""

    execution: str
    run: str  # all executions of one `laman run` share it
    activity: int
    executor: Person
    agent: Agent
    clock: Clock
    started_at: AwareDatetime
    by_hand: bool = False  # entered with `laman record`
    ad_hoc: bool = False  # judged, but fills no plan
    limit_minutes: float | None = None
    taken_at: AwareDatetime | None = None  # a person's step: when work on it began; started_at: its input was there
    catches_up: str = ""  # id of the occasion that was slept through and that this run makes up for


class ExecutionFinished(_Payload):
    """kind `execution.finished`, subject = site: it ended, well or not; always with a document."""

    execution: str
    began_at: AwareDatetime | None = None  # the first task on this site; waiting for other sites is no one's minutes
    ended_at: AwareDatetime
    status: FinishStatus
    document: ResultDocument
    tasks: list[TaskTime] = []
    note: Annotated[str, StringConstraints(max_length=2_000)] = ""  # what the person wrote who did it by hand


class EvidenceFile(_Payload):
    """One file of the archive; `path` is relative to the archive's root."""

    path: str
    bytes: int
    sha256: Sha256


class Attachment(EvidenceFile):
    """A file that a person attached to a step: what it is there for, and what it was called outside."""

    role: str = ""  # invoice, submission_sheet, approved_sheet, decision_sheet, proof_of_payment, paper, …
    original: str = ""


class EvidenceAdded(_Payload):
    """kind `evidence.added`, subject = site: files that prove an execution.

    `of`: what `execution` names where it is none: the folder in the archive of a case, a report, a paper.
    """

    execution: str
    files: list[EvidenceFile]
    of: Literal[
        "execution", "renewal", "report", "paper", "period", "ticket", "deviation", "diagnosis", "drill", "restore"
    ] = "execution"  # fmt: skip


class ExecutionReviewed(_Payload):
    """kind `execution.reviewed`, subject = site: the executor has read the result."""

    execution: str
    reviewer: Person
    agent: Agent
    note: Annotated[str, StringConstraints(min_length=1, max_length=2_000)]
    reviewed_at: AwareDatetime


class ReportIssued(_Payload):
    """kind `report.issued`, subject = period: a workbook was handed out, with the ledger's head as it was printed."""

    period: str
    language: Literal["id", "en"]
    file: EvidenceFile
    head_seq: int
    head_hash: str


class ServiceRegistered(_Payload):
    """kind `service.registered`, subject = service id: entered or changed by an import; `service` None: taken out."""

    service: Service | None
    agent: Agent
    source: Annotated[str, StringConstraints(max_length=300)]  # the file it came from


class ExpiryObserved(_Payload):
    """kind `expiry.observed`, subject = service id: what a look-up found. A wrong or vanished answer is `unknown`."""

    service: str
    state: Literal["known", "unknown"]
    ends_at: AwareDatetime | None = None
    phase: str = ""  # of the registry's life cycle, e.g. active, renewal_grace, redemption, pending_delete
    method: Literal["rdap", "whois", "tls", "cpanel", "manual"]
    source: str = ""  # URL or host that was asked
    reason: str = ""  # why unknown, or what was seen
    observed_at: AwareDatetime


class CaseLine(_Payload):
    """One service on a renewal case. Amount in whole rupiah."""

    service: str
    name: str
    amount: int
    old_end: date | None = None
    new_end: date


class RenewalOpened(_Payload):
    """kind `renewal.opened`, subject = case id: the invoice and what it is for; written with `submit`."""

    case: str
    invoice_number: str
    invoice_issued: date
    invoice_received: AwareDatetime  # the input of POS step 4 was there
    invoice_due: date | None = None
    amount: int  # whole rupiah, before tax
    tax: int = 0
    lines: list[CaseLine]


class RenewalStep(_Payload):
    """kind `renewal.step`, subject = case id: one thing a person did; `execution` names the execution it is, if any."""

    case: str
    step: Literal["submit", "approve", "reject", "return", "pay", "report", "cancel"]
    executor: Person
    agent: Agent
    done_at: AwareDatetime
    on_paper: bool = False  # done on paper earlier, with the dated paper attached
    input_at: AwareDatetime | None = None
    taken_at: AwareDatetime | None = None
    attachments: list[Attachment] = []
    note: Annotated[str, StringConstraints(max_length=2_000)] = ""
    amount: int | None = None
    execution: str | None = None


class RenewalTaken(_Payload):
    """kind `renewal.taken`, subject = case id: work on the next step began (shows how much of a step was waiting).

    Before there is a case, `case` is `invoice:` and the SHA-256 of the invoice's file: work on its submission began.
    """

    case: str
    executor: Person
    agent: Agent
    taken_at: AwareDatetime


class RenewalProven(_Payload):
    """kind `renewal.proven`, subject = case id: whether the end of one of its services moved."""

    case: str
    service: str
    state: Literal["moved", "attested", "not_moved", "unknown"]
    seen_end: date | None = None
    reason: str = ""
    attachments: list[Attachment] = []
    at: AwareDatetime
    attested_by: Person | None = None
    agent: Agent | None = None


class PaperIssued(_Payload):
    """kind `paper.issued`, subject = case id: a paper that we generated; never a proof of payment."""

    paper: str  # its id, printed on it
    kind: Literal["submission", "approval", "receipt", "status_report"]
    case: str
    number: str  # by the unit's numbering scheme
    content_hash: Sha256  # of the data that it prints; printed on it (shortened)
    files: list[EvidenceFile]  # DOCX and PDF
    issued_at: AwareDatetime


class PeriodClosed(_Payload):
    """kind `period.closed`, subject = period: figures frozen; the same workbook comes out again byte for byte."""

    period: str
    head_seq: int  # events up to this one count; later ones are corrections
    head_hash: str
    as_of: AwareDatetime
    issued_at: AwareDatetime
    language: Literal["id", "en"]
    figures_hash: Sha256
    workbook: EvidenceFile
    closed_by: Person
    agent: Agent
    standards: list[dict[str, Any]] = []  # the POS that were known (reporting.standard): a revision alters nothing
    settings_seq: int = 0  # the settings in force, and with them the calendar's version
    calendar_hash: str = ""  # SHA-256 of that calendar, its public holidays written out
    still_waiting: list[str] = []  # what had no verdict yet (only with a reason)
    reason: Annotated[str, StringConstraints(max_length=2_000)] = ""  # why it was closed all the same
    version: str = ""  # of the package that wrote the workbook


class PeriodScan(_Payload):
    """kind `period.scan`, subject = period: the scan of the signed workbook."""

    period: str
    file: EvidenceFile
    agent: Agent
    original: str = ""  # what the file was called outside


class MailTo(_Payload):
    """Who an e-mail went to: the officer, and the address that he or she had then."""

    officer: str
    name: str
    address: str


class MailSent(_Payload):
    """kind `mail.sent`, subject = role or period: a server took a letter. Written only after its 250 to the message.

    `cases_hash` is over what the rows said; the workbook itself differs each time (it is sealed with its own instant).
    """

    about: Literal["renewal_inbox", "report", "digest"] = "renewal_inbox"
    letter: str = ""  # report, digest: the same for all attempts at one letter
    role: str = ""
    to: list[MailTo]
    subject: str
    message_id: str
    attachment: str  # the file's name; "" for a letter without one
    attachment_sha256: Sha256 | None = None
    cases: list[str] = []
    cases_hash: Sha256 | None = None
    count: int = 0
    server: str  # host:port
    reply: Annotated[str, StringConstraints(max_length=200)] = ""  # what the server said, e.g. its queue id
    sent_at: AwareDatetime
    agent: Agent


Route = Literal["mandiri", "subbag_umum", "pihak_ketiga"]  # POS step 8: alone, with Subbag Umum, with a third party
CauseKind = _CauseKind


class TicketOpened(_Payload):
    """kind `ticket.opened`, subject = ticket id: a problem was reported; with it activity 8 begins (POS step 8).

    It comes in one transaction with the `execution.started` of activity 8 (subject = ticket id, clock working).
    """

    ticket: str
    site: str | None  # None: not one site alone (the connection, the hosting account)
    title: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    problem: Annotated[str, StringConstraints(max_length=2_000)] = ""
    reported_at: AwareDatetime  # POS: the input was there
    reported_by: Annotated[str, StringConstraints(max_length=200)] = ""  # who told, as it was typed
    executor: Person
    agent: Agent
    route: Route = "mandiri"
    party: Annotated[str, StringConstraints(max_length=200)] = ""  # route: who there
    execution: str  # of activity 8, that was begun with it
    source: Literal["hand", "finding"] = "hand"
    finding: Finding | None = None  # source finding: the first one
    fingerprint: str = ""  # of the finding, or of the group that a storm of them was gathered into
    found_by: str = ""  # the execution whose finding it was
    similar: list[str] = []  # earlier tickets that were offered
    breach_known_at: AwareDatetime | None = None  # personal data: wall clock of 3 x 24 h from here (UU PDP art. 46)
    attachments: list[Attachment] = []


class TicketSeen(_Payload):
    """kind `ticket.seen`, subject = ticket id: a run found the same again while the ticket was open."""

    ticket: str
    fingerprint: str
    execution: str
    count: Annotated[int, Field(ge=1)] = 1
    seen_at: AwareDatetime


class FindingsTriaged(_Payload):
    """kind `findings.triaged`, subject = site: every finding of one execution was looked at, once."""

    execution: str
    opened: list[str] = []  # tickets
    seen: list[str] = []  # tickets that were open already
    below: int = 0  # findings under the unit's threshold: no ticket
    at: AwareDatetime


TicketStepName = Literal[
    "take", "route", "pause", "resume", "note", "attach", "solve", "reopen", "breach", "notified"
]  # fmt: skip


class TicketStep(_Payload):
    """kind `ticket.step`, subject = ticket id: one thing a person did.

    `solve` comes in one transaction with `execution.finished`; `reopen` with a new `execution.started` whose
    `started_at` is the first report: the clock goes on, it does not begin anew.
    `breach`: it is a breach of personal data, known since `done_at`; `notified`: the written notice was sent.
    """

    ticket: str
    step: TicketStepName
    executor: Person
    agent: Agent
    done_at: AwareDatetime
    note: Annotated[str, StringConstraints(max_length=2_000)] = ""  # pause: the reason
    attachments: list[Attachment] = []
    route: Route | None = None
    party: Annotated[str, StringConstraints(max_length=200)] = ""  # route: who there
    cause_kind: CauseKind | None = None  # solve
    cause: Annotated[str, StringConstraints(max_length=2_000)] = ""
    solution: Annotated[str, StringConstraints(max_length=2_000)] = ""
    prevention: Annotated[str, StringConstraints(max_length=2_000)] = ""
    execution: str | None = None  # solve: the one that ends; reopen: the one that begins


class DiagnosisCheck(_Payload):
    """One thing that a diagnosis looked at. `detail`: what was seen, harmless text."""

    name: str  # dns, tcp, tls, http, disk, inodes, service_nginx, php, database, error_log, certificate, clock, …
    side: Literal["outside", "inside"]
    state: Literal["ok", "problem", "unknown", "skipped"]
    detail: Annotated[str, StringConstraints(max_length=2_000)] = ""
    detail_id: Annotated[str, StringConstraints(max_length=2_000)] = ""
    seconds: Annotated[float, Field(ge=0)] = 0.0


class DiagnosisMade(_Payload):
    """kind `diagnosis.made`, subject = site: a site was looked at from outside and inside; nothing was changed."""

    diagnosis: str
    site: str
    ticket: str | None = None  # whose evidence it is
    executor: Person
    agent: Agent
    began_at: AwareDatetime
    ended_at: AwareDatetime
    status: FinishStatus
    checks: list[DiagnosisCheck] = []
    cause_kind: CauseKind | None = None  # None: nothing was found
    cause: Annotated[str, StringConstraints(max_length=1_000)] = ""  # the likeliest, a sentence in English
    cause_id: Annotated[str, StringConstraints(max_length=1_000)] = ""  # and in Indonesian
    files: list[EvidenceFile] = []


class AccountedFor(_Payload):
    """The deviation as it stood when it was accounted for: computed again, it may stand no longer."""

    activity: int
    site: str
    aspect: str  # perlengkapan, waktu, output, jadwal
    reason: str
    what: str = ""  # the execution, or the occasion's id
    at: AwareDatetime  # when it became certain


class DeviationAccounted(_Payload):
    """kind `deviation.accounted`, subject = deviation id: the executor accounts for it (POS, Peringatan 2)."""

    deviation: str
    account: str  # its id
    executor: Person
    agent: Agent
    cause: Annotated[str, StringConstraints(min_length=1, max_length=2_000)]
    consequence: Annotated[str, StringConstraints(min_length=1, max_length=2_000)]
    action: Annotated[str, StringConstraints(min_length=1, max_length=2_000)]  # corrective
    action_by: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    action_until: date
    action_done: bool = False  # carried out, on that day
    attachments: list[Attachment] = []
    at: AwareDatetime
    about: AccountedFor | None = None


class DeviationDecided(_Payload):
    """kind `deviation.decided`, subject = deviation id: Kasi SI accepts the account, or returns it with a reason."""

    deviation: str
    account: str  # the one that was read
    decision: Literal["accepted", "returned"]
    decided_by: Person
    agent: Agent
    note: Annotated[str, StringConstraints(max_length=2_000)] = ""
    at: AwareDatetime


class OccasionNoticed(_Payload):
    """kind `schedule.noticed`, subject = site: `laman due --run` found that an occasion was late, or missed."""

    occasion: str  # reporting.compliance.OccasionKey.id
    activity: int
    state: Literal["late", "missed"]  # late: its window was open still, after the timer's time; missed: closed
    opens_at: AwareDatetime
    closes_at: AwareDatetime
    planned_at: AwareDatetime  # when the timer would have run it
    noticed_at: AwareDatetime
    asleep_since: AwareDatetime | None = None  # the last sign of life of the timer before
    agent: Agent
    caught_up_by: str = ""  # execution that makes up for it, if one was begun


class TimerWoke(_Payload):
    """kind `schedule.woke`, subject = unit: `laman due --run` ran; a gap between two is a control node that slept."""

    at: AwareDatetime
    agent: Agent
    ran: list[str] = []  # executions


class MailWanted(_Payload):
    """kind `mail.wanted`, subject = period (report) or officer id (digest): a letter to one address, not tried yet.

    All of it is here (the workbook is `file`, in the archive), so that it can be tried again as it was, days later.
    """

    about: Literal["report", "digest"]
    letter: str  # one for all who get the same
    period: str  # digest: the local day
    to: MailTo
    subject: str
    body: Annotated[str, StringConstraints(max_length=100_000)]
    attachment: str = ""
    file: EvidenceFile | None = None
    figures_hash: Sha256 | None = None  # of what the workbook says; its bytes differ each time it is issued
    language: Literal["id", "en"]
    message_id: str  # the same in all attempts: whoever got it twice can tell (RFC 5322, 3.6.4)
    wanted_at: AwareDatetime
    agent: Agent


class MailBegun(_Payload):
    """kind `mail.begun`, subject = that of the letter: the server asked for the message, and it is handed over now.

    Without a `mail.sent` or `mail.failed` after it nobody knows whether it arrived: laman was killed just then.
    """

    letter: str
    message_id: str
    attempt: int
    at: AwareDatetime


class MailFailed(_Payload):
    """kind `mail.failed`, subject = what was to be sent: an attempt that did not end in the server's 250."""

    about: Literal["report", "digest"]
    letter: str  # the same for all attempts at one letter
    to: list[MailTo]
    attempt: int
    reason: Annotated[str, StringConstraints(max_length=500)]
    uncertain: bool = False  # the connection broke after the message was handed over: it may have arrived
    transient: bool = True  # the server, or the way to it, may be better in a while (4xx, nobody answers)
    message_id: str
    at: AwareDatetime
    agent: Agent


class ReportDelivered(_Payload):
    """kind `report.delivered`, subject = period: an issued workbook was put into a folder and read back equal."""

    period: str
    folder: str
    file: str
    sha256: Sha256
    figures_hash: Sha256 | None = None
    at: AwareDatetime
    agent: Agent


class Compared(_Payload):
    """One thing of a set that was restored and compared with what was recorded at the backup."""

    part: str = ""
    what: str  # files, tables, triggers, routines, events, views, pages
    state: Literal["equal", "differs", "not_compared"]
    recorded: int = 0
    restored: int = 0
    detail: Annotated[str, StringConstraints(max_length=1_000)] = ""
    seconds: Annotated[float, Field(ge=0)] = 0.0


class DrillMade(_Payload):
    """kind `drill.made`, subject = site: a set was restored into a throw-away place and compared.

    `ok` only when all of it was compared and is equal. `not_proven`: this machine lacks something, or the set has no
    record to compare with. Nothing that was restored for it is left.
    """

    drill: str
    set: str
    site: str
    medium: str
    status: Literal["proven", "failed", "not_proven"]
    ok: bool
    compared: list[Compared] = []
    executor: Person
    agent: Agent
    began_at: AwareDatetime
    ended_at: AwareDatetime
    seconds: Annotated[float, Field(ge=0)] = 0.0
    files: list[EvidenceFile] = []


class RestoreMade(_Payload):
    """kind `restore.made`, subject = site: a set was brought back onto its host, and compared there.

    `undo`: the set of what was there before. `partly`: it was begun and did not end well. `incomplete`: all
    that the set has is there, and the set itself is incomplete.
    """

    restore: str
    set: str
    site: str
    medium: str
    undo: str = ""
    status: Literal["equal", "differs", "partly", "not_begun", "incomplete"]
    ok: bool
    compared: list[Compared] = []
    changes: dict[str, int] = {}  # files and tables added, changed, removed
    problems: list[Annotated[str, StringConstraints(max_length=1_000)]] = []
    executor: Person
    agent: Agent
    began_at: AwareDatetime
    ended_at: AwareDatetime
    files: list[EvidenceFile] = []


class BackupVerified(_Payload):
    """kind `backup.verified`, subject = site: a set was read back from its medium, long after it was made."""

    set: str
    site: str
    medium: str
    path: str  # below the medium's mount point
    ok: bool
    method: Annotated[str, StringConstraints(max_length=300)]  # how the page cache was got out of the way
    files: int = 0
    bytes: int = 0
    seconds: Annotated[float, Field(ge=0)] = 0.0
    problems: list[Annotated[str, StringConstraints(max_length=1_000)]] = []
    at: AwareDatetime
    agent: Agent


class DiscMade(_Payload):
    """One disc of a copy, or its image: `sha256` is over the whole image; `device` "" as long as it is not burnt."""

    number: Annotated[int, Field(ge=1)]
    volume: str
    file: str
    bytes: int
    sha256: Sha256
    device: str = ""


class BackupCopied(_Payload):
    """kind `backup.copied`, subject = site: a copy of a set on other media than the one it was made on.

    `burnt` False: the images lie in a folder; that is no copy yet in the sense of 3-2-1.
    """

    copy_id: str
    set: str
    site: str
    from_medium: str
    kind: Literal["hard_disk", "optical_disc", "other"]
    burnt: bool
    off_site: bool = False
    place: Annotated[str, StringConstraints(max_length=500)] = ""  # where it is kept, as it was typed
    discs: list[DiscMade] = []
    par2_percent: float = 0.0
    encrypted_to: list[str] = []  # age recipients (public keys); empty: not encrypted
    verified: Annotated[str, StringConstraints(max_length=500)] = ""  # how it was read back
    at: AwareDatetime
    agent: Agent


class PrunedSet(_Payload):
    """One set that was removed, and why it could go."""

    set: str
    site: str
    folder: str  # its name on the medium
    stored_bytes: int = 0
    reason: Annotated[str, StringConstraints(max_length=500)]


class BackupPruned(_Payload):
    """kind `backup.pruned`, subject = medium: sets that retention removed; the rules as they were in force then."""

    medium: str
    removed: list[PrunedSet]
    kept: int
    rules: str
    freed_bytes: int = 0
    at: AwareDatetime
    agent: Agent


KIND_DRILL = "drill.made"
KIND_RESTORE = "restore.made"
KIND_BACKUP_VERIFIED = "backup.verified"
KIND_BACKUP_COPIED = "backup.copied"
KIND_BACKUP_PRUNED = "backup.pruned"
KIND_TICKET_OPENED = "ticket.opened"
KIND_TICKET_SEEN = "ticket.seen"
KIND_TICKET_STEP = "ticket.step"
KIND_TRIAGED = "findings.triaged"
KIND_DIAGNOSIS = "diagnosis.made"
KIND_ACCOUNTED = "deviation.accounted"
KIND_DECIDED = "deviation.decided"
KIND_NOTICED = "schedule.noticed"
KIND_WOKE = "schedule.woke"
KIND_MAIL_WANTED = "mail.wanted"
KIND_MAIL_BEGUN = "mail.begun"
KIND_MAIL_FAILED = "mail.failed"
KIND_DELIVERED = "report.delivered"
KIND_SERVICE = "service.registered"
KIND_EXPIRY = "expiry.observed"
KIND_RENEWAL_OPENED = "renewal.opened"
KIND_RENEWAL_STEP = "renewal.step"
KIND_RENEWAL_TAKEN = "renewal.taken"
KIND_RENEWAL_PROVEN = "renewal.proven"
KIND_PAPER = "paper.issued"
KIND_PERIOD_CLOSED = "period.closed"
KIND_PERIOD_SCAN = "period.scan"
KIND_MAIL = "mail.sent"
KIND_SETTINGS = "settings.recorded"  # subject = unit id; data = reporting.unit.Snapshot
KIND_STARTED = "execution.started"
KIND_FINISHED = "execution.finished"
KIND_REVIEWED = "execution.reviewed"
KIND_EVIDENCE = "evidence.added"
KIND_REPORT = "report.issued"
