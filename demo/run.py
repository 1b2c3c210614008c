"""`make demo`: the whole mission on the embedded example, as the officers would do it, without root.

Two small sites are made and served on loopback. `laman` runs activities 1 to 3, renews a domain (4 to 7), finds and
solves a fault that is there on purpose (8), accounts for the deviation that it caused, and reports. Everything is under
.demo/; a second demo goes on with the same record.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

HERE = Path(__file__).resolve().parent
PROJECT = HERE.parent
FOLDER = PROJECT / ".demo"
INVENTORY = "inventory/demo"
ZONE = ZoneInfo("Asia/Jakarta")  # the demo's agency
DEVIATIONS = 2  # laman's exit code: recorded, with deviations; of a diagnosis: something was found
FAULT = "backup arsip gagal: basis data tidak ditemukan"

sys.path.insert(0, str(HERE))


def main() -> int:
    """Run the demo; returns 0 when it did what it promises."""
    os.chdir(PROJECT)
    (FOLDER / "laporan").mkdir(parents=True, exist_ok=True)  # the delivery folder: laman never makes it
    _make_sites()
    with _served():
        _technical_steps()
        _renewal()
        _trouble()
    _account()
    _plan()
    workbook = _report()
    _tell(workbook)
    return 0


def _technical_steps() -> None:
    _why("activities 1 to 3 on two sites; the database of arsip is missing on purpose, so its backup has to deviate")
    laman("medium", "prepare", "demo-medium")
    if laman("run", "all", expect=(0, DEVIATIONS)) != DEVIATIONS:
        raise SystemExit("demo: a deviation was expected (the database of arsip is missing), none was recorded")
    _why("a run that nobody read is no monitoring: its executor signs it off")
    for execution in _json("review"):
        laman("review", execution["id"], "--note", "Sudah dibaca: temuan ditindaklanjuti.")


def _renewal() -> None:
    """Activities 4 to 7, once: a second demo finds the domain renewed, or goes on where an ended one stood."""
    import papers

    _why("activities 4 to 7: the domain's invoice, submitted, approved, paid and reported, each with its paper")
    today = datetime.now(ZONE).date()
    number = "INV-DEMO-1"
    cases = [c for c in _json("renewal", "list") if c["invoice"]["number"] == number]
    if not cases:
        received = datetime.now(ZONE) - timedelta(minutes=2)
        bill, sheet = FOLDER / "papers/invoice.pdf", FOLDER / "papers/pengajuan.pdf"
        papers.write(bill, [f"INVOICE {number}, {today}", "Domain lpmp-demo.example, 12 bulan: Rp 275.000"])
        papers.write(sheet, [f"LEMBAR PENGAJUAN PEMBAYARAN, {today}", f"{number}: Rp 305.250 dengan PPN"])
        laman(
            "renewal", "submit", "--number", number, "--issued", f"{received:%Y-%m-%d}",
            "--received", f"{received:%Y-%m-%d %H:%M}", "--amount", "275.000", "--tax", "30.250",
            "--service", f"domain@{today.year + 1}-12-31", "--invoice", _near(bill), "--sheet", _near(sheet),
        )  # fmt: skip
    case, state = next((c["case"], c["state"]) for c in _json("renewal", "list") if c["invoice"]["number"] == number)
    steps = {
        "submitted": ("approve", "--sheet", "lembar yang disetujui Kasi SI", []),
        "approved": ("pay", "--proof", "bukti pembayaran dari bank", []),
        "paid": ("report", "--attest", "surat registrar: domain diperpanjang", ["--attested-by", "budi"]),
    }
    todo = list(steps)[list(steps).index(state) :] if state in steps else []
    for step, option, title, more in (steps[s] for s in todo):
        paper = FOLDER / f"papers/{step}.pdf"
        papers.write(paper, [title, f"{case}, {today}"])
        laman("renewal", step, case, option, _near(paper), *more)
    if not todo:
        print(f"  ({case} was renewed by an earlier demo)")


def _trouble() -> None:
    """Activity 8, from the report to the solution; the fault is real, and so is its end."""
    _why("activity 8: a problem is reported; its 900 working minutes run from now")
    laman("ticket", "open", "--site", "arsip", "--title", FAULT, "--by", "Dewi Lestari, lisan")
    ticket = [t for t in _json("ticket", "list", "--open", "--site", "arsip") if t["title"] == FAULT][-1]["ticket"]
    laman("ticket", "take", ticket)
    _why("look at the site from outside and inside, read-only; what is seen is kept with the ticket")
    if laman("diagnose", "arsip", "--ticket", ticket, expect=(0, DEVIATIONS)) != DEVIATIONS:
        raise SystemExit("demo: the diagnosis found nothing, although the database of arsip is missing")
    _why("somebody else renamed the file: the provider has to say so, and the minutes go to that route")
    laman("ticket", "route", ticket, "pihak_ketiga", "--party", "PT Hosting Contoh")
    data = FOLDER / "arsip" / "data"
    print(f"\n$ mv {_near(data / 'artikel-lama.sqlite')} {_near(data / 'artikel.sqlite')}")
    (data / "artikel-lama.sqlite").replace(data / "artikel.sqlite")
    _why("solved only with cause, solution and prevention; the diagnosis and a new backup show that it is")
    laman("diagnose", "arsip", "--ticket", ticket, expect=(0, DEVIATIONS))  # this machine may have troubles of its own
    laman("run", "backup", "--site", "arsip")
    laman(
        "ticket", "solve", ticket, "--kind", "database",
        "--cause", "penyedia mengganti nama berkas basis data saat memindahkan laman",
        "--solution", "nama semula dikembalikan; diagnosis dan backup diulang",
        "--prevention", "penyedia memberi tahu sebelum memindahkan; backup diperiksa tiap hari kerja",
    )  # fmt: skip


def _account() -> None:
    _why("every deviation is a failure that its executor accounts for; Kasi SI accepts it, nothing closes by itself")
    found = _json("deviation", "list", "--state", "open", "--site", "arsip")
    ours = [d["id"] for d in found if d["activity"] == 2 and d["aspect"] != "jadwal"]  # a missed week has another cause
    if not ours:
        raise SystemExit("demo: the failed backup of arsip is not among the deviations")
    laman(
        "deviation", "account", *ours,
        "--cause", "berkas basis data berganti nama tanpa pemberitahuan",
        "--consequence", "backup pertama tidak memuat basis data; diulang dengan lengkap pada hari yang sama",
        "--action", "minta penyedia memberi tahu setiap pemindahan", "--by", "Budi Santoso",
        "--until", f"{datetime.now(ZONE).date() + timedelta(days=14)}",
    )  # fmt: skip
    laman("deviation", "accept", *ours, "--note", "Cukup; tindak lanjut dipantau.")


def _plan() -> None:
    _why("what is left to do, and the plan that a timer would keep (laman schedule install)")
    laman("due")
    laman("schedule", "show", "--days", "1")


def _report() -> Path:
    _why(
        "the workbook for management, put into the delivery folder and read back; the record checked against its files"
    )
    workbook = FOLDER / f"laman-demo-{datetime.now(ZONE):%Y-%m}.xlsx"
    laman("report", "--send", "--output", _near(workbook))
    laman("verify")
    return workbook


def _make_sites() -> None:
    """The sites' files, databases and visitor logs, with dates that end today."""
    import make_log
    import site_server

    site_server.build(FOLDER)
    for name in ("portal", "arsip"):
        make_log.write(FOLDER / name / "logs" / "access.log", now=datetime.now(UTC))


