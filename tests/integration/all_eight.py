"""November 2026 of an agency in which all eight activities of the POS were carried out, as its ledger would tell it.

Renewals, planned runs with findings and reviews, tickets on every route (one reopened, one a breach of personal data,
one over its minutes, one still open), and accounts of deviations: accepted, returned, waiting, missing; a deviation of
an earlier month, and one that does not stand any more.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from reporting import account
from reporting.attachments import Attached
from reporting.compliance import Compliance, Deviation, evaluate_all
from reporting.contract import Finding
from reporting.deviation import commands
from reporting.deviation.model import Known, Situation
from reporting.events import (
    KIND_DIAGNOSIS,
    KIND_EVIDENCE,
    KIND_FINISHED,
    KIND_REVIEWED,
    KIND_SETTINGS,
    KIND_STARTED,
    KIND_TICKET_SEEN,
    AccountedFor,
    Agent,
    Attachment,
    DiagnosisCheck,
    DiagnosisMade,
    EvidenceAdded,
    EvidenceFile,
    ExecutionFinished,
    ExecutionReviewed,
    ExecutionStarted,
    Person,
    TicketSeen,
)
from reporting.ledger.model import Draft, Event
from reporting.standard import load_standards, standard_on
from reporting.troubleshooting import asked as asking
from reporting.troubleshooting import commands as tickets
from reporting.troubleshooting.drafts import SOLUTION, Found, folder_of, opening_drafts, step_drafts
from reporting.troubleshooting.fold import fold as fold_tickets
from reporting.unit import Snapshot, Unit
from tests.unit.workbook import renewal_sample, sample

SITES = ["laman-utama", "ppid"]
AT = renewal_sample.at
CLOSED_AT = datetime(2026, 12, 1, 8, 0, tzinfo=sample.WIB)
KEYBOARD = Agent(kind="person", name="budi@kantor")
WEB_SHELL = Finding(
    kind="web_shell", severity="critical", title="A web shell answers on /wp-content/uploads/x.php",
    title_id="Web shell menjawab pada /wp-content/uploads/x.php", detail="14 requests, all answered with 200",
    detail_id="14 permintaan, semuanya dijawab 200", fingerprint="0f1e2d3c4b5a6978", count=14,
)  # fmt: skip


def unit() -> Unit:
    """The settings since 1 November: a schedule for activities 1 to 3, a review of the content's status."""
    people: list[tuple[Person, str]] = [
        (sample.SITI, "pengelola_laman"),
        (sample.BUDI, "pengelola_sistem_dan_jaringan"),
        (sample.DEWI, "kasi_si"),
        (renewal_sample.KASUBAG, "kasubag_umum"),
    ]
    schedule = [
        {"activity": 1, "every": "week", "day": "monday", "hours": 24},
        {"activity": 2, "every": "week", "day": "friday", "hours": 24},
        {"activity": 3, "every": "workday", "hours": 24},
    ]
    return sample.unit(
        officers=[{**p.model_dump(), "roles": [role]} for p, role in people],
        services=[s.model_dump() for s in renewal_sample.SERVICES],
        schedule=schedule,
        review={"activities": [1]},
    )


