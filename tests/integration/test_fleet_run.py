"""`laman run all` on the fleet: a WordPress VPS and a shared host without Python, a real medium, a planted secret."""

from __future__ import annotations

import base64
import random
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import yaml

from tests.fleet.fixtures import MediumFactory
from tests.fleet.manager import Fleet
from tests.fleet.medium import LoopMedium
from tests.integration.agency import Agency

CANARY = "kenari-7f3A9q-rahasia"
LOOKED_UP = "{{ lookup('ansible.builtin.env', 'LAMAN_SECRET_DB') }}"
HOSTILE = [
    b'10.9.9.9 - - [%s] "GET /=cmd|\'/c%%20calc\'!A1 HTTP/1.1" 200 5 "-" "=HYPERLINK(\\"http://x\\")"',
    b'10.9.9.9 - - [%s] "GET /\x1b[2J\x1b[31mmerah HTTP/1.1" 200 5 "-" "\x1b]0;judul\x07"',
    b'10.9.9.9 - - [%s] "GET /\xff\xfe\x80 HTTP/1.1" 404 5 "-" "\xc3\x28"',
    b'10.9.9.9 - - [%s] "GET /?q=1%%27%%20UNION%%20SELECT%%20pass%%20FROM%%20users--%%20- HTTP/1.1" 200 5 "-" "x"',
]


def ssh_variables(fleet: Fleet, name: str) -> dict[str, Any]:
    """How ansible reaches a host of the fleet, from the fleet's own inventory."""
    inventory = yaml.safe_load((fleet.inventory_dir / "hosts.yml").read_text())
    host = inventory["sites"]["hosts"][name]
    return {key: value for key, value in host.items() if key.startswith("ansible_")}


@pytest.fixture(scope="module", autouse=True)
def _leave_the_hosts_as_new(fleet: Fleet) -> Iterator[None]:
    """These tests write into the hosts' logs and databases; others count what is in them."""
    yield
    fleet.renew("shared")
    fleet.renew("vps")


@pytest.fixture
def medium(loop_medium: MediumFactory) -> LoopMedium:
    return loop_medium(1500, "LAMAN-UJI")


@pytest.fixture
def agency(fleet: Fleet, medium: LoopMedium, tmp_path: Path) -> Agency:
    vps, shared = fleet.vps, fleet.shared
    sites = {}
    for name, host in (("vps", vps), ("shared", shared)):
        facts = host.facts
        sites[name] = ssh_variables(fleet, name) | {
            "content_status_url": facts["fleet_url"],
            "content_status_sections": [
                {"name": "Beranda", "url": facts["fleet_url"], "owner": "Humas", "limit_days": 30}
            ],
            "site_backup_trees": [{"name": "laman", "path": facts["fleet_site_path"], "exclude": []}],
            "site_backup_databases": [
                {"name": facts["fleet_db_name"], "kind": "mariadb", "database": facts["fleet_db_name"],
                 "user": facts["fleet_db_user"], "socket": facts["fleet_db_socket"],
                 "password": LOOKED_UP if name == "vps" else facts["fleet_db_password"]}
            ],
            "visitor_log_paths": facts["fleet_log_paths"],
        }  # fmt: skip
    sites["vps"] |= {"visitor_log_become": True, "site_backup_become": True}
    unit = {"media": [{"id": "disk", "path": str(medium.path), "uuid": medium.uuid, "label": medium.label}]}
    whole = Agency(tmp_path / "agency", sites, unit).write()
    (medium.path / "LAMAN-MEDIUM.json").write_text('{"id": "disk"}')
    return whole


@pytest.fixture
def secret_password(fleet: Fleet) -> Iterator[None]:
    """The backup account of the WordPress database gets the canary as its password, for the test's duration."""
    account = fleet.vps.facts["fleet_db_user"]

    def set_to(password: str) -> None:
        fleet.vps.admin("mariadb", stdin=f"ALTER USER '{account}'@'localhost' IDENTIFIED BY '{password}';\n")

    set_to(CANARY)
    yield
    set_to(fleet.vps.facts["fleet_db_password"])


@contextmanager
def watching_command_lines(secret: str) -> Iterator[list[str]]:
    """Look at every command line of this machine, the containers' processes included, as often as possible."""
    seen: list[str] = []
    looks = 0
    stop = threading.Event()

    def look() -> None:
        nonlocal looks
        while not stop.is_set():
            looks += 1
            for entry in Path("/proc").iterdir():
                if not entry.name.isdigit():
                    continue
                try:
                    line = (entry / "cmdline").read_bytes()
                except OSError:
                    continue  # it ended while we looked
                if secret.encode() in line:
                    seen.append(line.replace(b"\0", b" ").decode(errors="replace"))

    thread = threading.Thread(target=look)
    thread.start()
    yield seen
    stop.set()
    thread.join()
    assert looks > 20, "too few looks to prove anything"


