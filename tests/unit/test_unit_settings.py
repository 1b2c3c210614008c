"""Settings that cannot be used: one line that names the file, the key, and what is expected."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

import pytest
import yaml

from reporting.unit import SettingsError, check_variables, read_inventory

EXAMPLE = Path(__file__).resolve().parents[2] / "inventory" / "example"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copytree(EXAMPLE, tmp_path / "inv")
    return tmp_path / "inv"


def edit(folder: Path, old: str, new: str, file: str = "group_vars/all/unit.yml") -> None:
    path = folder / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_the_example_is_whole(folder: Path) -> None:
    inventory = read_inventory(folder)
    assert inventory.sites == ["www", "ppdb", "arsip"]
    assert inventory.state_dir == (folder / Path(inventory.unit.state_dir).expanduser()).resolve()
    snapshot = inventory.snapshot(2025, 2027)
    assert snapshot.model_validate(snapshot.model_dump(mode="json")) == snapshot
    assert date(2026, 8, 17) in snapshot.unit.calendar.not_worked  # written out: no package can change it later


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("  id: lpmp-dki", "  id: LPMP DKI", r"unit\.yml: laman_unit\.id: "),
        ("name: LPMP DKI Jakarta", "nama: LPMP DKI Jakarta", r"laman_unit\.name: Field required \(and 1 more\)"),
        ("every: workday, hours: 24", "every: fortnight, hours: 24", r"laman_unit\.schedule\.2\.every"),
        (
            "every: week, day: monday, hours: 48",
            "every: week, hours: 48",
            r"schedule\.0: every: week needs day: a week",
        ),
        ("every: workday, hours: 24", "every: day, hours: 48", r"would overlap itself"),
        ("every: workday, hours: 24", "every: workday, sites: [wwww]", r"unknown site 'wwww'; hosts\.yml has: www"),
        ("rotation: []", "rotation: [disk-z]", r"backup\.rotation: 'disk-z' is not in media; there is: disk-a"),
        ("rotation: []", "rotation: [disk-a, disk-a]", r"laman_unit\.backup: rotation names a medium twice"),
        ("disc_recipients: []", "disc_recipients: [AGE-SECRET-KEY-1QQ]", r"laman_unit\.backup\.disc_recipients\.0: "),
        ("zone: Asia/Jakarta", "zone: Asia/Djakarta", r"calendar\.zone: unknown time zone 'Asia/Djakarta'"),
        ('"198001012005011001"', '"1980"', r"officers\.0\.nip"),
        ("    - id: siti", "    - id: budi", r"officers: id 'budi' is used twice"),
        ("laman_unit:", "laman_unitt:", r"key laman_unit is missing"),
        ("  city: Jakarta", "  city: [Jakarta", r"unit\.yml, line \d+, column \d+: not valid YAML"),
        ('start: "08:00", end: "15:00"', 'start: "16:00", end: "15:00"', r"start 16:00:00 must be before end"),
        ('["12:00", "12:30"]', '["07:00", "12:30"]', r"must lie inside the hours"),
    ],
)
def test_a_wrong_setting_is_one_line_with_file_and_key(folder: Path, old: str, new: str, says: str) -> None:
    edit(folder, old, new)
    with pytest.raises(SettingsError, match=says) as caught:
        read_inventory(folder)
    assert "\n" not in str(caught.value)
    assert "unit.yml" in str(caught.value)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("all: {children: {sites: {hosts: {}}}}", "group `sites` with at least one host"),
        ("[]", "groups: a mapping is expected"),
        ("all: {children: {sites: {hosts: {'../etc': }}}}", "site '../etc'"),
        ("all: {children: {sites: {hosts: {'WWW': }}}}", "site 'WWW'"),
        ("all: [", "not valid YAML"),
        ("sites: {hosts: 5}", "group 'sites': hosts: a mapping is expected .*, not int"),
        ("sites: {hosts: [a, b]}", "group 'sites': hosts: a mapping is expected .*, not list"),
        ("sites: {hosts: abc}", "group 'sites': hosts: a mapping is expected .*, not str"),
        ("sites: abc", "group 'sites': a mapping is expected"),
        ("sites: {hosts: {a: 5}}", "host 'a': a mapping is expected"),
        ("sites: {children: [a]}", "group 'sites': children: a mapping is expected"),
        ("abc", "groups: a mapping is expected"),
        ("sites: {hosts: {all: }}", "site 'all': .* reserved"),
        ("sites: {hosts: {ungrouped: }}", "site 'ungrouped'"),
        ("sites: {hosts: {sites: }}", "site 'sites'"),
        ("sites: {hosts: {localhost: }}", "site 'localhost'"),
        ("{sites: {hosts: {web: }}, web: {hosts: {a: }}}", "site 'web': that is the name of a group"),
    ],
)
def test_a_wrong_list_of_sites_is_one_line(folder: Path, content: str, says: str) -> None:
    (folder / "hosts.yml").write_text(content)
    with pytest.raises(SettingsError, match=says) as caught:
        read_inventory(folder)
    assert "hosts.yml" in str(caught.value)


@pytest.mark.parametrize(
    "content",
    [
        "sites: {children: {vps: {hosts: {a: , b: }}, shared: {children: {cpanel: {hosts: {c: }}}}}}",
        "{sites: {children: {vps: , shared: }}, vps: {hosts: {a: , b: }}, shared: {hosts: {c: , a: }}}",
        "all: {hosts: {x: }, children: {sites: {hosts: {a: }, children: {web: }}, web: {hosts: {b: , c: }}}}",
        "{sites: {hosts: {a: , b: }, children: {web: }}, web: {hosts: {c: }, children: {sites: }}}",  # a circle ends
    ],
)
def test_hosts_of_groups_below_sites_are_sites(folder: Path, content: str) -> None:
    (folder / "hosts.yml").write_text(content)
    assert read_inventory(folder).sites == ["a", "b", "c"]


def test_missing_folder_and_file_say_how_to_make_them(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="laman init DIR"):
        read_inventory(tmp_path / "nowhere")
    with pytest.raises(SettingsError, match=r"unit\.yml: no such file"):
        read_inventory(tmp_path)


def test_sites_are_found_in_nested_groups(folder: Path) -> None:
    nested = {"all": {"children": {"web": {"children": {"sites": {"hosts": {"a": None, "b": {"x": 1}}}}}}}}
    (folder / "hosts.yml").write_text(yaml.safe_dump(nested))
    edit(folder, "  schedule:", "  schedule: []\n  unused:")
    with pytest.raises(SettingsError, match="unused"):
        read_inventory(folder)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("host_vars/www.yml", "a: 1\nbroken: [", r"host_vars/www\.yml, line 2, column \d+: not valid YAML"),
        ("host_vars/www/more.yaml", "a: {{ b }}\n", r"host_vars/www/more\.yaml, line 1, column \d+: not valid YAML"),
        ("group_vars/sites", "\tx: 1", r"group_vars/sites, line 1, column \d+"),
        ("group_vars/all/roles.yml", "- a\n", r"roles\.yml: a mapping of variables"),
        ("host_vars/ppdb.yml", "day: 2026-13-45\n", r"ppdb\.yml: not valid YAML: month"),
    ],
)
def test_a_broken_file_of_variables_is_named_with_its_place(folder: Path, name: str, content: str, says: str) -> None:
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text(content)
    with pytest.raises(SettingsError, match=says) as caught:
        check_variables(read_inventory(folder))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("host_vars/www.yml", "secret: !vault |\n  $ANSIBLE_VAULT;1.1;AES256\n  6162\nplain: 1\n"),
        ("host_vars/www.yml", "$ANSIBLE_VAULT;1.1;AES256\n6162: [\n"),  # encrypted as a whole
        ("host_vars/www.yml", ""),
        ("group_vars/all/vault.yml.example", "a: ["),  # Ansible does not load these
        ("group_vars/all/.vault.yml.swp.yml", "a: ["),
        ("host_vars/www.yml~", "a: ["),
    ],
)
def test_what_ansible_opens_or_leaves_alone_is_left_alone(folder: Path, name: str, content: str) -> None:
    (folder / name).write_text(content)
    check_variables(read_inventory(folder))


def test_officers_are_in_office_by_date(folder: Path) -> None:
    edit(folder, "first: 2024-01-01", "first: 2024-01-01\n      last: 2025-12-31")
    unit = read_inventory(folder).unit
    assert unit.officer("budi", date(2025, 12, 31)) is not None
    assert unit.officer("Budi Santoso", date(2026, 1, 1)) is None
    assert unit.officer_for("pengelola_laman", date(2026, 1, 1)) is None
