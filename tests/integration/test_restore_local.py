"""`backup restore` of a damaged site, of incomplete sets, of sets with the environment; the site is a folder here."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from reporting.backup_set.howto import how_to_restore
from reporting.backup_set.manifest import ENVIRONMENT, read_manifest

from .agency import Agency


@pytest.fixture
def agency(tmp_path: Path) -> Agency:
    web = tmp_path / "web"
    web.mkdir()
    for number in range(5):
        (web / f"page{number}.html").write_text(f"page {number}")
    (web / "zz-a").write_text("data")
    os.link(web / "zz-a", web / "zz-b")
    site = {"site_backup_trees": [{"name": "laman", "path": str(web)}]}
    return Agency(tmp_path / "agency", {"web": site}).write()


def back_up(agency: Agency) -> Path:
    done = agency.laman("run", "backup", "--site", "web")
    assert done.returncode == 0, done.stdout + done.stderr
    return agency.sets("web")[-1]


def test_an_emptied_site_is_saved_as_it_is_and_brought_back(agency: Agency, tmp_path: Path) -> None:
    made = back_up(agency)
    for path in (tmp_path / "web").iterdir():
        path.unlink()
    planned = agency.laman("backup", "restore", made.name, "--site", "web")
    assert planned.returncode == 0, planned.stdout + planned.stderr
    done = agency.laman("backup", "restore", made.name, "--site", "web", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "RESTORED and equal" in done.stdout
    assert len(list((tmp_path / "web").iterdir())) == 7
    undo = [folder for folder in agency.sets("web") if folder != made]
    assert len(undo) == 1
    assert read_manifest(undo[0]).complete


def test_what_would_stop_the_undo_set_is_said_before_and_the_way_on_is_named(agency: Agency, tmp_path: Path) -> None:
    made = back_up(agency)
    folder = tmp_path / made.name
    shutil.copytree(made, folder)
    (agency.medium / "LAMAN-MEDIUM.json").unlink()
    (tmp_path / "web/page1.html").unlink()
    for words in ((), ("--yes",)):
        refused = agency.laman("backup", "restore", str(folder), "--site", "web", *words)
        assert refused.returncode == 1, refused.stdout + refused.stderr
        assert "what is there now cannot be saved first" in refused.stdout
        assert "--no-undo" in refused.stdout.splitlines()[-1]
        assert "no way back" in refused.stdout.splitlines()[-1]
    done = agency.laman("backup", "restore", str(folder), "--site", "web", "--yes", "--no-undo")
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "web/page1.html").exists()


def test_a_set_with_the_environment_goes_back_without_it(agency: Agency, tmp_path: Path) -> None:
    agency.sites["web"]["site_backup_environment"] = ["cms"]
    agency.write()
    made = back_up(agency)
    manifest = read_manifest(made)
    assert [part.source for part in manifest.parts if part.for_reading] == [ENVIRONMENT]
    text = how_to_restore(manifest, made)  # type: ignore[arg-type]
    back = [line for line in text.splitlines() if "SITUS-" in line]
    assert back
    assert not [line for line in back if "lingkungan" in line]
    (tmp_path / "web/page1.html").unlink()
    done = agency.laman("backup", "restore", made.name, "--site", "web", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "lingkungan: by hand" in done.stdout


def test_an_incomplete_set_is_never_called_equal(agency: Agency, tmp_path: Path) -> None:
    made = back_up(agency)
    file = made / "MANIFEST.json"
    manifest = json.loads(file.read_text()) | {"complete": False, "problems": ["laman: secret.php cannot be read"]}
    file.chmod(0o600)
    folder = tmp_path / f"{made.name}.tidak-lengkap"
    shutil.copytree(made, folder)
    (folder / "MANIFEST.json").write_text(json.dumps(manifest))
    (tmp_path / "web/page1.html").unlink()
    (tmp_path / "web/extra.html").write_text("kept")

    planned = agency.laman("backup", "restore", str(folder), "--site", "web")
    assert planned.returncode == 2, planned.stdout + planned.stderr
    assert "secret.php cannot be read" in planned.stdout
    refused = agency.laman("backup", "restore", str(folder), "--site", "web", "--yes", "--delete-extra")
    assert refused.returncode == 1, refused.stdout + refused.stderr
    assert "--incomplete" in refused.stdout
    done = agency.laman("backup", "restore", str(folder), "--site", "web", "--yes")
    assert done.returncode == 2, done.stdout + done.stderr
    assert "RESTORED and equal" not in done.stdout
    assert "secret.php cannot be read" in done.stdout
    assert (tmp_path / "web/extra.html").exists()
    asked = agency.laman("backup", "restore", str(folder), "--site", "web", "--yes", "--delete-extra", "--incomplete")
    assert asked.returncode == 2, asked.stdout + asked.stderr
    assert not (tmp_path / "web/extra.html").exists()
    out = agency.laman("backup", "restore", str(folder), "--to", str(tmp_path / "out"))
    assert out.returncode == 2, out.stdout + out.stderr
    assert "secret.php cannot be read" in out.stdout


def test_single_files_a_hard_link_alone_and_a_pattern_that_finds_nothing(agency: Agency, tmp_path: Path) -> None:
    made = back_up(agency)
    one = agency.laman("backup", "restore", made.name, "--to", str(tmp_path / "one"), "--file", "zz-b")
    assert one.returncode == 0, one.stdout + one.stderr
    assert (tmp_path / "one/laman/web/zz-b").read_text() == "data"
    assert not (tmp_path / "one/laman/web/zz-a").exists()
    words = ("--file", "page1.html", "--file", "nomatch")
    two = agency.laman("backup", "restore", made.name, "--to", str(tmp_path / "two"), *words)
    assert two.returncode == 1, two.stdout + two.stderr
    assert "'nomatch'" in two.stderr
    assert not (tmp_path / "two").exists()

    (tmp_path / "web/zz-b").unlink()
    back = agency.laman("backup", "restore", made.name, "--site", "web", "--yes")
    assert back.returncode == 0, back.stdout + back.stderr
    assert (tmp_path / "web/zz-b").read_text() == (tmp_path / "web/zz-a").read_text() == "data"
