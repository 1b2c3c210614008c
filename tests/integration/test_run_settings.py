"""Before anything is begun: settings that cannot be used are named, and nobody gets a deviation for a typo."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from reporting.cli.common import activity_of, executor_of, standard_today, this_agent, today
from reporting.events import KIND_FINISHED, KIND_STARTED
from reporting.ledger import Archive, open_ledger
from reporting.runner import run as runner
from reporting.runner.model import Record, RunRequest
from reporting.runner.play import CannotRun
from reporting.runner.settings import settings_problems
from reporting.unit import Inventory, read_inventory
from tests.integration.agency import Agency
from tests.integration.test_run import make_site, silent_server

__all__ = ["silent_server"]
EXAMPLE = Path(__file__).resolve().parents[2] / "inventory" / "example"
SECTION = {"name": "Berita", "url": "http://127.0.0.1:9/", "owner": "Humas", "limit_days": 7}
CONTENT: dict[str, Any] = {"content_status_sections": [SECTION], "visitor_log_paths": ["/var/log/x/access.log*"]}


@pytest.fixture
def agency(tmp_path: Path) -> Agency:
    sites = {site: make_site(tmp_path / site) | CONTENT for site in ("www", "ppid")}
    return Agency(tmp_path / "agency", sites).write()


def refused(agency: Agency, *arguments: str) -> list[str]:
    """What a run says that must not come about; nothing is recorded by it."""
    done = agency.laman("run", *arguments)
    assert (done.returncode, done.stdout) == (1, "")
    assert "Traceback" not in done.stderr
    assert not agency.state.exists()
    return done.stderr.removeprefix("laman: ").splitlines()


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("host_vars/www.yml", "broken: [", "host_vars/www.yml, line 1, column 10: not valid YAML"),
        ("group_vars/all/roles.yml", "a: 1\nsite_backup_medium: [\n", "roles.yml, line 3, column 1: not valid YAML"),
        ("group_vars/all/vault.yml", "$ANSIBLE_VAULT;1.1;AES256\n6162\n", "no vault secrets found"),
        ("hosts.yml", "sites: {hosts: {www: {ansible_connection: '{{ nowhere }}'}}}", "'nowhere' is undefined"),
        ("hosts.yml", "sites: {hosts: {www: {ansible_connection: pigeon}}}", "the connection plugin 'pigeon'"),
        ("hosts.yml", "sites: {hosts: 5}", "hosts.yml: group 'sites': hosts: a mapping is expected"),
    ],
)
def test_what_cannot_be_read_is_one_line_and_records_nothing(
    agency: Agency, name: str, content: str, says: str
) -> None:
    if name == "hosts.yml":
        agency.sites["www"]["ansible_host"] = "127.0.0.1"  # so that host_vars name no connection
        agency.write()
    (agency.inventory / name).write_text(content)
    (line,) = refused(agency, "backup")
    assert says in line


def test_a_typo_is_named_with_site_and_variable_and_records_nothing(agency: Agency) -> None:
    database = {"name": "data", "kind": "mysql", "database": "web", "user": "u", "password": "R4hasia"}
    agency.sites["www"]["site_backup_databases"] = [database]
    agency.sites["ppid"] |= {"site_backup_tree": [], "site_backup_databases": ["R4hasia"]}
    agency.write()
    said = refused(agency, "all")
    assert "R4hasia" not in " ".join(said)
    assert [line.split(":")[0] for line in said] == ["www", "ppid", "ppid"]
    assert "site_backup_databases.0" in said[0]
    assert "'mariadb', 'postgresql', 'sqlite'" in said[0]
    assert "site_backup_tree: role site_backup has no such variable; did you mean site_backup_trees?" in said[1]
    assert "site_backup_databases: a list of dict is expected" in said[2]


def test_only_what_was_asked_for_is_looked_at(agency: Agency) -> None:
    agency.sites["ppid"]["content_status_sections"] = []
    agency.sites["www"]["visitor_log_paths"] = []
    agency.write()
    assert agency.laman("run", "backup").returncode == 0


def test_check_names_what_run_would_refuse(agency: Agency) -> None:
    agency.sites["www"]["content_status_sections"] = []
    agency.sites["ppid"] |= {
        "content_status_sections": [SECTION | {"limit_days": "banyak"}],
        "content_status_retries": 99,
        "visitor_log_paths": ["access.log"],
        "site_backup_medium": "{{ disk_of_nobody }}",
    }
    agency.write()
    done = agency.laman("check", "--offline")
    assert done.returncode == 1
    wrong = [line for line in done.stdout.splitlines() if line.startswith("FIX")]
    assert [line.split(": ")[:2] for line in wrong] == [
        ["FIX  settings of www", "content_status_sections"],
        ["FIX  settings of ppid", "content_status_sections"],
        ["FIX  settings of ppid", "site_backup_medium"],
        ["FIX  settings of ppid", "visitor_log_paths"],
    ]
    assert "banyak" in wrong[1]
    assert "'disk_of_nobody' is undefined" in wrong[2]
    agency.sites["ppid"] |= CONTENT | {"site_backup_medium": {"path": "/x"}}
    agency.write()
    wrong = [line for line in agency.laman("check", "--offline").stdout.splitlines() if line.startswith("FIX")]
    assert "content_status_retries: Input should be less than or equal to 5; given: 99" in wrong[1]
    assert "site_backup_medium.id: Field required" in wrong[2]


def test_check_of_usable_settings_is_one_line(agency: Agency) -> None:
    done = agency.laman("check", "--offline")
    assert done.returncode == 0, done.stdout
    assert "the roles' variables of 2 site(s) are usable" in done.stdout


@pytest.mark.parametrize("encrypted", [False, True])
def test_the_example_is_usable_once_its_vault_is_there(
    tmp_path: Path, encrypted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "inventory"
    shutil.copytree(EXAMPLE, folder)
    vault = folder / "group_vars" / "all" / "vault.yml"
    inventory = read_inventory(folder)
    if not encrypted:
        (problem,) = settings_problems(inventory, inventory.sites, (1, 2, 3))["arsip"]
        assert "cPanel token is empty: set site_access_cpanel_token" in problem
        assert "vault_arsip_cpanel_token in group_vars/all/vault.yml" in problem
    shutil.copy(vault.with_name("vault.yml.example"), vault)
    if encrypted:
        password = tmp_path / "password"
        password.write_text("kata sandi\n")
        tool = Path(sys.executable).with_name("ansible-vault")
        command = [str(tool), "encrypt", "--vault-password-file", str(password), str(vault)]
        subprocess.run(command, check=True, capture_output=True)
        assert vault.read_text().startswith("$ANSIBLE_VAULT")
        monkeypatch.setenv("ANSIBLE_VAULT_PASSWORD_FILE", str(password))
    assert settings_problems(inventory, inventory.sites, (1, 2, 3)) == {}


def test_the_record_may_lie_in_the_inventory_folder(agency: Agency) -> None:
    """Ansible takes a whole folder as inventory when it is given one: evidence from the sites would be settings."""
    agency.unit["state_dir"] = "state"
    agency.write()
    stray = agency.inventory / "state" / "archive" / "evidence.yml"
    stray.parent.mkdir(parents=True)
    stray.write_text("sites: {hosts: {evil: }, vars: {site_access_method: cpanel_api}}\n")
    (agency.inventory / "state" / "access.log").write_text("192.0.2.1 - - [22/Nov/2026] GET /\n")
    (agency.inventory / "notes.ini").write_text("[sites:vars]\nsite_access_method=cpanel_api\n")
    done = agency.laman("run", "backup", "--json")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("minutes", ["nan", "inf", "0", "-1", "banyak", "1e9"])
def test_a_time_limit_that_is_none_is_one_line(agency: Agency, minutes: str) -> None:
    (line,) = refused(agency, "backup", f"--time-limit={minutes}")
    assert f"--time-limit: {minutes!r}: a number of minutes is expected" in line


# -- in this process: what the command line has no word for


def record_of(inventory: Inventory) -> Record:
    ledger = open_ledger(None, inventory.state_dir, inventory.unit.id)
    return Record(inventory=inventory, ledger=ledger, archive=Archive(inventory.state_dir / "archive"))


def request_of(inventory: Inventory, number: int, forks: int) -> RunRequest:
    standard = standard_today(inventory)
    executor = executor_of(inventory, standard, number, today(inventory))
    return RunRequest(
        activity=activity_of(standard, number),
        sites=inventory.sites,
        executors=dict.fromkeys(inventory.sites, executor),
        agent=this_agent(),
        limit_minutes=10,
        forks=forks,
    )


class Silent:
    """Nobody watches."""

    def begin(self, request: RunRequest, sites: list[str]) -> None: ...
    def task(self, site: str, name: str) -> None: ...
    def done(self, site: str, state: str, note: str) -> None: ...
    def tick(self) -> None: ...
    def end(self) -> None: ...


@pytest.mark.parametrize(
    ("playbook", "says"),
    [
        ("- hosts: sites\n  rolls: [site_backup]\n", "'rolls' is not a valid attribute for a Play"),
        ("- hosts: sites\n  roles: [site_bakcup]\n", "the role 'site_bakcup' was not found"),
    ],
)
def test_a_playbook_that_ansible_refuses_is_said_with_its_cause(
    agency: Agency, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, playbook: str, says: str
) -> None:
    """What was begun stays on record, and the line names the cause."""
    (tmp_path / "playbooks").mkdir()
    (tmp_path / "playbooks" / "backup.yml").write_text(playbook)
    monkeypatch.setattr(runner, "PLAYBOOKS", tmp_path / "playbooks")
    inventory = read_inventory(agency.inventory)
    record = record_of(inventory)
    with pytest.raises(CannotRun) as caught:
        runner.run_activity(request_of(inventory, 2, 3), record, Silent())
    assert str(caught.value).startswith("ansible could not run backup.yml: [ERROR]: ")
    assert says in str(caught.value)
    assert "Origin: " in str(caught.value)
    assert "\n" not in str(caught.value)
    assert [e.kind for e in record.ledger.events([KIND_STARTED, KIND_FINISHED])].count(KIND_FINISHED) == 2
    record.ledger.close()


def test_a_site_waits_for_its_turn_before_its_minutes_begin(tmp_path: Path, silent_server: int) -> None:
    """Twelve sites, three at once: no more than three are being worked on at any moment, and the slow one is alone."""
    slow = {
        "content_status_sections": [SECTION | {"url": f"http://127.0.0.1:{silent_server}/"}],
        "content_status_timeout": 12,
        "content_status_total_timeout": 12,
    }
    usual = {"content_status_sections": [SECTION]}
    sites: dict[str, dict[str, Any]] = {f"site{n:02}": dict(usual) for n in range(12)}
    sites["site01"] = slow
    inventory = read_inventory(Agency(tmp_path / "agency", sites).write().inventory)
    record = record_of(inventory)
    result = runner.run_activity(request_of(inventory, 1, 3), record, Silent())
    record.ledger.close()
    spans = {}
    for site in result.sites:
        assert site.finished is not None
        assert site.finished.began_at is not None
        spans[site.site] = (site.finished.began_at, site.finished.ended_at)
    at_once = [sum(a <= begun < b for a, b in spans.values()) for begun, _ in spans.values()]
    assert max(at_once) <= 3
    seconds = {site: (b - a).total_seconds() for site, (a, b) in spans.items()}
    assert seconds["site01"] >= 12
    assert all(seconds[site] < 12 for site in spans if site != "site01"), seconds
