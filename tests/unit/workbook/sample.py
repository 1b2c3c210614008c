"""Compliance values for the tests of the workbook: made here, field by field, so that a test says what is in them."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from reporting.compliance import (
    Aspect,
    Compliance,
    Deviation,
    Evidence,
    Execution,
    Judgement,
    Occasion,
    OccasionKey,
    OccasionState,
    Period,
    Review,
    Status,
)
from reporting.contract import (
    BackupMeasures,
    BackupPart,
    ContentMeasures,
    DayTraffic,
    Finding,
    Output,
    Requirement,
    ResultDocument,
    SectionStatus,
    Tally,
    VisitorLogMeasures,
)
from reporting.events import Agent, EvidenceFile, Person
from reporting.ledger import Head
from reporting.standard import load_standards
from reporting.unit import Unit

WIB = ZoneInfo("Asia/Jakarta")
HEAD = Head(seq=412, hash=hashlib.sha256(b"head").hexdigest())
ISSUED = datetime(2026, 12, 1, 9, 15, tzinfo=WIB)
AS_OF = datetime(2026, 11, 24, 12, 0, tzinfo=WIB)
BUDI = Person(id="budi", name="Budi Santoso, S.Kom.", nip="198503122010011004", title="Pengelola Sistem dan Jaringan")
SITI = Person(id="siti", name="Siti Rahmawati, A.Md.", nip="199001152014022003", title="Pengelola Laman")
DEWI = Person(id="dewi", name="Dewi Anggraini, M.T.", nip="197807212005012002", title="Kepala Seksi Sistem Informasi")
TIMER = Agent(kind="timer", name="laman-backup.timer")
SLUGS = {1: "content_status", 2: "backup", 3: "visitor_log"}
OK = Judgement("sesuai", "")


def unit(**changes: object) -> Unit:
    """The agency of the samples."""
    officers = [
        {**person.model_dump(), "roles": [role]}
        for person, role in ((SITI, "pengelola_laman"), (BUDI, "pengelola_sistem_dan_jaringan"), (DEWI, "kasi_si"))
    ]
    values: dict[str, object] = {
        "id": "contoh",
        "state_dir": "/var/lib/laman",
        "name": "BALAI PENJAMINAN MUTU PENDIDIKAN PROVINSI CONTOH",
        "parent": "KEMENTERIAN PENDIDIKAN — DIREKTORAT JENDERAL PENDIDIKAN DASAR DAN MENENGAH",
        "city": "Jakarta",
        "officers": officers,
        **changes,
    }
    return Unit.model_validate(values)


def sha(text: str) -> str:
    """A SHA-256 that looks like one."""
    return hashlib.sha256(text.encode()).hexdigest()


def empty(period: str = "2026-11", **changes: object) -> Compliance:
    """A period in which nothing was due and nothing was done."""
    values: dict[str, object] = {
        "period": Period.parse(period, WIB),
        "as_of": AS_OF,
        "unit": unit(),
        "sites": ("laman",),
        "standard": load_standards()[-1],
        "executions": (),
        "occasions": (),
        "deviations": (),
        "evidence": (),
        "problems": (),
        **changes,
    }
    return Compliance(**values)  # type: ignore[arg-type]


def execution(activity: int, site: str, start: datetime, minutes: float | None = 4.25, **changes: object) -> Execution:
    """A planned execution that conforms, unless `changes` say otherwise."""
    who = SITI if activity == 1 else BUDI
    name = hashlib.sha256(f"{activity} {site} {start.isoformat()}".encode()).hexdigest()[:26].upper()
    opens = start.replace(hour=0, minute=0, second=0, microsecond=0)
    ended = start + timedelta(minutes=minutes) if minutes is not None else None
    values: dict[str, object] = {
        "id": name,
        "activity": activity,
        "activity_slug": SLUGS[activity],
        "site": site,
        "executor": who,
        "agent": TIMER,
        "occasion": OccasionKey(activity, site, opens),
        "kind": "planned",
        "attempt": 1,
        "judges": True,
        "started_at": start,
        "ended_at": ended,
        "recorded_at": ended or start,
        "clock": "elapsed",
        "minutes": minutes,
        "standard_minutes": 300,
        "standard_number": "005/D7.11.1/POS-SI/2017",
        "status": "completed",
        "requirement": OK,
        "time": OK,
        "output": OK,
        "verdict": OK,
        "document": document(activity, site, start),
        "findings": 0,
        "review": None,
        "review_due": None,
        "evidence": (
            EvidenceFile(path=f"2026/11/{SLUGS[activity]}/{name}/record.json", bytes=2_048, sha256=sha(name)),
        ),
        "tasks": (),
        "by_hand": False,
        "run": "run",
        **changes,
    }
    made = Execution(**values)  # type: ignore[arg-type]
    found = made.document.findings_total if made.document else 0
    return made if "findings" in changes else replace(made, findings=found)


def by_hand(site: str, start: datetime, files: int = 1, activity: int = 2, **changes: object) -> Execution:
    """Something done by hand (a backup), as `laman record backup` enters it: no measures, a note, and its evidence."""
    outputs = [
        Output(
            name="by_hand",
            place="evidence",
            path=f"{number:02d}-disc.jpg",
            bytes=310_000 + number,
            sha256=sha(f"disc {site} {start} {number}"),
            verified="copied into the archive, read back, SHA-256",
        )
        for number in range(1, files + 1)
    ]
    handed_over = ResultDocument(
        activity=activity,
        site=site,
        requirements=[Requirement(name="site_access", ok=True, reason="attested")],
        outputs=outputs,
        output_problems=[] if files else ["no output: the disc broke"],
    )
    evidence = tuple(EvidenceFile(path=f"2026/11/backup/{o.path}", bytes=o.bytes, sha256=o.sha256) for o in outputs)
    values: dict[str, object] = {
        "by_hand": True,
        "clock": "working",
        "document": handed_over,
        "evidence": evidence,
        "note": "DVD 12, disimpan di lemari besi",
        **changes,
    }
    return execution(activity, site, start, 38.0, **values)


def document(activity: int, site: str, start: datetime) -> ResultDocument:
    """What a role would hand over: measures as large as real ones."""
    output = Output(
        name="record",
        place="evidence",
        path="record.json",
        bytes=2_048,
        sha256=sha(site),
        verified="read back, SHA-256 equal",
    )
    measures, findings = {1: _content, 2: _backup, 3: _visitors}[activity](site, start)
    return ResultDocument(
        activity=activity,
        site=site[:200],
        requirements=[Requirement(name="site_access", ok=True)],
        outputs=[output],
        measures=measures,
        findings=findings,
        findings_total=len(findings),
    )


def _content(site: str, start: datetime) -> tuple[ContentMeasures, list[Finding]]:
    sections = [
        SectionStatus(
            section=name,
            url=f"https://{site[:60]}.example/{name.lower()}/",
            owner=owner,
            limit_days=limit,
            state="stale" if age > limit else "fresh",
            reason=f"last update {age:.0f} days ago, limit {limit} days" if age > limit else "",
            http_status=200,
            response_ms=182.4,
            tls_expires_at=datetime(2027, 2, 3, 23, 59, tzinfo=UTC),
            updated_at=start - timedelta(days=age),
            age_days=age,
            method="rest",
        )
        for name, owner, limit, age in (
            ("Berita", "Humas", 7, 1.5),
            ("Pengumuman", "Subbag Umum", 14, 3.0),
            ("Profil Lembaga", "Kasi SI", 180, 412.0),
            ("Unduhan", "Seksi Data", 90, 21.0),
        )
    ]
    finding = Finding(
        kind="stale_section",
        severity="medium",
        title="Profil Lembaga has not been updated for 412 days",
        detail="limit 180 days",
        fingerprint=sha(site + "stale")[:16],
    )
    return ContentMeasures(sections=sections), [finding]


def _backup(site: str, start: datetime) -> tuple[BackupMeasures, list[Finding]]:
    folder = f"laman/{start:%Y-%m-%dT%H%M%S}"
    parts = [
        BackupPart(
            name=name,
            kind=kind,
            source=source,
            path=f"{folder}/{name}.zst",
            source_bytes=size,
            stored_bytes=size // 3,
            members=members,
            sha256=sha(f"{site}{name}{start}"),
            seconds=42.5,
            verified="read back from the medium, SHA-256 equal",
        )
        for name, kind, source, size, members in (
            ("site.tar", "tree", "/var/www/laman", 734_003_200, 8_412),
            ("wordpress.sql", "mariadb", "wordpress", 52_428_800, 14),
        )
    ]
    measures = BackupMeasures(
        backup_set=f"{start:%Y-%m-%dT%H%M%S}",
        medium="disk-a",
        medium_kind="hard_disk",
        medium_label="LAMAN-A",
        medium_uuid="2f6c0e8e-6b5e-4a0e-9a53-0d7b3f1c9a11",
        parts=parts,
    )
    return measures, []


def _visitors(site: str, start: datetime) -> tuple[VisitorLogMeasures, list[Finding]]:
    day = start.date() - timedelta(days=1)
    hits = 1_800 + 137 * (day.day % 7)
    traffic = DayTraffic(
        day=day, hits=hits, visitors=hits // 9, bytes=hits * 5_321, status_2xx=hits - 90, status_3xx=30, status_4xx=60
    )
    measures = VisitorLogMeasures(
        files=2,
        lines_total=hits + 3,
        lines_parsed=hits,
        lines_rejected=3,
        bytes_collected=hits * 210,
        first_at=datetime.combine(day, datetime.min.time(), WIB),
        last_at=datetime.combine(day, datetime.max.time(), WIB),
        days=[traffic],
        top_paths=[Tally(name=f"/berita/{n}/", hits=200 - n, clients=80 - n) for n in range(25)],
        suspicious=[Tally(name="sql_injection", hits=7, clients=2), Tally(name="path_traversal", hits=3, clients=1)],
    )
    finding = Finding(
        kind="sql_injection",
        severity="high",
        title="SQL injection tried on /index.php",
        fingerprint=sha(site + "sqli")[:16],
        count=7,
    )
    return measures, [finding]


def deviation(of: Execution | Occasion, aspect: Aspect, reason: str, **changes: object) -> Deviation:
    """A deviation of an execution, or a missed occasion."""
    values: dict[str, object] = {
        "id": "D-" + sha(f"{of}{aspect}")[:10],
        "execution": of.id if isinstance(of, Execution) else None,
        "occasion": of.occasion if isinstance(of, Execution) else of.key,
        "activity": of.activity,
        "site": of.site,
        "aspect": aspect,
        "reason": reason,
        "executor": of.executor,
        "at": of.started_at if isinstance(of, Execution) else of.closes_at,
        **changes,
    }
    return Deviation(**values)  # type: ignore[arg-type]


def whole(executions: list[Execution], more: list[Occasion] | None = None, **changes: object) -> Compliance:
    """A period with these executions; their occasions follow from them, `more` are those without a whole attempt."""
    windows: dict[OccasionKey, list[Execution]] = defaultdict(list)
    for one in executions:
        if one.occasion is not None:
            windows[one.occasion].append(one)
    occasions = [
        Occasion(
            key=key,
            closes_at=key.opens_at + timedelta(days=1),
            state=attempts[-1].verdict.status,
            executions=tuple(e.id for e in attempts),
            executor=attempts[-1].executor,
            reason=attempts[-1].verdict.reason,
        )
        for key, attempts in windows.items()
    ]
    values: dict[str, object] = {
        "executions": tuple(executions),
        "occasions": tuple(sorted([*occasions, *(more or [])], key=lambda o: (o.opens_at, o.activity, o.site))),
        "evidence": tuple(Evidence(e.id, e.activity, e.site, file) for e in executions for file in e.evidence),
        **changes,
    }
    return empty(**values)  # type: ignore[arg-type]


def occasion(activity: int, site: str, day: date, state: OccasionState, reason: str) -> Occasion:
    """An occasion that no execution decides."""
    opens = datetime(day.year, day.month, day.day, tzinfo=WIB)
    return Occasion(OccasionKey(activity, site, opens), opens + timedelta(days=1), state, (), BUDI, reason)


def failed(one: Execution, status: Status = "menyimpang", **aspects: str) -> Execution:
    """The same execution with some aspects not conforming: their names with the reasons."""
    judged = {name: Judgement(status, reason) for name, reason in aspects.items()}
    return replace(one, verdict=Judgement(status, "; ".join(aspects.values())), **judged)  # type: ignore[arg-type]


def month() -> Compliance:
    """November 2026 of two sites: mostly well, with every state that there is."""
    made: list[Execution] = []
    for site in ("laman-utama", "ppid"):
        for day in (2, 9, 16, 23):
            start = datetime(2026, 11, day, 6, 0, tzinfo=WIB)
            review = Review(
                SITI, Agent(kind="person", name="siti"), "Sudah dibaca, diteruskan ke Humas.", start.replace(hour=9)
            )
            made.append(execution(1, site, start, 0.35, review=review, review_due=start.replace(hour=23)))
            made.append(execution(2, site, start.replace(hour=20), 41.2 + day))
        for day in range(2, 24):
            start = datetime(2026, 11, day, 5, 0, tzinfo=WIB)
            made.append(execution(3, site, start, 1.5 + day / 10))
    slow, broken, unread, retried = made[3], made[5], made[20], made[-2]
    made[3] = failed(replace(slow, minutes=318.4), time="318.4 menit, baku 300 menit")
    made[5] = failed(
        replace(broken, status="failed", document=None),
        requirement="media disk-a tidak terpasang di /mnt/backup: folder itu masih disk sistem",
        output="tidak ada keluaran",
    )
    made[20] = failed(unread, "menunggu", output="menunggu dibaca pelaksana sampai 23:59")
    first = failed(replace(retried, judges=False, status="unreachable"), requirement="laman ppid tidak terjangkau")
    again = execution(3, "ppid", retried.started_at.replace(hour=8), attempt=2)
    made[-2:-1] = [first, again]
    ad_hoc = by_hand("ppid", datetime(2026, 11, 12, 14, 0, tzinfo=WIB), kind="ad_hoc", occasion=None)
    made.append(ad_hoc)
    missed = occasion(3, "laman-utama", date(2026, 11, 1), "terlewat", "jadwal berakhir tanpa pelaksanaan yang utuh")
    still_open = occasion(3, "ppid", date(2026, 11, 24), "terbuka", "belum dilaksanakan, jadwal masih terbuka")
    deviations = (
        deviation(made[3], "waktu", "318.4 menit, baku 300 menit"),
        deviation(made[5], "perlengkapan", made[5].requirement.reason),
        deviation(made[5], "output", "tidak ada keluaran"),
        deviation(first, "perlengkapan", "laman ppid tidak terjangkau", account_state="diterima"),
        deviation(missed, "jadwal", missed.reason),
    )
    return whole(made, [missed, still_open], deviations=deviations, sites=("laman-utama", "ppid"))