class Year(renewal_sample.Story):
    """The story of the renewals, with all the rest."""

    def append(self, when: datetime, drafts: list[Draft]) -> None:
        for draft in drafts:
            self.tell(when, draft.kind, draft.subject, draft.data)

    def run(
        self, activity: int, site: str, start: datetime, minutes: float, problem: str = "", missing: str = ""
    ) -> None:
        """One planned execution, whole unless `problem` (of its output) or `missing` (what was not at hand) say why."""
        name = f"{start:%Y%m%dT%H%M}-{sample.SLUGS[activity]}-{site}"
        who = sample.SITI if activity == 1 else sample.BUDI
        started = ExecutionStarted(execution=name, run=name, activity=activity, executor=who, agent=sample.TIMER,
                                   clock="elapsed", started_at=start)  # fmt: skip
        self.tell(start, KIND_STARTED, site, started)
        end = start + timedelta(minutes=minutes)
        document = sample.document(activity, site, start)
        if missing:
            gone = document.requirements[0].model_copy(update={"name": "backup_medium", "ok": False, "reason": missing})
            document = document.model_copy(update={"requirements": [gone], "outputs": [], "measures": None})
        if problem:
            document = document.model_copy(update={"output_problems": [problem]})
        status = "failed" if problem or missing else "completed"
        path = f"2026/11/{sample.SLUGS[activity]}/{name}/record.json"
        proof = EvidenceFile(path=path, bytes=2_048, sha256=sample.sha(name))
        self.tell(end, KIND_EVIDENCE, site, EvidenceAdded(execution=name, files=[proof]))
        done = ExecutionFinished(execution=name, began_at=start, ended_at=end, status=status, document=document)
        self.tell(end, KIND_FINISHED, site, done)
        if activity == 1:
            read = start + timedelta(hours=3)
            review = ExecutionReviewed(execution=name, reviewer=who, agent=KEYBOARD, note="Sudah dibaca, diteruskan.",
                                       reviewed_at=read)  # fmt: skip
            self.tell(read, KIND_REVIEWED, site, review)

    # --- tickets

    def known(self, when: datetime) -> asking.Known:
        return asking.Known(unit(), SITES, standard_on, fold_tickets(self.events), when, KEYBOARD)

    def ticket(self, when: str, title: str, found: Finding | None = None, **more: Any) -> str:
        """A problem is reported."""
        known = self.known(AT(when))
        opening = tickets.permit_opening(known, asking.AskedOpening(title=title, token=when[-2:], **more))
        source = Found(found, found.fingerprint, "20261109T0500-visitor_log-ppid") if found is not None else None
        self.append(
            AT(when), opening_drafts(known, opening, found=source) if source else opening_drafts(known, opening)
        )
        return opening.id

    def step(self, case: str, name: str, *more: Any, **changes: Any) -> None:
        """A step of a renewal, or (`T-…`) of a ticket."""
        if not case.startswith("T-"):
            super().step(case, name, *more, **changes)
            return
        when = AT(str(more[0]))
        known = self.known(when)
        path = f"2026/11/troubleshooting/{case}/{name}-{when:%d%H%M}"
        role = SOLUTION if name == "solve" else "evidence" if name in ("pause", "notified") else ""
        kept = Attachment(path=path, bytes=1_204, sha256=sample.sha(path), role=role, original="")
        typed = Attached(Path(path), role, "pdf", kept.bytes, kept.sha256, None)
        asked = asking.Asked(step=name, ticket=case, token=f"{when:%d%H%M}",  # type: ignore[arg-type]
                              files=(typed,) if role == "evidence" else (), **changes)  # fmt: skip
        permitted = tickets.permit(known, asked)
        files = [kept] if role else []
        self.append(when, step_drafts(known, permitted, folder_of(known, permitted), files))

    def diagnosis(self, ticket: str, site: str, when: str, kind: Any, cause: str, cause_id: str) -> None:
        at = AT(when)
        check = DiagnosisCheck(name="php", side="inside", state="problem", detail=cause, detail_id=cause_id)
        made = DiagnosisMade(diagnosis=f"d-{ticket}", site=site, ticket=ticket, executor=sample.BUDI, agent=KEYBOARD,
                             began_at=at, ended_at=at + timedelta(seconds=21), status="completed", checks=[check],
                             cause_kind=kind, cause=cause, cause_id=cause_id)  # fmt: skip
        self.tell(at, KIND_DIAGNOSIS, site, made)

    # --- accounts

    def deviations(self, when: datetime) -> list[Deviation]:
        return list(evaluate_all(load_standards(), self.ordered(), when, "id").deviations)

    def situation(self, when: datetime) -> Situation:
        accounts = account.fold(self.events)
        known = {d.id: _known(d, accounts.get(d.id)) for d in self.deviations(when)}
        return Situation(unit(), known, when, KEYBOARD)

    def accounted(self, when: str, ids: list[str], texts: tuple[str, str, str, str], until: date, *, proof: str = "",
                  done: bool = False) -> None:  # fmt: skip
        """The executor accounts; `texts`: cause, consequence, action, who carries it out."""
        situation = self.situation(AT(when))
        plans = commands.account(situation, commands.AskedAccount(ids, *texts, until=until, done=done))
        files = []
        if proof:
            path = f"2026/11/deviation/{ids[0]}/{proof}"
            files = [Attachment(path=path, bytes=81_204, sha256=sample.sha(path), role="evidence", original=proof)]
        drafts = commands.account_drafts(situation, plans, f"{when}-{ids[0]}", sample.sha(ids[0])[:8], files)
        self.append(AT(when), drafts)

    def decided(self, when: str, ids: list[str], note: str, *, returned: bool = False) -> None:
        asked = commands.AskedDecision(ids, "returned" if returned else "accepted", note)
        decide = commands.give_back if returned else commands.accept
        self.append(AT(when), decide(self.situation(AT(when)), asked))

    def ordered(self) -> list[Event]:
        """The events as a ledger would hold them: in the order of their time, numbered anew."""
        found = sorted(self.events, key=lambda e: (e.at, e.kind != KIND_SETTINGS, e.seq))
        return [replace(e, seq=seq, hash=f"{seq:064x}") for seq, e in enumerate(found, start=1)]


