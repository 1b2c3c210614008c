"""`laman ticket` as a user types it, and the tickets that runs open by themselves."""

from __future__ import annotations

import json
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from reporting.cli.common import opened, this_agent
from reporting.cli.ticket_known import tickets_of, write_step
from reporting.cli.ticket_triage import triage_findings
from reporting.events import KIND_FINISHED, KIND_STARTED, ExecutionFinished, ExecutionStarted, Person
from reporting.ledger import Draft
from reporting.ledger.sqlite import SqliteLedger
from reporting.troubleshooting.asked import Asked
from reporting.troubleshooting.commands import permit
from reporting.unit import read_inventory
from tests import golden
from tests.integration.agency import Agency
from tests.papers import JPG, pdf, png

NETWORK = "pengelola_sistem_dan_jaringan"
OFFICERS: list[dict[str, Any]] = [
    {"id": "budi", "name": "Budi Santoso", "title": "Pengelola", "roles": [NETWORK, "pengelola_laman"]},
    {"id": "citra", "name": "Citra Lestari", "title": "Pengelola", "roles": [NETWORK]},
    {"id": "dewi", "name": "Dewi Anggraini", "title": "Kepala Seksi", "roles": ["kasi_si"]},
]
SOLUTION = ("--kind", "disk", "--cause", "disk penuh", "--solution", "log dihapus", "--prevention", "logrotate")
NOW = datetime.now(UTC)


@pytest.fixture
def agency(tmp_path: Path) -> Agency:
    """An agency whose calendar works at every hour, so that a test may run at any."""
    day = {"start": "00:00", "end": "23:59"}
    week = dict.fromkeys(("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"), day)
    calendar = {"holidays": "none", "week": week}
    unit = {"officers": OFFICERS, "schedule": [], "calendar": calendar, "language": "en"}
    log = tmp_path / "log"
    log.mkdir()
    made = Agency(tmp_path / "agency", {"www": {"visitor_log_paths": [f"{log}/access.log*"]}, "ppid": {}}, unit).write()
    for name, content in (("surat.pdf", pdf("surat")), ("foto.png", png()), ("foto.jpg", JPG)):
        (made.folder / name).write_bytes(content)
    return made


def ok(agency: Agency, *arguments: str, code: int = 0) -> str:
    done = agency.laman("ticket", *arguments)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


def told(agency: Agency, *arguments: str) -> dict[str, Any]:
    return dict(json.loads(ok(agency, *arguments, "--json")))


def one_line(agency: Agency, *arguments: str) -> str:
    """The one line with which a command refuses; nothing is recorded."""
    before = events(agency)
    done = agency.laman("ticket", *arguments)
    assert (done.returncode, done.stdout) == (1, ""), done
    assert done.stderr.count("\n") == 1, done.stderr
    assert events(agency) == before
    return done.stderr


def events(agency: Agency) -> list[tuple[Any, ...]]:
    path = agency.state / "ledger.sqlite"
    if not path.exists():
        return []
    db = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        return db.execute("SELECT seq, kind, subject FROM events WHERE kind <> 'settings.recorded'").fetchall()
    finally:
        db.close()


def local(moment: datetime) -> str:
    return moment.astimezone(golden.WIB).strftime("%Y-%m-%d %H:%M:%S")


# --- a problem from its report to its solution, and what is said on the way


