"""Plays the year of `scenario.yml` through the command line, as its people would: every step one `laman renewal` call.

What was done on paper is entered with its date and the dated paper; the registry is a local RDAP server whose answers
change when a provider extends a domain, and do not when it does not.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from tests.emulators.rdap import RdapServer
from tests.integration.agency import Agency
from tests.integration.year.recompute import WIB, scenario
from tests.papers import pdf, png

WEEK = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
SHEETS = {"submit": "pengajuan", "approve": "persetujuan", "reject": "keputusan", "return": "keputusan"}


@dataclass
class Played:
    """The agency after its year: each case's id, what each command said, and when the live ones were typed."""

    agency: Agency
    server: RdapServer
    told: dict[str, Any]
    days: list[date]  # on which the live case was typed
    ids: dict[str, str] = field(default_factory=dict)  # key -> case id
    said: dict[str, list[dict[str, Any]]] = field(default_factory=dict)  # key -> the JSON of each step, in order
    codes: dict[str, list[int]] = field(default_factory=dict)  # key -> the exit code of each step
    asked_at: list[tuple[datetime, datetime]] = field(default_factory=list)  # live steps: just before and just after

    def paper(self, name: str, text: str) -> str:
        """A file as people have it: invoices and letters are PDFs, what was signed is scanned."""
        folder = self.agency.folder / "berkas"
        folder.mkdir(exist_ok=True)
        scanned = name.startswith(("persetujuan", "keputusan"))
        path = folder / f"{name}.{'png' if scanned else 'pdf'}"
        path.write_bytes(png(len(list(folder.iterdir())) % 256, 8) if scanned else pdf(text))
        return str(path)

    def renewal(self, *arguments: str, codes: tuple[int, ...] = (0,)) -> dict[str, Any]:
        """One `laman renewal … --json` that has to end in one of the codes; what it said."""
        done = self.agency.laman("renewal", *arguments, "--json")
        said = f"exit {done.returncode}: {done.stderr}{done.stdout[-500:]}"
        assert done.returncode in codes, f"renewal {arguments}: {said}"
        return {**json.loads(done.stdout), "exit": done.returncode}


def settings(told: Mapping[str, Any], rdap_url: str, days: list[date]) -> dict[str, Any]:
    """`laman_unit` of the agency. Holidays come from the product's own calendar, not from the scenario's list.

    `days`: on which the live case is typed: worked around the clock, so that its minutes count whenever the test runs.
    """
    ramadan = told["ramadan"]
    around = {"start": "00:00", "end": "23:59"}
    special = [
        {"name": "Ramadan", "first": ramadan["first"], "last": ramadan["last"], "week": _week(ramadan)},
        {"name": "Lembur", "first": days[0], "last": days[-1], "week": dict.fromkeys(WEEK, around)},
    ]
    return {
        **told["unit"],
        "calendar": {"zone": "Asia/Jakarta", "week": _week(told["week"]), "special": special, "worked": days},
        "schedule": [],
        "services": [_service(told, s, rdap_url) for s in told["services"]],
    }


def _week(raw: Mapping[str, Any]) -> dict[str, Any]:
    def hours(times: list[str]) -> dict[str, Any]:
        return {"start": times[0], "end": times[1], "breaks": [times[2:]]}

    return {
        "friday": hours(raw["friday"]),
        **{day: hours(raw["monday-thursday"]) for day in WEEK[:4]},
    }


def _service(told: Mapping[str, Any], raw: Mapping[str, Any], rdap_url: str) -> dict[str, Any]:
    service = {key: value for key, value in raw.items() if key != "domain"}
    service["provider"] = told["providers"][raw["provider"]]
    if "domain" in raw:
        service["watch"] = {"method": "rdap", "name": raw["domain"], "base_url": rdap_url}
    return service


def end_of_day(day: date) -> datetime:
    """The last second of a local day, as a registry gives it."""
    return datetime.combine(day, time(23, 59, 59), WIB).astimezone(UTC)


def founded(folder: Path, server: RdapServer) -> Played:
    """The agency on the first day: its settings, its services, what the registry knows. No renewal yet."""
    told = scenario()
    for service in told["services"]:
        if "domain" in service:
            server.ends[service["domain"]] = end_of_day(service["ends"])
    today = datetime.now(WIB).date()
    days = [today, today + timedelta(days=1)]
    agency = Agency(folder, sites={"laman": {}}, unit=settings(told, server.url, days)).write()
    return Played(agency, server, told, days)


def play(folder: Path, server: RdapServer) -> Played:
    """The whole year."""
    played = founded(folder, server)
    looked = played.agency.laman("service", "check", "--json")  # the ends of the register, before anything is renewed
    assert looked.returncode in (0, 2), looked.stderr
    for renewal in played.told["renewals"]:
        _play_case(played, renewal)
    return played


