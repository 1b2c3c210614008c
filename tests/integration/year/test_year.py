"""A year of an agency's renewals: what the product says equals a recomputation, and a table worked out by hand."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import yaml

from tests.emulators.rdap import RdapServer
from tests.integration.year import recompute as second_opinion
from tests.integration.year.play import Played, events, play
from tests.integration.year.recompute import WIB, Calendar, StepOf, Year, local, recompute, scenario
from tests.libreoffice import needs_libreoffice, recalculated

HERE = Path(__file__).parent
GOLDEN: dict[str, Any] = yaml.safe_load((HERE / "golden.yml").read_text(encoding="utf-8"))
STEP_WORDS = {"submit": "Pengajuan", "approve": "Persetujuan", "reject": "Penolakan", "return": "Pengembalian",
              "pay": "Pembayaran", "report": "Pelaporan"}  # fmt: skip
STATE_WORDS = {"renewed": "diperpanjang", "rejected": "ditolak", "not_renewed": "belum terbukti diperpanjang"}
ASPECTS = {"waktu", "output", "perlengkapan"}
ACTIVITIES = (4, 5, 6, 7)
Rows = list[dict[str, Any]]


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    with RdapServer() as server:
        yield play(tmp_path_factory.mktemp("year"), server)


@pytest.fixture(scope="module")
def expected(played: Played) -> Year:
    """The second opinion. Of the ledger it is told only when the live steps were typed."""
    case = played.ids["langsung"]
    (opened,) = [e["data"] for e in events(played.agency, "renewal.opened") if e["subject"] == case]
    steps = [e["data"] for e in events(played.agency, "renewal.step") if e["subject"] == case]
    live = [{"done": _instant(s["done_at"]), "taken": _instant(s["taken_at"])} for s in steps]
    live[0]["received"] = _instant(opened["invoice_received"])
    return recompute(live, frozenset(played.days))


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.fixture(scope="module")
def workbook(played: Played) -> Path:
    path = played.agency.folder / "2026.xlsx"
    done = played.agency.laman("report", "--period", "2026", "--output", str(path))
    assert done.returncode == 0, done.stderr
    return path


@pytest.fixture(scope="module")
def tables(workbook: Path) -> dict[str, Rows]:
    return _tables(workbook)


@pytest.fixture(scope="module")
def shown(played: Played) -> dict[str, dict[str, Any]]:
    """`laman renewal show --json` of each case."""
    return {key: played.renewal("show", case) for key, case in played.ids.items()}


def _tables(path: Path) -> dict[str, Rows]:
    """Every table of a workbook by its name, as rows of the values that stand in the cells."""
    book = openpyxl.load_workbook(path, data_only=True)
    found: dict[str, Rows] = {}
    for sheet in book:
        for table in sheet.tables.values():
            head, *rows = [[cell.value for cell in row] for row in sheet[table.ref]]
            found[table.name] = [dict(zip(head, row, strict=True)) for row in rows]
    return found


def steps_of(year: Year) -> list[StepOf]:
    """The steps that count in 2026 (the live case is typed when the test runs)."""
    return [s for s in year.steps if s.done_at.astimezone(WIB).year == 2026]


def almost(value: object) -> Any:
    """Minutes as cells keep them: exact on paper, floats of microseconds on live steps."""
    return None if value is None else pytest.approx(float(value), abs=1e-6)  # type: ignore[arg-type]


def tenth(minutes: Fraction) -> float:
    """Minutes as they are printed: to a tenth, half up."""
    return int(minutes * 10 + Fraction(1, 2)) / 10


# The second opinion itself


def test_second_opinion_shares_no_code() -> None:
    tree = ast.parse(Path(second_opinion.__file__).read_text(encoding="utf-8"))
    imported = {a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
    imported |= {f"{'.' * n.level}{n.module or ''}" for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
    assert {name.partition(".")[0] for name in imported} == {
        "__future__", "collections", "dataclasses", "datetime", "fractions", "pathlib", "typing", "yaml",
    }  # fmt: skip
    called = {n.func.id for n in ast.walk(tree) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)}
    assert not called & {"__import__", "eval", "exec", "import_module"}


@pytest.mark.parametrize("day", GOLDEN["days"], ids=str)
def test_second_opinion_of_a_day(day: date) -> None:
    calendar = Calendar(scenario())
    minutes = calendar.minutes(local(f"{day} 00:00"), local(f"{day} 23:59"))
    assert minutes == GOLDEN["days"][day]


def test_second_opinion_is_the_golden_table(expected: Year) -> None:
    for key, golden in GOLDEN["steps"].items():
        steps = expected.cases[key].steps
        said = [{"do": s.do, "gross": s.gross, "waiting": s.waiting, "verdict": s.verdict} for s in steps]
        assert said == [{"waiting": None, **{k: v for k, v in g.items() if k != "aspect"}} for g in golden], key
    aspects = [(key, second_opinion.ACTIVITY[g["do"]], g["aspect"])
               for key, steps in GOLDEN["steps"].items() for g in steps if "aspect" in g]  # fmt: skip
    assert expected.deviations == sorted(aspects)
    assert {key: case.state for key, case in expected.cases.items()} == GOLDEN["states"]
    assert {key: case.paid for key, case in expected.cases.items()} == GOLDEN["paid"]
    assert sum(case.paid for case in expected.cases.values()) == GOLDEN["paid_total"]
    assert expected.cost_by_month(2026) == GOLDEN["cost_by_month_2026"]
    assert sum(GOLDEN["cost_by_month_2026"].values()) == GOLDEN["cost_2026"]
    assert {key: case.rises for key, case in expected.cases.items() if case.rises} == GOLDEN["rises"]
    for name in ("executions", "menyimpang", "on_paper"):
        assert {a: expected.counts(a)[name] for a in ACTIVITIES} == GOLDEN[name], name


def test_nine_hundred_minutes_in_ramadan(played: Played, shown: dict[str, dict[str, Any]]) -> None:
    """900 minutes from Thu 12 Mar 2026 14:00 WIB end on Tue 17 Mar at 09:00: from that approval to that report."""
    golden = GOLDEN["nine_hundred"]
    assert Calendar(scenario()).deadline(local(golden["start"]), golden["minutes"]) == local(golden["end"])
    _, approve, pay, report = shown["ramadan"]["steps"]
    assert _instant(approve["done_at"]) == local(golden["start"])
    assert _instant(report["done_at"]) == local(golden["end"])
    assert pay["minutes_gross"] + report["minutes_gross"] == golden["minutes"]


def test_deadlines_that_were_announced(played: Played, expected: Year) -> None:
    """Each step tells until when the next one is due: when the standard's minutes will have been worked."""
    checked = 0
    for key, said in played.said.items():
        for answer, step in zip(said, expected.cases[key].steps, strict=True):
            waits = answer["waits_for"]
            assert (waits is None) == (step.do in ("reject", "report")), (key, step.do)
            if waits is None or not step.on_paper:
                continue
            since = local_minute(waits["since"])
            assert _instant(waits["due_at"]) == expected.calendar.deadline(since, waits["standard_minutes"]), key
            checked += 1
    assert checked == 33 - 8  # on paper, less a rejection and seven reports


