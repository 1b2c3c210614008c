"""Settings that cannot be used: one line that names the file, the key, and what is expected."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

import pytest
import yaml

from reporting.unit import SettingsError, host_variables, read_inventory

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
    assert inventory.state_dir == (folder / inventory.unit.state_dir).resolve()
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
        ("[]", "group `sites`"),
        ("all: {children: {sites: {hosts: {'../etc': }}}}", "site '../etc'"),
        ("all: {children: {sites: {hosts: {'WWW': }}}}", "site 'WWW'"),
        ("all: [", "not valid YAML"),
    ],
)
def test_a_wrong_list_of_sites_is_one_line(folder: Path, content: str, says: str) -> None:
    (folder / "hosts.yml").write_text(content)
    with pytest.raises(SettingsError, match=says) as caught:
        read_inventory(folder)
    assert "hosts.yml" in str(caught.value)


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


def test_vaulted_values_are_opaque_and_harmless(folder: Path) -> None:
    (folder / "host_vars").mkdir(exist_ok=True)
    (folder / "host_vars" / "www.yml").write_text("secret: !vault |\n  $ANSIBLE_VAULT;1.1;AES256\n  6162\nplain: 1\n")
    values = host_variables(read_inventory(folder), "www")
    assert values["plain"] == 1
    assert values["secret"].startswith("$ANSIBLE_VAULT")


def test_officers_are_in_office_by_date(folder: Path) -> None:
    edit(folder, "first: 2024-01-01", "first: 2024-01-01\n      last: 2025-12-31")
    unit = read_inventory(folder).unit
    assert unit.officer("budi", date(2025, 12, 31)) is not None
    assert unit.officer("Budi Santoso", date(2026, 1, 1)) is None
    assert unit.officer_for("pengelola_laman", date(2026, 1, 1)) is None