def _known(d: Deviation, given: account.Account | None) -> Known:
    what = d.execution or (d.occasion.id if d.occasion else "")
    about = AccountedFor(activity=d.activity, site=d.site, aspect=d.aspect, reason=d.reason, what=what, at=d.at)
    standard = load_standards()[-1]
    return Known(d.id, about, d.executor, standard.activity(d.activity).role, d.account_due, account=given)


def year() -> list[Event]:
    """The events of the whole year."""
    told = Year(events=list(renewal_sample.story().events))
    told.tell(AT("11-01 00:00"), KIND_SETTINGS, "contoh", Snapshot(unit=unit(), sites=SITES).model_dump(mode="json"))
    _runs(told)
    _tickets(told)
    _accounts(told)
    return told.ordered()


def _runs(told: Year) -> None:
    for site in SITES:
        for day in (2, 9, 16, 23, 30):
            told.run(1, site, AT(f"11-{day:02d} 06:00"), 0.4)
        for day in (6, 13, 20, 27):
            away = "media disk-a tidak terpasang di /mnt/backup: folder itu masih disk sistem" if day == 13 else ""
            slow = 318.4 if (day, site) == (20, "ppid") else 41.2 + day
            told.run(2, site, AT(f"11-{day:02d} 16:30"), slow, missing=away)
        for day in range(2, 31):
            workday = datetime(2026, 11, day, tzinfo=sample.WIB).weekday() < 5
            if workday and (day, site) not in ((11, "ppid"), (12, "ppid")):
                told.run(3, site, AT(f"11-{day:02d} 05:00"), 1.5 + day / 10)


def _tickets(told: Year) -> None:
    slow = told.ticket("11-03 08:15", "Halaman beranda lambat dan kadang 502", site="laman-utama", reported_by="Humas",
                       problem="Pengunjung melapor lewat telepon: beranda terbuka lebih dari 30 detik.")  # fmt: skip
    told.step(slow, "take", "11-03 08:40")
    told.diagnosis(slow, "laman-utama", "11-03 08:45", "php",
                   "php-fpm has no free worker: pm.max_children is reached",
                   "php-fpm kehabisan pekerja: pm.max_children tercapai")  # fmt: skip
    told.step(slow, "solve", "11-03 11:20", cause_kind="php", cause="pm.max_children 5 tidak cukup untuk jam sibuk.",
              solution="Dinaikkan menjadi 20 dan php-fpm dimuat ulang; beranda 0,8 detik.",
              prevention="Jumlah pekerja dipantau; batas memori dihitung ulang setiap pembaruan.")  # fmt: skip
    power = told.ticket("11-04 09:00", "Ruang server padam bergantian", reported_by="Satpam", route="subbag_umum")
    told.step(power, "take", "11-04 09:20")
    told.step(power, "pause", "11-05 10:00", note="Menunggu teknisi listrik gedung, janji temu 9 November")
    told.step(power, "resume", "11-09 09:00")
    told.step(power, "solve", "11-10 15:00", cause_kind="power", cause="MCB panel lantai 2 aus.",
              solution="MCB diganti oleh Subbag Umum; UPS diuji dengan beban penuh selama 20 menit.",
              prevention="Pemeriksaan panel setiap semester masuk jadwal Subbag Umum.")  # fmt: skip
    shell = told.ticket("11-09 07:45", WEB_SHELL.title_id, WEB_SHELL, site="ppid", problem=WEB_SHELL.detail_id)
    told.step(shell, "take", "11-09 07:50", executor="budi")
    told.step(shell, "breach", "11-09 08:10", note="Tabel pendaftar PPID terbaca dari web shell")
    told.step(shell, "route", "11-09 08:20", route="pihak_ketiga", party="PT Nusantara Hosting Indonesia",
              note="Penyedia diminta mengisolasi akun")  # fmt: skip
    told.step(shell, "notified", "11-10 10:00", note="Pemberitahuan kepada subjek data dan lembaga, surat 112/2026")
    told.step(
        shell,
        "solve",
        "11-10 14:00",
        cause_kind="security",
        cause="Plugin galeri lama tanpa pembaruan.",
        solution="Berkas dihapus, plugin dicabut, sandi diganti.",
        prevention="Plugin ditinjau tiap bulan.",
    )
    again = TicketSeen(
        ticket=shell, fingerprint=WEB_SHELL.fingerprint, execution="x", count=3, seen_at=AT("11-11 05:10")
    )
    told.step(shell, "reopen", "11-11 08:00", note="Web shell kedua ditemukan di folder cadangan")
    told.tell(AT("11-11 08:05"), KIND_TICKET_SEEN, shell, again)
    told.step(
        shell,
        "solve",
        "11-11 11:00",
        cause_kind="security",
        cause="Salinan web shell di folder cadangan publik.",
        solution="Folder cadangan dikeluarkan dari akar laman; semua berkas dibandingkan dengan backup bersih.",
        prevention="Backup tidak lagi disimpan di bawah akar laman; pemindaian harian menyertakan folder itu.",
    )
    net = told.ticket("11-17 13:00", "Koneksi internet kantor terputus", reported_by="Seksi Data")
    told.step(net, "route", "11-17 13:10", route="pihak_ketiga", party="PT Lintas Data Prima", note="Tiket ISP 88121")
    told.step(
        net,
        "solve",
        "11-17 15:30",
        cause_kind="provider",
        cause="Kabel serat putus di gardu penyedia.",
        solution="Disambung kembali oleh penyedia.",
        prevention="Jalur cadangan diusulkan pada anggaran 2027.",
    )
    form = told.ticket(
        "11-26 10:00", "Formulir permohonan informasi tidak terkirim", site="ppid", reported_by="Pemohon"
    )
    told.step(form, "take", "11-26 10:30")
    told.step(form, "pause", "11-27 09:00", note="Menunggu kredensial SMTP baru dari Kementerian")


