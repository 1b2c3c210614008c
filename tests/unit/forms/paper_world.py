"""Cases to make papers of: an ordinary one, and one in which everything is long, large or hostile."""

from __future__ import annotations

from datetime import date
from typing import Any

from reporting.compliance import Execution
from reporting.forms.data import PaperData, PaperKind, Wanted, paper_data
from reporting.renewal.submit import AskedLine
from reporting.unit import Unit
from tests.unit.renewal.world import World, at, invoice, settings

OFFICERS: list[dict[str, Any]] = [
    {"id": "budi", "name": "Budi Santoso", "title": "Pengelola Sistem dan Jaringan", "nip": "198001012005011001",
     "roles": ["pengelola_sistem_dan_jaringan"]},
    {"id": "siti", "name": "Siti Rahmawati", "title": "Kepala Seksi Sistem Informasi", "roles": ["kasi_si"],
     "last": "2026-05-31"},
    {"id": "tono", "name": "Tono", "title": "Kepala Seksi Sistem Informasi", "acting": "Plt.", "roles": ["kasi_si"],
     "nip": "199003152024211003", "first": "2026-06-01"},
    {"id": "agus", "name": "Agus Wijaya", "title": "Kepala Subbagian Umum", "roles": ["kasubag_umum"]},
    {"id": "rina", "name": "Rina Kusuma", "title": "PPK", "roles": ["pengelola_laman"], "nip": "197502022000032002"},
]  # fmt: skip
PROVIDER = {"name": "PT Penyedia Jaringan", "npwp": "012345678901000", "address": "Jl. Sudirman 1, Jakarta",
            "bank": "Bank Mandiri", "bank_account": "123-00-9876543-2"}  # fmt: skip
LONG_NAME = "Raden Mas Haji Muhammad Abdurrahman Wahyudi Kusumaningrat Sastrodiningrat, S.Kom., M.Kom., Ph.D."
HOSTILE = "{{ 7*7 }} {% raw %} <w:p> &amp; \x1b[31m\x00 ]]> \u202e ${x}"


def unit(**changes: Any) -> Unit:
    services = [
        {"id": name, "kind": "domain", "name": f"{name}.example.id", "provider": PROVIDER, "cost": 1_250_000,
         "ends": "2026-04-10", "budget_line": "521115", "account": f"ACC-{name}"}
        for name in ("domain", "hosting")
    ]  # fmt: skip
    told: dict[str, Any] = {
        "name": "LPMP DKI Jakarta", "parent": "Kementerian", "city": "Jakarta", "officers": OFFICERS,
        "services": services, "payment": {"satker": "LPMP DKI", "satker_code": "137712", "ppk": "rina"},
    }  # fmt: skip
    return Unit.model_validate(settings(**{**told, **changes}))


def submitted(agency: Unit, amount: int = 2_500_000, tax: int = 275_000, number: str = "INV-77") -> World:
    world = World(unit=agency)
    share = amount // len(agency.services)
    lines = [AskedLine(s.id, share) for s in agency.services]
    lines[0] = AskedLine(lines[0].service, amount - share * (len(lines) - 1))
    bill = invoice(number=number, received=at("2026-03-23 08:00"), amount=amount, tax=tax, lines=tuple(lines),
                   issued=date(2026, 3, 10))  # fmt: skip
    world.submit("2026-03-23 08:10", bill=bill)
    return world


def paid(agency: Unit, **more: Any) -> World:
    world = submitted(agency, **more)
    world.do("approve", "2026-03-23 08:20")
    world.do("pay", "2026-03-23 09:00")
    return world


def extreme() -> World:
    """Ten services with long and hostile names, the largest amount there is, nobody with a NIP."""
    provider = {**PROVIDER, "name": "PT " + "Penyedia Layanan Internet Terpadu Indonesia Raya " * 4,
                "npwp": "0123456789012345000001"}  # fmt: skip
    services = [
        {"id": f"s{n}", "kind": "domain", "name": f"Layanan {n} {HOSTILE} " + "panjang-" * 12, "provider": provider,
         "cost": 1, "ends": "2026-04-10", "budget_line": f"6041.EBA.962.52111{n}"}
        for n in range(10)
    ]  # fmt: skip
    officers = [{**o, "name": f"{LONG_NAME} ({o['id']})", "nip": None} for o in OFFICERS]
    return paid(unit(services=services, officers=officers), amount=900_900_900_900, tax=99_099_099_099)


def data_of(world: World, kind: PaperKind, when: str = "2026-03-24 10:00", **more: Any) -> PaperData:
    wanted = Wanted(kind, "D-2026-0001", "001/X/UJI/III/2026", at(when), **more)
    judged: dict[str, Execution] = {e.id: e for e in world.judge().executions}
    return paper_data(wanted, world.case(), world.unit, world.services, judged)
