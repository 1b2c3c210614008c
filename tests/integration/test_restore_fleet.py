"""The fleet's WordPress destroyed and brought back: by `laman backup restore --site`, and by hand by the set's text."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reporting.backup_set.manifest import Pages, read_manifest
from reporting.backup_set.pages import compare_pages, fetcher, record_pages
from tests.fleet.fixtures import MediumFactory
from tests.fleet.host import Host
from tests.fleet.manager import Fleet
from tests.fleet.medium import LoopMedium
from tests.integration.agency import Agency
from tests.integration.mariadb import ROWS, content
from tests.integration.test_fleet_run import ssh_variables
from tests.integration.test_site_backup import LIST_TREE, commands

DEFINER = "root@localhost"


@pytest.fixture(scope="module", autouse=True)
def _leave_the_hosts_as_new(fleet: Fleet) -> Iterator[None]:
    yield
    fleet.renew("shared")
    fleet.renew("vps")


@pytest.fixture
def vps(fleet: Fleet) -> Host:
    return fleet.renew("vps")


@pytest.fixture
def agency(fleet: Fleet, loop_medium: MediumFactory, tmp_path: Path) -> Agency:
    medium = loop_medium(1000, "LAMAN-UJI")
    facts = fleet.vps.facts
    read = {"user": facts["fleet_db_user"], "password": facts["fleet_db_password"]}
    base = {"name": "isi", "kind": "mariadb", "database": facts["fleet_db_name"], "socket": facts["fleet_db_socket"]}
    site = ssh_variables(fleet, "vps") | {
        "site_backup_trees": [{"name": "laman", "path": facts["fleet_site_path"], "exclude": ["wp-content/cache/*"]}],
        "site_backup_databases": [base | read],
        "site_backup_pages_url": facts["fleet_url"],
        "site_backup_become": True,
        "site_restore_databases": [base],  # root over the socket, as sudo makes it
    }
    unit = {"media": [{"id": "disk", "path": str(medium.path), "uuid": medium.uuid, "label": medium.label}]}
    whole = Agency(tmp_path / "agency", {"vps": site}, unit).write()
    (medium.path / "LAMAN-MEDIUM.json").write_text('{"id": "disk"}')
    whole.__dict__["disk"] = medium
    return whole


def _disk(agency: Agency) -> LoopMedium:
    medium: LoopMedium = agency.__dict__["disk"]
    return medium


def _back_up(agency: Agency) -> Path:
    done = agency.laman("run", "backup", "--site", "vps")
    assert done.returncode == 0, done.stdout + done.stderr
    folders = sorted(p for p in (_disk(agency).path / "laman/vps").iterdir() if p.name.startswith("2"))
    return folders[-1]


def _files(vps: Host) -> list[str]:
    root = Path(vps.facts["fleet_site_path"])
    owners = f"find {root} -printf '%u %g %m %p\\n' | LC_ALL=C sort"
    return vps.admin(f"cd {root.parent} && {LIST_TREE.format(root.name)}; {owners}").stdout.splitlines()


def _rows(vps: Host) -> dict[str, list[str]]:
    """Every row; without what WordPress notes for itself when it is visited."""
    name = vps.facts["fleet_db_name"]
    rows = content(lambda text: vps.admin(f"mariadb {' '.join(ROWS)} {name}", stdin=text).stdout)
    rows["wp_options"] = [row for row in rows["wp_options"] if "_transient" not in row and "\tcron\t" not in row]
    return rows


def _pages(vps: Host) -> Pages:
    url = vps.facts["fleet_url"]
    pages = record_pages(url, fetcher(url))
    assert len(pages.pages) >= 5, pages
    return pages


def _wrong(pages: Pages) -> list[str]:
    return [f"{page.path}: {what}" for page, what in compare_pages(pages, fetcher(pages.base)) if what]


def _destroy(vps: Host, pages: Pages) -> None:
    vps.admin(f"rm -rf {vps.facts['fleet_site_path']}; mariadb -e 'DROP DATABASE {vps.facts['fleet_db_name']}'")
    assert len(_wrong(pages)) == len([page for page in pages.pages if page.stable]), "it is not destroyed"


def _event(agency: Agency) -> dict[str, Any]:
    (file,) = (agency.state / "archive").rglob("restore.json")
    event: dict[str, Any] = json.loads(file.read_text())
    return event


def test_a_destroyed_wordpress_is_brought_back_equal(agency: Agency, vps: Host, capsys: Any) -> None:
    pages = _pages(vps)
    folder = _back_up(agency)
    files, rows = _files(vps), _rows(vps)
    recorded = read_manifest(folder).pages
    assert recorded is not None
    assert {page.path for page in recorded.pages} == {page.path for page in pages.pages}
    _destroy(vps, pages)

    planned = agency.laman("backup", "restore", folder.name, "--site", "vps")
    assert planned.returncode == 0, planned.stdout + planned.stderr
    assert "Nothing was changed" in planned.stdout
    assert vps.admin(f"ls {vps.facts['fleet_site_path']}", check=False).returncode != 0

    began = time.monotonic()
    done = agency.laman("backup", "restore", folder.name, "--site", "vps", "--yes")
    seconds = time.monotonic() - began
    assert done.returncode == 0, done.stdout + done.stderr
    assert "RESTORED and equal" in done.stdout
    assert _wrong(pages) == []
    assert _files(vps) == files
    assert _rows(vps) == rows
    event = _event(agency)
    assert (event["status"], event["undo"]) == ("equal", "")  # nothing was there to be saved
    assert {c["what"] for c in event["compared"]} >= {
        "files",
        "tables",
        "triggers",
        "routines",
        "events",
        "views",
        "pages",
    }
    with capsys.disabled():
        print(f"\nWordPress destroyed and brought back with laman in {seconds:.1f} s")


def test_a_defaced_wordpress_is_brought_back_and_the_restore_undone(agency: Agency, vps: Host) -> None:
    pages = _pages(vps)
    folder = _back_up(agency)
    files, rows = _files(vps), _rows(vps)
    root = vps.facts["fleet_site_path"]
    vps.admin(
        f"cd {root} && printf '<?php echo \"owned\"; exit;' > index.php && printf x > wp-content/uploads/shell.php && "
        "chmod 666 wp-config.php && rm wp-login.php && rm -r wp-content/uploads/gambar && "
        "mkdir -p wp-content/cache wp-includes/version.php.d && echo keep > wp-content/cache/warm && "
        "rm -r wp-content/uploads/dokumen && ln -s /etc wp-content/uploads/dokumen && "
        "mariadb wordpress -e 'DELETE FROM wp_posts LIMIT 7; DROP TRIGGER laman_survei_catat; "
        "CREATE TABLE asing (a INT)'"
    )
    assert _wrong(pages)
    defaced = _files(vps)
    done = agency.laman("backup", "restore", folder.name, "--site", "vps", "--yes", "--delete-extra", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    event = json.loads(done.stdout)
    assert event["status"] == "equal"
    assert event["changes"]["files_extra"] >= 1
    assert _wrong(pages) == []
    assert _rows(vps) == rows
    now = _files(vps)
    assert set(files) - set(now) == set(), "owner, mode, link and content of every file are those of before"
    assert not [line for line in now if "uploads/shell.php" in line]
    assert vps.admin(f"cat {root}/wp-content/cache/warm").stdout == "keep\n"  # left out by setting: never touched
    assert vps.admin("ls /etc/passwd").returncode == 0

    undone = agency.laman("backup", "restore", event["undo"], "--site", "vps", "--yes", "--delete-extra")
    assert undone.returncode in (0, 2), undone.stdout + undone.stderr
    again = _files(vps)
    assert [line for line in again if "uploads/shell.php" in line]
    assert set(defaced) <= set(again)


def test_a_line_cut_while_it_is_pushed_changes_nothing(agency: Agency, vps: Host, fleet: Fleet) -> None:
    """The tree is unpacked beside: what did not arrive whole never takes its place."""
    folder = _back_up(agency)
    root = Path(vps.facts["fleet_site_path"])
    vps.admin(f"rm -r {root}/wp-includes")
    before = _files(vps)
    cut = "head -c 3000000 | /usr/bin/tar -xpf -; exit 2"
    fake = f'#!/bin/sh\ncase "$*" in *-xpf*) {cut};; esac\nexec /usr/bin/tar "$@"\n'
    vps.admin("cat > /usr/local/bin/tar && chmod 755 /usr/local/bin/tar", stdin=fake)
    try:
        done = agency.laman("backup", "restore", folder.name, "--site", "vps", "--yes")
    finally:
        vps.admin("rm -f /usr/local/bin/tar")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "nothing was changed" in done.stdout
    assert _files(vps) == before
    assert ".laman-pulih" not in vps.admin(f"ls -A {root.parent}").stdout
    again = agency.laman("backup", "restore", folder.name, "--site", "vps", "--yes")
    assert again.returncode == 0, again.stdout + again.stderr


def test_definers_that_the_account_may_not_use_are_named_and_replaced_on_request(agency: Agency, vps: Host) -> None:
    facts = vps.facts
    agency.sites["vps"]["site_restore_databases"] = [
        {"name": "isi", "kind": "mariadb", "database": facts["fleet_db_name"], "socket": facts["fleet_db_socket"],
         "user": facts["fleet_db_owner_user"], "password": facts["fleet_db_owner_password"]}
    ]  # fmt: skip
    agency.write()
    (_disk(agency).path / "LAMAN-MEDIUM.json").write_text('{"id": "disk"}')
    folder = _back_up(agency)
    vps.admin("mariadb wordpress -e 'DELETE FROM wp_posts LIMIT 3'")
    refused = agency.laman("backup", "restore", folder.name, "--site", "vps", "--yes")
    assert refused.returncode == 1, refused.stdout + refused.stderr
    assert f"run as {DEFINER}" in refused.stdout
    assert "--definer current" in refused.stdout
    rows = vps.admin("mariadb -N wordpress -e 'SELECT COUNT(*) FROM wp_posts'").stdout
    done = agency.laman("backup", "restore", folder.name, "--site", "vps", "--yes", "--definer", "current", "--no-undo")
    assert done.returncode == 0, done.stdout + done.stderr
    assert vps.admin("mariadb -N wordpress -e 'SELECT COUNT(*) FROM wp_posts'").stdout != rows
    definers = vps.admin(
        "mariadb -N -e \"SELECT DISTINCT definer FROM information_schema.triggers WHERE trigger_schema='wordpress'\""
    ).stdout.strip()
    assert definers == "wordpress@localhost"


def test_a_destroyed_wordpress_is_brought_back_by_hand(agency: Agency, vps: Host, tmp_path: Path, capsys: Any) -> None:
    """The commands of CARA-PULIHKAN.txt as they stand there; SITUS is what the text asks the reader to set."""
    pages = _pages(vps)
    folder = _back_up(agency)
    files, rows = _files(vps), _rows(vps)
    _destroy(vps, pages)
    situs = tmp_path / "situs"
    words = vps.ssh_argv("x", "root")[:-1]
    situs.write_text(f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n')
    situs.chmod(0o755)
    home = tmp_path / "home"
    home.mkdir()
    began = time.monotonic()
    script = f"set -eu\nSITUS={situs}\n" + _without_local_database(commands(folder))
    done = subprocess.run(
        ["sh", "-c", script],
        env={"HOME": str(home), "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"},
        capture_output=True,
        cwd="/",
    )
    seconds = time.monotonic() - began
    assert done.returncode == 0, done.stdout.decode() + done.stderr.decode()
    assert _wrong(pages) == []
    assert _files(vps) == files
    assert _rows(vps) == rows
    with capsys.disabled():
        print(f"\nWordPress destroyed and brought back by hand from CARA-PULIHKAN.txt in {seconds:.1f} s")


def _without_local_database(script: str) -> str:
    """This machine's own server is not started here: the copy of the database beside is what another test restores."""
    kept = [line for line in script.splitlines() if "mariadb" not in line or line.startswith('[ -z "${SITUS-}" ]')]
    assert len(kept) == len(script.splitlines()) - 2
    return "\n".join(kept)


