"""Every role has the same shape, and says of every variable what it is."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
ROLES = sorted(path.name for path in (ROOT / "roles").iterdir() if path.is_dir())


def test_there_are_roles() -> None:
    assert {"backup_media", "content_status", "site_access", "site_backup", "visitor_log"} <= set(ROLES)


@pytest.mark.parametrize("role", ROLES)
def test_defaults_and_argument_specs_have_the_same_keys(role: str) -> None:
    defaults = yaml.safe_load((ROOT / "roles" / role / "defaults" / "main.yml").read_text())
    spec = yaml.safe_load((ROOT / "roles" / role / "meta" / "argument_specs.yml").read_text())
    options = spec["argument_specs"]["main"]["options"]
    assert set(defaults) == set(options)
    assert all(option.get("description") for option in options.values())
    assert all(name.startswith(f"{role}_") for name in options)


@pytest.mark.parametrize("role", ROLES)
def test_every_default_is_explained_above_it(role: str) -> None:
    lines = (ROOT / "roles" / role / "defaults" / "main.yml").read_text().splitlines()
    unexplained, explained = [], False
    for line in lines:
        if line.startswith("#"):
            explained = True
        elif not line.strip():
            explained = False
        elif line.startswith(f"{role}_") and not explained:
            unexplained.append(line.split(":")[0])
    assert unexplained == []


@pytest.mark.parametrize("role", ROLES)
def test_every_role_has_its_papers_and_its_scenario(role: str) -> None:
    folder = ROOT / "roles" / role
    for name in ("README.md", "meta/main.yml", "tasks/main.yml", f"molecule/{role}/molecule.yml",
                 f"molecule/{role}/converge.yml", f"molecule/{role}/verify.yml"):  # fmt: skip
        assert (folder / name).is_file(), f"{role}/{name}"
    verify = (folder / "molecule" / role / "verify.yml").read_text()
    assert "hosts_present.yml" in verify, (
        "a molecule run without hosts is green: verify must assert that they are there"
    )


@pytest.mark.parametrize("playbook", sorted(p.name for p in (ROOT / "playbooks").glob("*.yml")))
def test_playbooks_hold_hosts_and_roles_and_nothing_else(playbook: str) -> None:
    allowed = {"name", "hosts", "gather_facts", "strategy", "roles"}
    for play in yaml.safe_load((ROOT / "playbooks" / playbook).read_text()):
        assert set(play) <= allowed
        assert all(isinstance(role, str) or set(role) <= {"role"} for role in play["roles"])