def _play_case(played: Played, raw: Mapping[str, Any]) -> None:
    key = raw["key"]
    played.said[key], played.codes[key] = [], []
    for number, step in enumerate(raw["steps"], 1):
        name = f"{key}-{number}"
        arguments = _invoice(played, raw, name) if number == 1 else _later(played, raw, step, name)
        if step["do"] == "report" and step.get("extends"):
            _extend(played, raw)
        if step.get("take"):
            _take(played, key, arguments)
        before = datetime.now(UTC)
        answer = played.renewal(step["do"], *arguments, *_when(played, step, arguments, name), codes=(0, 2))
        if "at" not in step:
            played.asked_at.append((before, datetime.now(UTC)))
        played.ids[key] = answer["case"]
        played.said[key].append(answer)
        played.codes[key].append(answer["exit"])


def _invoice(played: Played, raw: Mapping[str, Any], name: str) -> list[str]:
    """The options of a first submission."""
    invoice = raw["invoice"]
    received = datetime.now(WIB).isoformat(timespec="seconds") if invoice["received"] == "now" else invoice["received"]
    arguments = ["--number", invoice["number"], "--issued", str(invoice["issued"]), "--received", received]
    if "due" in invoice:
        arguments += ["--due", str(invoice["due"])]
    arguments += ["--amount", raw["written"], "--tax", raw["tax_written"]]
    for line in raw["lines"]:
        share = f"={line['rupiah']}" if len(raw["lines"]) > 1 else ""
        arguments += ["--service", f"{line['service']}{share}"]
    arguments += ["--invoice", played.paper(f"invoice-{name}", f"Invoice {invoice['number']}")]
    return [*arguments, "--sheet", played.paper(f"pengajuan-{name}", f"Lembar pengajuan {raw['key']}")]


def _later(played: Played, raw: Mapping[str, Any], step: Mapping[str, Any], name: str) -> list[str]:
    """The options of every other step."""
    case, do = played.ids[raw["key"]], step["do"]
    arguments = ["--case", case] if do == "submit" else [case]
    if do in SHEETS:
        arguments += ["--sheet", played.paper(f"{SHEETS[do]}-{name}", f"{do} {case}")]
    if "again" in step:
        again = step["again"]
        arguments += ["--number", again["number"], "--amount", again["written"], "--tax", again["tax_written"]]
        arguments += ["--invoice", played.paper(f"invoice-{name}", f"Invoice {again['number']}")]
    if do == "pay":
        arguments += ["--proof", played.paper(f"sp2d-{name}", f"SP2D {case} {name}")]
        arguments += ["--amount", step["written"]] if "written" in step else []
    if "attest" in step:
        letter = played.paper(f"surat-{name}", f"Surat penyedia: diperpanjang {case}")
        arguments += ["--attest", letter, "--attested-by", step["attest"]]
    return [*arguments, *(["--note", step["note"]] if "note" in step else [])]


def _when(played: Played, step: Mapping[str, Any], arguments: list[str], name: str) -> list[str]:
    """How a step of the past is dated: the paper, and when work on it began."""
    if "at" not in step:
        return []
    own = arguments[arguments.index("--sheet") + 1] if step.get("same_paper") else None
    paper = own or played.paper(f"kertas-{name}", f"Lembar disposisi {step['at']} {name}")
    return ["--at", step["at"], "--paper", paper, *(["--taken", step["taken"]] if "taken" in step else [])]


def _take(played: Played, key: str, arguments: list[str]) -> None:
    """Work begins: on an invoice, or on the next step of a case."""
    invoice = key not in played.ids
    what = ["--invoice", arguments[arguments.index("--invoice") + 1]] if invoice else [played.ids[key]]
    played.renewal("take", *what)


def _extend(played: Played, raw: Mapping[str, Any]) -> None:
    """The provider extends what was paid: the registry's answer changes."""
    domains = {s["id"]: s.get("domain") for s in played.told["services"]}
    for line in raw["lines"]:
        domain = domains[line["service"]]
        assert domain is not None, f"{line['service']} has no registry"
        played.server.ends[domain] = end_of_day(line["new_end"])


def events(agency: Agency, kind: str) -> list[dict[str, Any]]:
    """Subject and data of a kind's events, read from the ledger's file without the product."""
    rows = query(agency, "SELECT subject, data FROM events WHERE kind = ? ORDER BY seq", kind)
    return [{"subject": subject, "data": json.loads(data)} for subject, data in rows]


def query(agency: Agency, sql: str, *values: str) -> list[Any]:
    """Ask the ledger's file itself; nothing can be changed that way."""
    uri = f"{(agency.state / 'ledger.sqlite').as_uri()}?mode=ro"
    with closing(sqlite3.connect(uri, uri=True)) as connection:
        return connection.execute(sql, values).fetchall()