def local_minute(text: str) -> datetime:
    moment = _instant(text)
    assert moment == moment.replace(second=0, microsecond=0)
    return moment


# What the product says against it


def test_commands_end_with_the_verdict(played: Played, expected: Year) -> None:
    for key, codes in played.codes.items():
        assert codes == [0 if s.verdict == "sesuai" else 2 for s in expected.cases[key].steps], key


def test_shown_cases(played: Played, expected: Year, shown: dict[str, dict[str, Any]]) -> None:
    for key, case in expected.cases.items():
        said = shown[key]
        assert (said["state"], said["paid"]) == (case.state, case.paid), key
        assert said["outstanding"] == case.total - case.paid, key
        assert (said["invoice"]["amount"], said["invoice"]["tax"]) == (case.amount, case.tax), key
        lines = [{"service": n["service"], "rupiah": n["amount"], "old_end": n["old_end"], "new_end": n["new_end"]}
                 for n in said["lines"]]  # fmt: skip
        assert lines == [{**n, "old_end": str(n["old_end"]), "new_end": str(n["new_end"])} for n in case.lines], key
        assert {r["service"]: r["percent"] for r in said["price_rises"]} == case.rises, key
        verdicts = {e["id"]: (e["requirement"]["status"], e["time"]["status"], e["output"]["status"], e["verdict"])
                    for e in said["executions"]}  # fmt: skip
        for raw, step in zip(said["steps"], case.steps, strict=True):
            assert (raw["step"], raw["executor"]["id"], raw["on_paper"]) == (step.do, step.executor, step.on_paper), key
            minutes = (raw["minutes_gross"], raw["minutes_waiting"], raw["minutes_net"])
            assert minutes == (almost(step.gross), almost(step.waiting), almost(step.net)), (key, step.do)
            assert verdicts[raw["execution"]] == ("sesuai", step.time, step.output, step.verdict), (key, step.do)
            assert raw["agent"]["name"] != raw["executor"]["name"]