def test_a_problem_from_its_report_to_its_solution(agency: Agency) -> None:
    reported = local(NOW - timedelta(hours=2))
    said = ok(agency, "open", "--site", "www", "--title", "halaman depan galat 500", "--by", "Sekretariat",
              "--reported", reported, "--file", "foto.png")  # fmt: skip
    assert said.startswith("T-")
    name = said.split()[0]
    assert f"laman -i {agency.inventory} diagnose www --ticket {name}" in said
    assert said.splitlines()[-1] == f"then: laman -i {agency.inventory} ticket take {name}"
    assert f"ticket solve {name}" in ok(agency, "take", name)
    assert "routed to pihak_ketiga (PT Hosting)" in ok(agency, "route", name, "pihak_ketiga", "--party", "PT Hosting")
    paused = ok(agency, "pause", name, "--reason", "menunggu PT Hosting", "--evidence", "surat.pdf")
    assert paused.splitlines()[-1].startswith(f"next: laman -i {agency.inventory} ticket resume {name} (until ")
    ok(agency, "note", name, "sudah ditelepon")
    ok(agency, "attach", name, "foto.jpg", "foto.png")
    ok(agency, "resume", name)
    solved = ok(agency, "solve", name, *SOLUTION)
    assert "sesuai requirement, time and output keep the standard" in solved
    assert "nothing is left to do; if it comes back:" in solved
    shown = ok(agency, "show", name)
    assert "[disk] disk penuh → log dihapus; logrotate" in shown
    paper = next((agency.state / "archive").rglob("solution-01-*.txt")).read_text()
    assert "Cause: [disk] disk penuh" in paper
    assert "with a third party (PT Hosting)" in paper
    verified = agency.laman("verify")
    assert verified.returncode == 0, verified.stdout


def test_what_helped_before_is_offered(agency: Agency) -> None:
    first = told(agency, "open", "--site", "www", "--title", "Halaman depan galat 500 karena disk")["ticket"]
    ok(agency, "solve", first, *SOLUTION)
    said = ok(agency, "open", "--site", "ppid", "--title", "homepage: error 500")
    assert f"like {first} on www: Halaman depan galat 500 karena disk" in said
    assert "  it was: disk penuh\n  solved by: log dihapus" in said
    second = json.loads(ok(agency, "list", "--open", "--json"))[0]
    assert second["similar"] == [first]


def test_a_late_solution_deviates_and_waits_for_its_account(agency: Agency) -> None:
    name = told(agency, "open", "--title", "jaringan putus", "--reported", local(NOW - timedelta(days=2)))["ticket"]
    assert "late" in ok(agency, "list")
    said = ok(agency, "solve", name, *SOLUTION, code=2)
    assert "menyimpang time: " in said
    assert f"the deviation waits for its account: laman -i {agency.inventory} deviation list" in said
    assert json.loads(ok(agency, "show", name, "--json"))["timing"]["over"]


def test_help_shows_examples_and_how(agency: Agency) -> None:
    assert "example:" in ok(agency, "--help")
    for action in ("open", "take", "route", "pause", "solve"):
        assert f"ticket {action} " in ok(agency, action, "--help")
    assert "900" in ok(agency, "--help")


def test_stats_in_words_and_figures(agency: Agency) -> None:
    assert "No ticket yet." in ok(agency, "stats")
    reported = datetime.now(UTC) - timedelta(hours=1)  # NOW may be long ago: it is when the tests were collected
    name = told(agency, "open", "--title", "a", "--site", "www", "--reported", local(reported))["ticket"]
    ok(agency, "solve", name, *SOLUTION)
    figures = told(agency, "stats")
    assert figures["all"]["solved"] == 1
    assert 59 < figures["by_cause"]["disk"]["mttr_mean"] < 70
    assert "MTTR" in ok(agency, "stats", "--period", f"{NOW.astimezone(golden.WIB):%Y}")
    assert "No ticket was reported in that period." in ok(agency, "stats", "--period", "2019")


# --- bad input