@contextmanager
def _served() -> Iterator[None]:
    (FOLDER / "port").unlink(missing_ok=True)
    command = [sys.executable, str(HERE / "site_server.py"), "serve", str(FOLDER)]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as server:
        deadline = time.monotonic() + 20
        while not (FOLDER / "port").exists():
            if server.poll() is not None or time.monotonic() > deadline:
                raise SystemExit("demo: the local site did not start")
            time.sleep(0.05)
        yield
        server.communicate()  # closes its standard input, and waits for it


def _why(reason: str) -> None:
    print(f"\n# {reason}", flush=True)


def _near(path: Path) -> str:
    return str(path.relative_to(PROJECT))


def laman(*arguments: str, expect: tuple[int, ...] = (0,)) -> int:
    """Run one command as the officer would type it."""
    print(f"\n$ laman {shlex.join(arguments)}", flush=True)
    code = subprocess.run(["laman", *arguments], check=False).returncode
    if code not in expect:
        raise SystemExit(f"demo: laman {arguments[0]} ended with {code}")
    return code


def _json(*arguments: str) -> Any:
    done = subprocess.run(["laman", *arguments, "--json"], check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def _tell(workbook: Path) -> None:
    state = _json("status")
    findings = sum(e["findings"] for e in state["executions"])
    print(f"\nThe demo has {len(state['executions'])} executions on record, with {findings} findings")
    print(f"(a stale section, attacks in the visitor log), and {len(state['deviations'])} deviation(s):")
    for deviation in state["deviations"]:
        whose = f"{deviation['site'] or 'unit'}, {deviation['aspect']}"
        print(f"  - {whose} (account: {deviation['account_state']}): {deviation['reason']}")
    print("\nWhat to do next: open the workbook; then make your own inventory with  .venv/bin/laman init DIR")
    print(f"The workbook:\n{workbook}")


if __name__ == "__main__":
    os.environ["LAMAN_INVENTORY"] = INVENTORY  # instead of -i inventory/demo on every line
    sys.exit(main())