def test_live_steps_are_timed_by_the_clock(played: Played, expected: Year) -> None:
    steps = expected.cases["langsung"].steps
    assert len(steps) == len(played.asked_at) == 4
    for step, (before, after) in zip(steps, played.asked_at, strict=True):
        assert before <= step.done_at <= after
        assert step.net is not None
        assert 0 <= step.net <= step.gross < 30
    assert sum(s.gross for s in steps) > 0


def test_status(played: Played, expected: Year) -> None:
    done = played.agency.laman("status", "--period", "2026", "--all", "--json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    keys = {case: key for key, case in played.ids.items()}
    found = sorted((keys[e["site"]], e["activity"], e["minutes"], e["standard_minutes"], e["verdict"])
                   for e in said["executions"])  # fmt: skip
    assert found == sorted((s.key, s.activity, tenth(s.gross), s.standard, s.verdict) for s in steps_of(expected))
    assert sorted((keys[d["site"]], d["activity"], d["aspect"]) for d in said["deviations"]) == expected.deviations
    assert said["problems"] == []


def test_months_add_up_to_the_year(played: Played, expected: Year) -> None:
    """A person's step counts in the month in which it was done: none is lost, none counts twice."""
    for month, count in ((1, 6), (2, 4), (3, 4), (5, 2), (6, 2), (9, 0)):
        done = played.agency.laman("status", "--period", f"2026-{month:02d}", "--all", "--json")
        found = json.loads(done.stdout)["executions"]
        assert len(found) == count == sum(s.done_at.astimezone(WIB).month == month for s in steps_of(expected)), month


def test_list(played: Played, expected: Year) -> None:
    done = played.agency.laman("renewal", "list", "--open", "--json")
    waiting = {c["case"] for c in json.loads(done.stdout)}
    assert waiting == {played.ids[k] for k, c in expected.cases.items() if c.state == "not_renewed"}


def test_paid_but_not_extended_stays_open(played: Played) -> None:
    """Looked up again, the provider has still not extended it: nobody can close the case but with proof."""
    case = played.ids["tidak-diperpanjang"]
    again = played.renewal("prove", case, codes=(2,))
    assert again["state"] == "not_renewed"
    assert [p["state"] for p in again["proofs"]] == ["not_moved"]
    assert again["proofs"][0]["seen_end"] == "2026-07-31"


def test_due_tells_what_is_not_renewed_and_nothing_that_is(played: Played) -> None:
    done = played.agency.laman("due", "--json")
    assert done.returncode == 0, done.stderr
    told = " ".join(d["what"] + d["command"] for d in json.loads(done.stdout))
    assert all(service in told for service in ("domain-data", "domain-arsip", "sertifikat"))
    first_reminder = datetime.now(WIB).date() + timedelta(days=90)
    quiet = [n["service"] for r in renewed(played) for n in r["lines"] if n["new_end"] > first_reminder]
    assert [service for service in quiet if f"{service} " in told] == []


def renewed(played: Played) -> list[dict[str, Any]]:
    return [r for r in played.told["renewals"] if GOLDEN["states"][r["key"]] == "renewed"]


def test_verify(played: Played, workbook: Path) -> None:
    done = played.agency.laman("verify", "--json")
    assert done.returncode == 0, done.stdout
    said = json.loads(done.stdout)
    assert said["problems"] == []
    # 9 invoices and one more; 10 sheets; 9 decisions; 9 proofs; 33 papers, of which 2 are the signed sheet itself;
    # 5 letters and 3 looks that show a moved end (2 domains, 1 domain); the workbook
    assert said["evidence_files"] == 10 + 10 + 10 + 9 + (33 - 2) + 5 + 3 + 1


# The workbook's cells


def _row(step: StepOf, played: Played) -> dict[str, Any]:
    names = {o["id"]: (o["name"], o["nip"]) for o in played.told["unit"]["officers"]}
    return {
        "Kasus": played.ids[step.key],
        "Langkah": STEP_WORDS[step.do],
        "Pelaksana": names[step.executor][0],
        "NIP": names[step.executor][1],
        "Cara Catat": "di kertas" if step.on_paper else "langsung",
        "Kegiatan": step.activity,
        "Putusan": step.verdict,
        "Dalam Periode": "ya",
        "Menit Kotor": almost(step.gross),
        "Menit Menunggu": almost(step.waiting),
        "Menit Bersih": almost(step.net),
        "Baku Menit": step.standard,
    }


def test_workbook_steps(played: Played, expected: Year, tables: dict[str, Rows]) -> None:
    wanted = [_row(s, played) for s in steps_of(expected)]
    found = [r for r in tables["tblLangkah"] if r["Dalam Periode"] == "ya"]
    assert len(found) == len(wanted)
    for row, want in zip(found, wanted, strict=True):
        said = {**{k: row[k] for k in want}, "Langkah": row["Langkah"].splitlines()[0]}
        assert said == want
    for row, step in zip(found, steps_of(expected), strict=True):
        assert abs((row["Dikerjakan"].replace(tzinfo=WIB) - step.done_at).total_seconds()) < 1
    paid = [r["Langkah"].splitlines()[1] for r in found if r["Kegiatan"] == 6]
    assert paid == [f"Rp{s.paid:,}".replace(",", ".") for s in steps_of(expected) if s.paid is not None]


def test_workbook_cells_are_the_golden_table(played: Played, tables: dict[str, Rows]) -> None:
    """Straight from the paper to the cell, past both programs."""
    for key, golden in GOLDEN["steps"].items():
        rows = [r for r in tables["tblLangkah"] if r["Kasus"] == played.ids[key]]
        found = [(r["Langkah"].splitlines()[0], r["Menit Kotor"], r["Menit Menunggu"], r["Putusan"]) for r in rows]
        assert found == [(STEP_WORDS[g["do"]], g["gross"], g.get("waiting"), g["verdict"]) for g in golden], key


def test_workbook_cases(played: Played, expected: Year, tables: dict[str, Rows]) -> None:
    rows = {r["Kasus"]: r for r in tables["tblKasus"]}
    here = {s.key for s in steps_of(expected)}
    assert set(rows) == {played.ids[k] for k in here}
    for key in here:
        case, row = expected.cases[key], rows[played.ids[key]]
        money = tuple(row[k] for k in ("Nilai Rp", "PPN Rp", "Total Rp", "Dibayar Rp", "Sisa Rp"))
        assert money == (case.amount, case.tax, case.total, case.paid, case.total - case.paid), key
        assert row["Status"] == STATE_WORDS[case.state], key
        assert row["Langkah di Kertas"] == sum(s.on_paper for s in case.steps), key
        ends = "\n".join(f"{n['new_end']:%d/%m/%Y}" for n in case.lines)
        assert row["Akhir Baru"] == ends, key
        for percent in case.rises.values():
            assert f"+{percent},0 %" in row["Kenaikan Harga"], key
    paid = sum(r["Dibayar Rp"] for r in rows.values())
    assert paid == sum(expected.paid_by_month(2026).values())
    if len(here) == 9:  # the live case was typed in 2026 too
        assert paid == GOLDEN["paid_total"]


def test_workbook_counts(expected: Year, tables: dict[str, Rows]) -> None:
    """Steps that were typed at once and steps on paper are counted apart."""
    _check_counts(expected, tables)


def _check_counts(expected: Year, tables: dict[str, Rows]) -> None:
    found = {r["Kegiatan"]: r for r in tables["tblLangkahKegiatan"]}
    assert set(found) == set(ACTIVITIES)
    for activity in ACTIVITIES:
        steps = [s for s in steps_of(expected) if s.activity == activity]
        row = found[activity]
        for name, on_paper in (("Langsung", False), ("Kertas", True)):
            mine = [s for s in steps if s.on_paper == on_paper]
            whole = row["Langkah di Kertas" if on_paper else "Langkah Langsung"]
            said = (whole, row[f"{name} Sesuai"], row[f"{name} Menyimpang"])
            good = sum(s.verdict == "sesuai" for s in mine)
            assert said == (len(mine), good, len(mine) - good), (activity, name)
        assert row["Rata-rata Kotor"] == almost(sum(s.gross for s in steps) / len(steps)), activity
        waited = [s.waiting for s in steps if s.waiting is not None]
        assert row["Rata-rata Menunggu"] == almost(sum(waited) / len(waited)), activity
        assert row["Terlama"] == almost(max(s.gross for s in steps)), activity
        assert row["Baku Menit"] == steps[0].standard


def test_workbook_executions_and_deviations(played: Played, expected: Year, tables: dict[str, Rows]) -> None:
    keys = {case: key for key, case in played.ids.items()}
    found = sorted((keys[r["Laman"]], r["Kegiatan"], round(r["Menit"], 6), r["Baku Menit"], r["Perlengkapan"],
                    r["Waktu"], r["Output"], r["Putusan"]) for r in tables["tblPelaksanaan"])  # fmt: skip
    assert found == sorted(
        (s.key, s.activity, round(float(s.gross), 6), s.standard, "sesuai", s.time, s.output, s.verdict)
        for s in steps_of(expected)
    )
    deviations = sorted((keys[r["Laman"]], r["Kegiatan"], r["Aspek"]) for r in tables["tblPenyimpangan"])
    assert deviations == expected.deviations
    assert {r["Aspek"] for r in tables["tblPenyimpangan"]} <= ASPECTS


def test_workbook_cost_per_month(expected: Year, tables: dict[str, Rows]) -> None:
    _check_costs(expected, tables)


def _check_costs(expected: Year, tables: dict[str, Rows]) -> None:
    months = {r["Bulan"].month: r["Jumlah Rp"] for r in tables["tblBiayaBulan"]}
    assert {m: rupiah for m, rupiah in months.items() if rupiah} == expected.cost_by_month(2026)
    assert sum(months.values()) == sum(r["Biaya Rp"] for r in tables["tblBiaya"]) == GOLDEN["cost_2026"]
    lines: dict[str, int] = {}
    for row in tables["tblBiayaMataAnggaran"]:
        lines[row["Mata Anggaran"]] = lines.get(row["Mata Anggaran"], 0) + row["Jumlah Rp"]
    assert lines == {"522119": 45_600_000, "522191": GOLDEN["cost_2026"] - 45_600_000}


def test_workbook_calendar_of_ends(played: Played, tables: dict[str, Rows]) -> None:
    ends = {s["id"]: s["ends"] for s in played.told["services"]}
    for renewal in renewed(played):
        ends |= {n["service"]: n["new_end"] for n in renewal["lines"]}
    assert {r["Kode"]: r["Berakhir"].date() for r in tables["tblAkhirLayanan"]} == ends


def test_formulas_give_the_same_again(workbook: Path, expected: Year, tmp_path: Path) -> None:
    """LibreOffice computes every formula anew: what stands in the cells is what the formulas give."""
    needs_libreoffice()
    again = _tables(recalculated(workbook, tmp_path))
    _check_counts(expected, again)
    _check_costs(expected, again)