@pytest.mark.parametrize(("arguments", "match"), [
    (("solve", "{t}", "--kind", "disk", "--solution", "x", "--prevention", "y"), "solve needs --cause: what was wrong"),
    (("solve", "{t}", "--cause", "z", "--solution", "x", "--prevention", "y"), "solve needs --kind"),
    (("solve", "{t}", "--kind", "disk", "--cause", "z", "--prevention", "y"), "solve needs --solution"),
    (("solve", "{t}", "--kind", "disk", "--cause", "z", "--solution", "y"), "solve needs --prevention"),
    (("reopen", "{t}", "--note", "x"), "only a solved ticket is reopened"),
    (("resume", "{t}"), "it is not paused, there is nothing to resume"),
    (("pause", "{t}", "--reason", "x"), "pause needs --evidence FILE"),
    (("pause", "{t}", "--evidence", "surat.pdf"), "pause needs --reason"),
    (("pause", "{t}", "--reason", "x", "--evidence", "tipuan.pdf"), "its content is no PDF, JPG or PNG but a program"),
    (("pause", "{t}", "--reason", "x", "--evidence", "kosong.pdf"), "the file is empty"),
    (("pause", "{t}", "--reason", "x", "--evidence", "tidak-ada.pdf"), "no such file"),
    (("attach", "{t}"), "attach needs FILE"),
    (("attach", "{t}", "tipuan.pdf"), "its content is no PDF"),
    (("note", "{t}", "x", "--at", "2999-01-01 08:00"), "is in the future"),
    (("note", "{t}", "x", "--at", "kemarin"), "a date and time like"),
    (("take", "{t}"), "was taken already by Budi Santoso"),
    (("take", "T-1999-001"), "no ticket 'T-1999-001'"),
    (("take", "{t}", "--seen", "1"), "has moved on since it was read"),
    (("route", "{t}", "pihak_ketiga"), "needs --party"),
    (("route", "{t}", "ke-mana-mana"), "invalid choice"),
    (("open", "--title", " "), "open needs --title"),
    (("open", "--title", "x", "--site", "lain"), "hosts.yml has: www, ppid"),
    (("open", "--title", "x", "--reported", "2999-01-01 08:00"), "is in the future"),
    (("notified", "{t}", "--evidence", "surat.pdf"), "is no breach of personal data"),
    (("stats", "--period", "kapan"), "expected a month"),
])  # fmt: skip
def test_bad_input_is_one_line(agency: Agency, arguments: tuple[str, ...], match: str) -> None:
    (agency.folder / "tipuan.pdf").write_bytes(b"MZ" + b"\0" * 100)
    (agency.folder / "kosong.pdf").touch()
    name = told(agency, "open", "--title", "masalah", "--site", "www")["ticket"]
    ok(agency, "take", name)
    assert match in one_line(agency, *(a.format(t=name) for a in arguments))


def test_twice_in_a_row(agency: Agency) -> None:
    name = told(agency, "open", "--title", "masalah")["ticket"]
    ok(agency, "take", name)
    ok(agency, "pause", name, "--reason", "x", "--evidence", "surat.pdf")
    assert "was paused by Budi Santoso on" in one_line(agency, "pause", name, "--reason", "x", "--evidence", "foto.png")
    assert "a pause counts on the route on which it was made" in one_line(agency, "route", name, "subbag_umum")
    early = local(NOW - timedelta(hours=1))
    assert "is before" in one_line(agency, "resume", name, "--at", early, "--note", "kemarin")
    ok(agency, "resume", name)
    ok(agency, "solve", name, *SOLUTION)
    assert f"ticket reopen {name}" in one_line(agency, "solve", name, *SOLUTION)
    ok(agency, "reopen", name, "--note", "muncul lagi")
    assert "was reopened by Budi Santoso" in one_line(agency, "reopen", name, "--note", "muncul lagi")


def test_two_people_at_once(agency: Agency) -> None:
    """Both have read the same ticket, and both type at the same moment: one of them is told."""
    read = told(agency, "open", "--title", "masalah", "--site", "www")
    takes = [agency.start("ticket", "take", read["ticket"], "--executor", who, "--seen", str(read["seq"]))
             for who in ("budi", "citra")]  # fmt: skip
    said = [process.communicate(timeout=60) for process in takes]
    assert sorted(p.returncode for p in takes) == [0, 1]
    assert "has moved on since it was read (last it was taken by" in "".join(err for _, err in said)
    assert [kind for _, kind, _ in events(agency)].count("ticket.step") == 1