def _accounts(told: Year) -> None:
    found = told.deviations(CLOSED_AT)

    def ids(activity: int, aspect: str, month: int = 11, site: str = "") -> list[str]:
        chosen = [d for d in found if (d.activity, d.aspect, d.at.month) == (activity, aspect, month)]
        return [d.id for d in chosen if site in d.site]

    late = ids(5, "waktu", 3)
    told.accounted("11-02 09:00", late, ("Kasi SI dinas luar tanpa pelaksana harian.", "Persetujuan mundur sehari.",
                   "Plh. ditunjuk setiap Kasi SI dinas luar.", "Kepala Balai"), date(2026, 11, 30))  # fmt: skip
    told.decided("11-03 10:00", late, "Surat penunjukan Plh. sudah terbit")
    unmounted = [*ids(2, "perlengkapan"), *ids(2, "output")]
    told.accounted("11-16 09:00", unmounted, ("Disk dibawa rapat dan tidak dikembalikan ke ruang server.",
                   "Dua laman tanpa backup mingguan selama tujuh hari.", "Disk kedua dibeli dan dipasang tetap.",
                   "Budi Santoso"), date(2026, 11, 17), proof="berita-acara-disk.pdf", done=False)  # fmt: skip
    told.decided("11-18 14:00", unmounted, "Cukup; periksa label disk setiap Jumat")
    missed = ids(3, "jadwal")
    told.accounted("11-16 10:00", missed[:1], ("Lupa.", "Log sehari terlambat dibaca.", "Akan lebih teliti.", "Budi"),
                   date(2026, 11, 20))  # fmt: skip
    told.decided("11-17 09:00", missed[:1], "Sebutkan mengapa timer tidak berjalan dan cara mencegahnya", returned=True)
    told.accounted("11-25 09:00", ids(2, "waktu"), ("Basis data ppid tumbuh tiga kali lipat oleh log pencarian.",
                   "Backup melewati 300 menit; tetap utuh.", "Log pencarian dibersihkan dan diputar mingguan.",
                   "Siti Rahmawati"), date(2026, 12, 11))  # fmt: skip
    told.accounted("11-12 08:30", ids(8, "waktu", site="T-2026-002"), ("Teknisi gedung baru ada lima hari kemudian.",
                   "Laman tidak terjangkau bergantian selama empat hari.", "Kontrak siaga teknisi listrik 1 × 24 jam.",
                   "Subbag Umum"), date(2026, 12, 18), proof="foto-panel.jpg")  # fmt: skip
    gone = told.situation(AT("11-05 09:00"))
    about = AccountedFor(activity=1, site="ppid", aspect="output", reason="tidak diparaf dalam jadwal",
                         what="20261102T0600-content_status-ppid", at=AT("11-03 00:00"))  # fmt: skip
    stood = Known("D-00C0FFEE00", about, sample.SITI, "pengelola_laman", None)
    asked = commands.AskedAccount([stood.id], "Paraf dibuat di komputer lain yang belum tersambung.", "Tidak ada.",
                                  "Paraf selalu lewat komputer kendali.", "Siti Rahmawati",
                                  until=date(2026, 11, 6))  # fmt: skip
    situation = replace(gone, deviations={stood.id: stood})
    told.append(AT("11-05 09:00"), commands.account_drafts(situation, commands.account(situation, asked), "", "aa", []))


def compliance_of(events: list[Event], lang: Any = "id") -> Compliance:
    """November as it is closed."""
    from reporting.compliance import Period, evaluate

    return evaluate(load_standards(), events, Period.parse("2026-11", sample.WIB), CLOSED_AT, lang)