def files_with(secret: str, *folders: Path) -> list[Path]:
    """Every file below the folders that holds the secret; archives of the workbook kind are looked into."""
    found = []
    for folder in folders:
        for path in (p for p in folder.rglob("*") if p.is_file() and not p.is_symlink()):
            contents = [path.read_bytes()]
            if zipfile.is_zipfile(path):
                with zipfile.ZipFile(path) as whole:
                    contents.extend(whole.read(name) for name in whole.namelist())
            if any(secret.encode() in content for content in contents):
                found.append(path)
    return found


@pytest.mark.usefixtures("secret_password")
def test_all_three_activities_on_both_hosts_and_the_secret_is_nowhere(
    agency: Agency, medium: LoopMedium, fleet: Fleet
) -> None:
    with watching_command_lines(CANARY) as seen:
        done = agency.laman("run", "all", LAMAN_SECRET_DB=CANARY)
    assert done.returncode == 0, done.stdout + done.stderr
    executions = agency.executions()
    assert {(e["site"], e["activity"]): e["verdict"] for e in executions} == {
        (site, activity): "sesuai" for site in ("vps", "shared") for activity in (1, 2, 3)
    }
    assert agency.laman("report", "--output", str(agency.folder / "x.xlsx")).returncode == 0
    assert agency.laman("verify").returncode == 0
    assert seen == []
    assert files_with(CANARY, agency.folder, medium.path, Path("/dev/shm")) == []
    assert CANARY not in done.stdout + done.stderr
    assert len(list((medium.path / "laman" / "vps").glob("2*/MANIFEST.json"))) == 1
    # The control: the secret really was in use, so its absence means something.
    wrong = agency.laman("run", "backup", "--site", "vps", LAMAN_SECRET_DB="salah")
    assert wrong.returncode == 2
    assert "database" in agency.executions()[-1]["requirement"]["reason"]


def test_hostile_log_lines_pass_as_harmless_text(agency: Agency, fleet: Fleet) -> None:
    log = fleet.shared.facts["fleet_log_paths"][0]
    stamp = datetime.now(UTC).strftime("%d/%b/%Y:%H:%M:%S +0000").encode()
    often = [HOSTILE[0]] * 5_000 + HOSTILE  # often enough to be among the top paths of the workbook
    lines = b"\n".join(line % stamp for line in often) + b"\n" + b"A" * 1_000_000 + b"\n"
    fleet.shared.admin(f"base64 -d >> {log}", stdin=base64.b64encode(lines).decode())
    done = agency.laman("run", "visitor-log", "--site", "shared")
    assert done.returncode == 0, done.stdout + done.stderr
    (execution,) = agency.executions()
    review = agency.laman("review", execution["id"])
    for text in (done.stdout, review.stdout, agency.laman("status").stdout):
        assert not {"\x1b", "\x07"} & set(text)
    assert "UNION SELECT" in review.stdout.upper() or "union" in review.stdout.lower()
    target = agency.folder / "x.xlsx"
    assert agency.laman("report", "--output", str(target)).returncode == 0
    book = openpyxl.load_workbook(target)
    texts = [c for sheet in book for row in sheet.iter_rows() for c in row if isinstance(c.value, str)]
    assert not [c.value for c in texts if c.data_type == "f" and ("cmd|" in c.value or "HYPERLINK" in c.value)]
    assert any("cmd" in c.value for c in texts), "the hostile path should be shown, as text"


def test_a_full_disk_of_the_control_node_is_said_and_the_next_run_works(
    agency: Agency, fleet: Fleet, loop_medium: MediumFactory
) -> None:
    disk = loop_medium(64, "KONTROL")
    agency.unit["state_dir"] = str(disk.path / "state")
    agency.write()
    assert agency.laman("run", "visitor-log", "--site", "shared").returncode == 0
    log = fleet.shared.facts["fleet_log_paths"][0]
    noise = "".join(f"{random.Random(n).randbytes(400).hex()}\\n" for n in range(5_000))  # 4 MB, rejected but kept
    fleet.shared.admin(f"cat >> {log}", stdin=noise)
    ballast = disk.fill()
    full = agency.laman("run", "visitor-log", "--site", "shared")
    assert full.returncode in (1, 2)
    said = full.stdout + full.stderr
    assert "no space" in said.lower() or "full" in said.lower(), said
    assert "Traceback" not in said
    ballast.unlink()
    assert agency.laman("verify").returncode == 0
    assert agency.laman("run", "visitor-log", "--site", "shared").returncode == 0
    last = agency.executions()[-1]
    assert last["verdict"] == "sesuai"