def test_two_solve_at_once(agency: Agency) -> None:
    name = told(agency, "open", "--title", "masalah")["ticket"]
    both = [agency.start("ticket", "solve", name, *SOLUTION, "--executor", who) for who in ("budi", "citra")]
    said = [process.communicate(timeout=60) for process in both]
    assert sorted(p.returncode for p in both) == [0, 1], said
    assert [kind for _, kind, _ in events(agency)].count(KIND_FINISHED) == 1
    assert agency.laman("verify").returncode == 0
    assert len(list((agency.state / "archive").rglob("solution-*"))) == 1


def test_hostile_titles_reach_no_shell_and_no_terminal(agency: Agency) -> None:
    hostile = "=cmd|'/c calc'!A1 \x1b[2J$(touch pwned)`id`; rm -rf / \u202egnp"
    name = told(agency, "open", "--site", "www", f"--title={hostile}", f"--by={hostile}", f"--problem={hostile}")[
        "ticket"
    ]
    ok(agency, "take", name, f"--note={hostile}")
    for shown in (ok(agency, "list"), ok(agency, "show", name), agency.laman("due").stdout):
        assert "\x1b" not in shown
        assert "\u202e" not in shown
        assert "=cmd|" in shown
    assert not (agency.folder / "pwned").exists()
    report = agency.laman("report")
    assert report.returncode == 0, report.stderr