def test_the_drill_starts_the_restored_wordpress_and_compares_its_pages(agency: Agency, vps: Host) -> None:
    need_php()
    folder = _back_up(agency)
    done = agency.laman("backup", "drill", "--latest", "--site", "vps", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    (event,) = json.loads(done.stdout)
    pages = next(c for c in event["compared"] if c["what"] == "pages")
    assert (event["status"], pages["state"]) == ("proven", "equal")
    assert pages["recorded"] >= 5

    manifest = json.loads((folder / "MANIFEST.json").read_text())
    manifest["pages"]["pages"][0]["sha256"] = "0" * 64
    (folder / "MANIFEST.json").write_text(json.dumps(manifest))
    other = agency.laman("backup", "drill", folder.name, "--json")
    assert other.returncode == 2
    (event,) = json.loads(other.stdout)
    assert event["status"] == "failed"
    assert [(c["what"], c["state"]) for c in event["compared"]] == [("record", "differs")], "it is not the set of then"


def need_php() -> None:
    """Skip on a machine without PHP and its MySQL module, fail where CI=true."""
    php = shutil.which("php")
    there = php is not None and "mysqli" in subprocess.run([php, "-m"], capture_output=True, text=True).stdout.split()
    if not there and os.environ.get("CI") == "true":
        pytest.fail("not installed: php with mysqli (apt-get install php-cli php-mysql)")
    if not there:
        pytest.skip("not installed: php with mysqli (apt-get install php-cli php-mysql)")
