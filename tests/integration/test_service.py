"""`laman service` and `laman due` as a user runs them: real playbook, real record, a registry that also misbehaves."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import openpyxl
import pytest

from tests.emulators.cpanel import make_certificate
from tests.emulators.rdap import RdapServer
from tests.integration.agency import Agency
from tests.integration.test_expiry import tls_server

JAKARTA = ZoneInfo("Asia/Jakarta")


def in_days(days: int) -> str:
    return (datetime.now(JAKARTA).date() + timedelta(days=days)).isoformat()


def service(key: str, **changes: Any) -> dict[str, Any]:
    base = {"id": key, "kind": "other", "name": f"Layanan {key}", "provider": {"name": "PT Contoh"}, "cost": 275_000}
    return base | changes


def domain(name: str, server: RdapServer, **changes: Any) -> dict[str, Any]:
    watch = {"method": "rdap", "name": f"{name}.uji.id", "base_url": server.url}
    return service(name, kind="domain", watch=watch, **changes)


@pytest.fixture
def server() -> Iterator[RdapServer]:
    with RdapServer() as running:
        yield running


@pytest.fixture
def agency(tmp_path: Path) -> Agency:
    return Agency(tmp_path / "agency", {"www": {}}, {"schedule": []})


def events(agency: Agency, kind: str) -> list[dict[str, Any]]:
    with sqlite3.connect(agency.state / "ledger.sqlite") as ledger:
        rows = ledger.execute("SELECT data FROM events WHERE kind = ? ORDER BY seq", (kind,)).fetchall()
    return [json.loads(row[0]) for row in rows]


def listed(agency: Agency, *arguments: str) -> dict[str, dict[str, Any]]:
    done = agency.laman("service", *(arguments or ("list",)), "--json")
    assert done.stdout, done.stderr
    return {line["service"]["id"]: line for line in json.loads(done.stdout)}


def test_a_mixed_register_is_looked_up_recorded_and_told(agency: Agency, server: RdapServer, tmp_path: Path) -> None:
    midnight = datetime.now(JAKARTA).replace(hour=23, minute=0, second=0, microsecond=0)
    server.ends |= {
        "fine.uji.id": midnight + timedelta(days=200),
        "soon.uji.id": midnight + timedelta(days=12),
        "late.uji.id": midnight - timedelta(days=50),
    }
    cert, key = make_certificate(tmp_path / "tls", days=20)
    with tls_server(cert, key) as (port, _):
        agency.unit["services"] = [
            domain("fine", server), domain("soon", server), domain("late", server), domain("html", server),
            service("cert", kind="tls", watch={"method": "tls", "name": "localhost", "port": port}),
            service("isp", kind="connection", ends=in_days(300)),
            service("panel", kind="hosting", ends=in_days(6), watch={"method": "cpanel", "name": "cp.example"}),
        ]  # fmt: skip
        done = agency.write().laman("service", "check", "--json")
    assert done.returncode == 2, done.stderr
    lines = {line["service"]["id"]: line for line in json.loads(done.stdout)}
    assert {k: (v["state"], v["phase"], v["days_left"]) for k, v in lines.items()} == {
        "fine": ("known", "active", 200),
        "soon": ("known", "active", 12),
        "late": ("known", "redemption", -50),
        "html": ("unknown", None, None),
        "cert": ("known", "active", 20),
        "isp": ("known", "active", 300),
        "panel": ("known", "active", 6),
    }
    assert {k: v["due"]["step"] for k, v in lines.items() if v["due"]} == {
        "soon": 15,
        "late": None,
        "cert": 30,
        "panel": 7,
    }
    assert lines["late"]["due"]["cost"] == 4 * 275_000
    assert lines["cert"]["reason"].startswith("the chain is not trusted")

    seen = events(agency, "expiry.observed")
    assert [e["service"] for e in seen] == ["fine", "soon", "late", "html", "cert", "isp", "panel"]
    assert seen[3] | {"observed_at": ""} == {
        "service": "html", "state": "unknown", "ends_at": None, "phase": "", "method": "rdap", "observed_at": "",
        "source": f"{server.url}domain/html.uji.id",
        "reason": "the answer is text/html instead of RDAP (application/rdap+json)",
    }  # fmt: skip
    assert seen[6]["method"] == "manual"  # cPanel tells nothing about the contract, and that is said
    assert "cPanel does not tell" in seen[6]["reason"]

    due = json.loads(agency.laman("due", "--json").stdout)
    told = {d["command"].split()[-2] if "submit" in d["command"] else d["command"].split()[-1]: d["what"] for d in due}
    assert told["soon"] == f"domain soon.uji.id ends in 12 days ({in_days(12)}), Rp275.000"
    assert told["late"].startswith(f"domain late.uji.id ended 50 day(s) ago ({in_days(-50)}): redemption until")
    assert "Rp1.100.000" in told["late"]
    assert "is unknown: the answer is text/html" in told["html"]
    assert not {"fine", "isp"} & set(told)
    assert agency.laman("verify").returncode == 0


def test_check_exits_0_when_all_is_known_and_nothing_is_due(agency: Agency, server: RdapServer) -> None:
    agency.unit["services"] = [domain("fine", server), service("isp", ends=in_days(300))]
    done = agency.write().laman("service", "check")
    assert done.returncode == 0, done.stderr
    assert "2 looked up, 0 unknown, 0 due" in done.stdout


def test_a_vanished_answer_keeps_the_last_date_for_reminders_and_says_that_it_is_not_certain(
    agency: Agency, server: RdapServer
) -> None:
    server.ends["flaky.uji.id"] = datetime.now(UTC) + timedelta(days=10)
    server.flaky_left = 0
    agency.unit["services"] = [domain("flaky", server)]
    assert agency.write().laman("service", "check").returncode == 2  # due
    server.flaky_left = 99
    done = agency.laman("service", "check", "flaky", "--json")
    line = json.loads(done.stdout)[0]
    assert (done.returncode, line["state"], line["reason"]) == (2, "unknown", "HTTP 503 instead of an answer")
    assert line["due"]["step"] == 15
    assert "not certain: HTTP 503" in line["due"]["text"]


def test_nothing_is_recorded_when_it_could_not_run(agency: Agency, server: RdapServer) -> None:
    agency.unit["services"] = [domain("fine", server)]
    agency.write()
    roles = agency.inventory / "group_vars" / "all" / "roles.yml"
    roles.write_text(f"{roles.read_text()}service_expiry_timezone: Nowhere/Here\n")
    done = agency.laman("service", "check")
    assert done.returncode == 1
    assert "service_expiry_timezone: 'Nowhere/Here' is no time zone" in done.stderr
    assert events(agency, "expiry.observed") == []
    assert agency.laman("service", "check", "nosuch").returncode == 1
    empty = Agency(agency.folder / "empty", {"www": {}}).write().laman("service", "check")
    assert (empty.returncode, "no service is registered" in empty.stderr) == (1, True)


def test_what_a_registry_or_a_form_says_is_never_a_template(agency: Agency, server: RdapServer) -> None:
    """Ansible trusts extra variables as templates: text of people and registries must stay text."""
    mark = agency.folder / "mark"
    trap = "{{ lookup('ansible.builtin.pipe', 'touch " + str(mark) + "') }}"
    agency.write()
    form = agency.folder / "form.xlsx"
    fill(agency, form, [row("jahat", Nama=trap, Penyedia=trap, Rekening=None)])
    assert agency.laman("service", "import", str(form)).returncode == 0
    server.statuses["jahat.uji.id"] = [trap]
    agency.unit["services"] = [domain("jahat", server, account=trap, ends=in_days(400))]
    done = agency.write().laman("service", "check", "--json")
    assert done.returncode == 0, done.stderr + done.stdout
    assert not mark.exists()
    agency.unit["services"] = [domain("jahat", server) | {"watch": {"method": "rdap", "name": trap}}]
    refused = agency.write().laman("service", "check")
    assert (refused.returncode, "services.0.watch.name" in refused.stderr) == (1, True)
    assert not mark.exists()


# --- the form ---

HEADERS = {"Nama": "Nama layanan*", "Biaya": "Biaya (Rp)*", "Rekening": "Nomor rekening", "Masa": "Masa (bulan)",
           "Cara": "Cara baca", "Dibaca": "Nama yang dibaca", "NPWP": "NPWP penyedia", "ID": "ID*", "Jenis": "Jenis*",
           "Penyedia": "Penyedia*", "Pengingat": "Pengingat (hari)"}  # fmt: skip


def row(name: str, **cells: Any) -> dict[str, Any]:
    base = {"ID": name, "Jenis": "koneksi", "Nama": f"Layanan {name}", "Penyedia": "PT Contoh", "Biaya": "1.250.000",
            "Berakhir": "31/12/2027"}  # fmt: skip
    return {HEADERS.get(str(key), str(key)): value for key, value in (base | cells).items()}


def fill(agency: Agency, form: Path, rows: list[dict[str, Any]]) -> None:
    """As a person does it: make the form, type into it, save."""
    form.unlink(missing_ok=True)
    done = agency.laman("service", "template", str(form))
    assert done.returncode == 0, done.stderr
    book = openpyxl.load_workbook(form)
    sheet = book["Layanan"]
    columns = {cell.value: cell.column for cell in sheet[1]}
    for number, cells in enumerate(rows, sheet.max_row + 1 if sheet.max_row > 1 else 2):
        for header, value in cells.items():
            sheet.cell(number, columns[header]).value = value
            if isinstance(value, str):
                sheet.cell(number, columns[header]).data_type = "s"
    book.save(form)


def test_a_form_is_filled_in_taken_changed_and_taken_again(agency: Agency) -> None:
    form = agency.write().folder / "form.xlsx"
    rows = [
        row("isp", NPWP="012345678901234", Rekening="0123-456", Masa=12, Pengingat="60, 30; 7", Laman="www"),
        row("domain", Jenis="Domain", Biaya=275000, Cara="RDAP", Dibaca="lpmp.id", Berakhir=None),
        row(
            "cert",
            Jenis="tls",
            Biaya="Rp 0,00",
            Cara="TLS",
            Dibaca="lpmp.id",
            Port=8443,
            Berakhir=date(2027, 1, 31),
        ),
    ]
    fill(agency, form, rows)
    done = agency.laman("service", "import", str(form))
    assert (done.returncode, done.stdout.splitlines()[0]) == (0, "3 new, 0 changed, 0 as they were"), done.stderr
    found = {k: v["service"] for k, v in listed(agency).items()}
    assert list(found) == ["isp", "domain", "cert"]
    assert found["isp"]["provider"] == {
        "name": "PT Contoh", "npwp": "012345678901234", "address": "", "bank": "", "bank_account": "0123-456",
        "bank_account_holder": "",
    }  # fmt: skip
    assert (found["isp"]["cost"], found["isp"]["reminder_days"], found["isp"]["sites"]) == (
        1_250_000,
        [60, 30, 7],
        ["www"],
    )
    assert found["domain"]["watch"]["method"] == "rdap"
    assert (found["cert"]["watch"]["port"], found["cert"]["ends"], found["cert"]["cost"]) == (8443, "2027-01-31", 0)

    again = agency.laman("service", "import", str(form))
    assert again.stdout.splitlines()[0] == "0 new, 0 changed, 3 as they were"
    fill(agency, form, [])  # the form comes with what is known
    book = openpyxl.load_workbook(form)
    book["Layanan"]["K2"].value = 1_500_000
    book.save(form)
    changed = agency.laman("service", "import", str(form))
    assert changed.stdout.splitlines()[0] == "0 new, 1 changed, 2 as they were", changed.stderr
    assert len(events(agency, "service.registered")) == 4

    assert agency.laman("service", "remove", "cert").returncode == 0
    assert list(listed(agency)) == ["isp", "domain"]
    assert listed(agency, "list", "--all")["cert"]["removed_at"] is not None
    assert json.loads(agency.laman("service", "show", "cert", "--json").stdout)["service"]["watch"]["port"] == 8443
    assert agency.laman("service", "remove", "cert").returncode == 1


BAD = [
    (row("a", Biaya="-5"), "column Biaya (Rp): '-5' is negative; whole rupiah like 1.250.000 are expected"),
    (row("b", Biaya="1.250,50"), "column Biaya (Rp): '1.250,50' is no amount"),
    (row("c", Biaya=1250.5), "column Biaya (Rp): '1250.5' is no amount"),
    (row("d", Berakhir="31/02/2027"), "column Berakhir: '31/02/2027' is no date; one like 31/12/2026 is expected"),
    (row("e", Mulai="01/01/2028"), "ends 2027-12-31 is before starts 2028-01-01"),
    (row("F besar"), "column ID: 'F besar'; expected: small letters, digits, - _ . (at most 63)"),
    (row("g", NPWP="123"), "column NPWP penyedia: '123'; expected: 15, 16 or 22 digits"),
    (row("h", NPWP=1234567890123456), "is a number, of which Excel keeps 15 digits"),
    (row("i", Jenis="mobil"), "column Jenis: 'mobil' is not one of: koneksi, hosting, domain, sertifikat TLS, lainnya"),
    (row("j", Cara="RDAP"), "column Nama yang dibaca: method rdap needs name"),
    (row("k", Nama=None), "column Nama layanan: is empty, and every service needs it"),
    (row("l", Berakhir=None), "column Berakhir: is empty, and with Cara baca manual it is the only source"),
    (row("m", Laman="nosuch"), "column Laman: 'nosuch' is no site; known: www"),
    (
        row("n", Cara="RDAP", Dibaca="{{ 7*7 }}"),
        "column Nama yang dibaca: '{{ 7*7 }}'; expected: a domain or host name",
    ),
    (row("o", Pengingat="60, besok"), "column Pengingat (hari): 'besok' is no whole number"),
    (row("p", Masa=0), "column Masa (bulan): '0'; expected:"),
    (row("fine"), "column ID: fine is in an earlier row already"),
    (row("q", Jenis="\x1b[2J".replace("\x1b", "\u202e")), "column Jenis: '\ufffd[2J' is not one of"),
]


def test_one_clear_line_for_each_bad_row_and_nothing_taken(agency: Agency) -> None:
    form = agency.write().folder / "form.xlsx"
    fill(agency, form, [row("fine"), *(cells for cells, _ in BAD)])
    done = agency.laman("service", "import", str(form))
    lines = done.stderr.splitlines()
    assert done.returncode == 1
    assert len(lines) == len(BAD) + 1
    for number, ((_, expected), line) in enumerate(zip(BAD, lines, strict=False), 3):
        assert line.startswith(f"laman: form.xlsx, row {number}, ")
        assert expected in line
    assert lines[-1] == f"laman: nothing was imported ({len(BAD)} to put right)"
    assert listed(agency) == {}


def test_files_that_are_no_form(agency: Agency, tmp_path: Path) -> None:
    agency.write()
    html, empty, other, words = (tmp_path / f"{n}.xlsx" for n in ("html", "empty", "other", "words"))
    html.write_bytes(b"<html></html>")
    empty.write_bytes(b"")
    book = openpyxl.Workbook()
    assert book.active is not None
    book.active.append(["Tanggal", "Catatan"])
    book.save(other)
    book.active.append(["ID", "Jenis", "Warna"])
    book.save(words)
    for file, expected in (
        (html, "cannot be read as an Excel workbook"),
        (empty, "empty, or larger than 5 MiB"),
        (other, "no header row with column ID"),
        (words, "row 2: unknown column 'Warna'"),
        (tmp_path / "nosuch.xlsx", "No such file"),
        (tmp_path / "form.csv", "a file name that ends in .xlsx is expected"),
    ):
        done = agency.laman("service", "import", str(file))
        assert (done.returncode, len(done.stderr.strip().splitlines()) <= 2) == (1, True)
        assert expected in done.stderr
    form = tmp_path / "form.xlsx"
    assert agency.laman("service", "template", str(form)).returncode == 0
    assert "no row is filled in" in agency.laman("service", "import", str(form)).stderr
    before = form.read_bytes()
    again = agency.laman("service", "template", str(form))
    assert (again.returncode, "exists already" in again.stderr, form.read_bytes() == before) == (1, True, True)


def test_the_settings_and_imports_the_later_word_counts(agency: Agency) -> None:
    form = agency.folder / "form.xlsx"
    agency.unit["services"] = [service("isp", ends="2027-12-31"), service("lain", ends="2027-12-31")]
    agency.write()
    fill(agency, form, [])
    book = openpyxl.load_workbook(form)
    book["Layanan"]["K2"].value = 999
    book.save(form)
    done = agency.laman("service", "import", str(form))
    assert "isp: also in laman_unit.services" in done.stdout
    agency.unit["name"] = "Nama Baru"  # another change of the settings does not undo the import
    agency.write()
    assert listed(agency)["isp"]["service"]["cost"] == 999
    assert "take it out there" in agency.laman("service", "remove", "isp").stderr
    agency.unit["services"] = [service("isp", ends="2027-12-31", cost=5)]
    agency.write()
    found = listed(agency, "list", "--all")
    assert found["isp"]["service"]["cost"] == 5
    assert found["lain"]["removed_at"] is not None


def test_list_is_plain_and_harmless(agency: Agency) -> None:
    agency.unit["services"] = [service("isp", ends="2027-12-31", name="\x1b[2Jx")]
    done = agency.write().laman("service", "list")
    assert done.returncode == 0, done.stderr
    assert "\x1b" not in done.stdout
    assert "\x1b" not in agency.laman("service", "show", "isp").stdout
    nothing = agency.laman("service", "show", "nosuch")
    assert (nothing.returncode, nothing.stderr) == (1, "laman: unknown service 'nosuch'; the register has: isp\n")


def test_usage_is_told_in_one_line(agency: Agency) -> None:
    done = agency.write().laman("service")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert os.path.exists(agency.state) is False  # noqa: PTH110 - bad usage touches nothing