def test_a_step_that_cannot_be_recorded_leaves_nothing_behind(agency: Agency, monkeypatch: pytest.MonkeyPatch) -> None:
    name = told(agency, "open", "--title", "masalah")["ticket"]
    before = sorted((agency.state / "archive").rglob("*"))
    with opened(read_inventory(agency.inventory)) as record:
        tickets = tickets_of(record)
        asked = Asked("solve", name, cause_kind="disk", cause="a", solution="b", prevention="c", token="0")
        permitted = permit(tickets.known, asked)

        def full(_drafts: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(record.ledger, "append", full)
        with pytest.raises(OSError, match="No space left"):
            write_step(record, tickets, permitted)
    assert [p for p in sorted((agency.state / "archive").rglob("*")) if p.is_file()] == [
        p for p in before if p.is_file()
    ]
    assert told(agency, "show", name)["state"] == "open"


# --- personal data


def test_a_breach_of_personal_data(agency: Agency) -> None:
    said = ok(agency, "open", "--title", "data pemohon terbuka", "--site", "ppid", "--breach",
              "--reported", local(NOW - timedelta(hours=80)))  # fmt: skip
    name = said.split()[0]
    assert "is OVER (3 x 24 h, nights and holidays count)" in said
    assert "send the written notice of the breach of personal data" in agency.laman("due").stdout
    assert f"{name} !" in ok(agency, "list")
    ok(agency, "notified", name, "--evidence", "surat.pdf")
    assert "(late)" in ok(agency, "show", name)
    assert "its notice was sent on" in one_line(agency, "notified", name, "--evidence", "surat.pdf")


def test_a_breach_that_is_seen_later(agency: Agency) -> None:
    name = told(agency, "open", "--title", "berkas terbuka", "--reported", local(NOW - timedelta(hours=5)))["ticket"]
    known = local(NOW - timedelta(hours=4))
    assert "breach needs --note" in one_line(agency, "breach", name)
    breach = told(agency, "breach", name, "--known", known, "--note", "KTP 12 pemohon")["breach"]
    due = datetime.fromisoformat(breach["notice_due_at"]) - datetime.fromisoformat(breach["known_at"])
    assert due == timedelta(hours=72)
    assert not breach["late"]


# --- what is due, what a period says


def test_a_breach_that_is_seen_after_the_solution_leaves_its_notice_to_do(agency: Agency) -> None:
    name = told(agency, "open", "--title", "berkas terbuka", "--site", "ppid")["ticket"]
    assert f"{name} given a file by Budi Santoso" in ok(agency, "attach", name, "surat.pdf", "--note", "surat penyedia")
    ok(agency, "take", name)
    paused = told(agency, "pause", name, "--reason", "menunggu", "--note", "telepon", "--evidence", "foto.png")
    assert paused["steps"][-1]["note"] == "menunggu; telepon"
    ok(agency, "resume", name)
    ok(agency, "solve", name, "--kind", "configuration", "--cause", "a", "--solution", "b", "--prevention", "c")
    last = ok(agency, "breach", name, "--note", "KTP 12 pemohon").splitlines()[-1]
    assert "nothing is left to do" not in last
    assert f"ticket notified {name} --evidence" in last


def test_due_says_what_tickets_wait_for(agency: Agency) -> None:
    name = told(agency, "open", "--title", "lambat", "--reported", local(NOW - timedelta(hours=2)))["ticket"]
    duties = json.loads(agency.laman("due", "--json").stdout)
    mine = [d for d in duties if name in d["what"]]
    assert (mine[0]["officer"], mine[0]["when"]) == ("budi", "overdue")
    assert any("give a first response" in d["what"] and "beri tanggapan pertama" in d["what_id"] for d in mine)
    ok(agency, "take", name)
    assert "give a first response" not in agency.laman("due").stdout
    ok(agency, "solve", name, *SOLUTION)
    assert name not in agency.laman("due").stdout


def test_a_pause_that_grows_long_is_asked_about(agency: Agency) -> None:
    name = told(agency, "open", "--title", "lambat", "--reported", local(NOW - timedelta(days=2)))["ticket"]
    ok(agency, "take", name, "--at", local(NOW - timedelta(hours=40)), "--note", "buku piket")
    ok(
        agency,
        "pause",
        name,
        "--reason",
        "menunggu PT",
        "--evidence",
        "surat.pdf",
        "--at",
        local(NOW - timedelta(hours=30)),
    )
    said = agency.laman("due").stdout
    assert "paused for more than a working day (menunggu PT); ask again, or resume it" in " ".join(said.split())
    assert f"ticket resume {name}" in said


def test_an_open_ticket_is_not_taken_for_a_killed_run_and_blocks_no_closing(agency: Agency) -> None:
    """And the closed month gives the same bytes, whatever becomes of its tickets later."""
    month = (NOW.astimezone(golden.WIB).replace(day=1) - timedelta(days=1)).date()
    day = f"{month:%Y-%m}-10"
    solved = told(agency, "open", "--title", "selesai", "--reported", f"{day} 08:00")["ticket"]
    ok(agency, "solve", solved, *SOLUTION, "--at", f"{day} 09:00", "--note", "buku piket")
    still = told(agency, "open", "--title", "masih", "--reported", f"{day} 10:00")["ticket"]
    done = agency.laman("period", "close", f"{month:%Y-%m}")
    assert done.returncode == 0, done.stderr
    workbook = agency.folder / f"laman-uji-{month:%Y-%m}.xlsx"
    before = workbook.read_bytes()
    ok(agency, "reopen", solved, "--note", "muncul lagi")
    ok(agency, "take", still, "--executor", "citra")
    ok(agency, "solve", still, *SOLUTION, code=2)
    for copy in (agency.state / "archive").rglob("*.xlsx"):
        copy.unlink()  # it has to be computed again
    again = agency.laman("report", "--period", f"{month:%Y-%m}", "--output", str(agency.folder / "again.xlsx"))
    assert (agency.folder / "again.xlsx").read_bytes() == before, again.stdout + again.stderr
    listed = {e["site"]: e for e in json.loads(agency.laman("status", "--json").stdout)["executions"]}
    assert (listed[solved]["status"], listed[solved]["verdict"]) == ("running", "menyimpang")
    assert (listed[still]["status"], listed[still]["executor"]["id"]) == ("completed", "citra")


# --- tickets that runs open


PROBE = '{ip} - - [{at}] "GET /wp-login.php?x={n}%27%20UNION%20SELECT%201,2-- HTTP/1.1" 200 12 "-" "sqlmap/1.7"\n'


def write_log(agency: Agency, count: int, first: int = 0) -> None:
    """Attacks in the site's access log, as of now, from as many addresses."""
    at = f"{datetime.now(UTC):%d/%b/%Y:%H:%M:%S} +0000"
    lines = [PROBE.format(at=at, n=n, ip=f"203.0.{n // 250 % 250}.{n % 250 + 1}") for n in range(first, first + count)]
    with (agency.folder.parent / "log" / "access.log").open("a") as log:
        log.writelines(lines)


def test_what_a_run_finds_opens_tickets_and_what_it_finds_again_is_counted(agency: Agency) -> None:
    agency.unit["tickets"] = {"open_from": "medium"}
    agency.write()
    write_log(agency, 10_000)
    first = agency.laman("run", "visitor-log", "--site", "www")
    assert first.returncode == 0, first.stderr + first.stdout
    tickets = json.loads(ok(agency, "list", "--json"))
    assert 0 < len(tickets) <= 11
    assert f"ticket{'s' if len(tickets) > 1 else ''} opened: {tickets[0]['ticket']}" in first.stdout
    assert f"laman -i {agency.inventory} ticket take {tickets[0]['ticket']}" in first.stdout
    assert {(t["source"], t["site"], t["state"]) for t in tickets} == {("finding", "www", "open")}
    write_log(agency, 40, first=20_000)
    second = agency.laman("run", "visitor-log", "--site", "www", "--json")
    again = json.loads(second.stdout)["tickets"]
    assert again["seen"], again
    after = {t["ticket"]: t for t in json.loads(ok(agency, "list", "--json"))}
    before = {t["ticket"]: t for t in tickets}
    for name in again["seen"]:
        assert after[name]["occurrences"] > before[name]["occurrences"]
    assert len(after) <= 11


def found(agency: Agency, name: str, count: int) -> None:
    """A run that found so many things, put on record as if its laman was killed before it came to the tickets."""
    inventory = read_inventory(agency.inventory)
    with opened(inventory):
        pass
    started = ExecutionStarted(
        execution=name, run=name, activity=3, executor=Person(id="budi", name="Budi Santoso", title="Pengelola"),
        agent=this_agent(), clock="elapsed", started_at=NOW - timedelta(minutes=2),
    )  # fmt: skip
    document = golden.document({"activity": 3, "site": "www", "ok": ["site_access"], "outputs": 1, "findings": count})
    worse = document.model_copy(
        update={"findings": [f.model_copy(update={"severity": "critical"}) for f in document.findings],
                "findings_total": 10_000}
    )  # fmt: skip
    finished = ExecutionFinished(execution=name, ended_at=NOW, status="completed", document=worse)
    ledger = SqliteLedger(agency.state / "ledger.sqlite", "uji")
    ledger.append(
        [
            Draft(KIND_STARTED, "www", "test", started.json_value()),
            Draft(KIND_FINISHED, "www", "test", finished.json_value()),
        ]
    )
    ledger.close()


def test_a_storm_of_ten_thousand_opens_a_handful_once(agency: Agency) -> None:
    found(agency, "20261122T090000-visitor_log-www-00000000", 200)
    with opened(read_inventory(agency.inventory)) as record:
        first, second = triage_findings(record), triage_findings(record)
    assert (len(first.opened), second.opened, second.seen) == (6, (), ())
    titles = [t["title"] for t in json.loads(ok(agency, "list", "--json"))]
    assert titles[-1] == "195 findings of stale section at once"
    assert agency.laman("verify").returncode == 0


def test_two_runs_that_end_at_once_open_each_ticket_once(agency: Agency) -> None:
    found(agency, "20261122T090000-visitor_log-www-00000001", 3)
    today = datetime.now(UTC)
    words = ("record", "content", "--site", "www", "--from", local(today - timedelta(minutes=9)), "--until",
             local(today - timedelta(minutes=1)), "--file", "foto.png", "--ad-hoc", "--note")  # fmt: skip
    both = [agency.start(*words, f"catatan {n}") for n in range(2)]
    said = [process.communicate(timeout=60) for process in both]
    assert [p.returncode for p in both].count(0) >= 1, said
    assert "".join(out for out, _ in said).count("3 tickets opened") == 1
    assert len(json.loads(ok(agency, "list", "--json"))) == 3
