"""Activity 2 end to end: the role on real hosts, real databases and real media; and its sets restored by hand."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from reporting.backup_set.manifest import read_manifest
from tests.fleet.fixtures import MediumFactory
from tests.fleet.host import Host
from tests.fleet.manager import Fleet
from tests.fleet.medium import LoopMedium

from .loopback import Loopback, sshd
from .mariadb import ROWS, Server, content, server
from .playing import Played, play

CANARY = "canary-9b1f'\"#\\ ;$(x)`é"


@pytest.fixture(scope="module")
def database() -> Iterator[Server]:
    with server() as running:
        yield running


@pytest.fixture(scope="module")
def loopback() -> Iterator[Loopback]:
    folder = Path(tempfile.mkdtemp(prefix="lm-"))
    try:
        with sshd(folder) as host:
            yield host
    finally:
        shutil.rmtree(folder)


@pytest.fixture
def medium(loop_medium: MediumFactory) -> LoopMedium:
    made = loop_medium(200, "LAMANA")
    (made.path / "LAMAN-MEDIUM.json").write_text('{"id": "disk-a"}')
    return made


def settings(medium: LoopMedium, **more: Any) -> dict[str, Any]:
    return {
        "site_backup_medium": {"id": "disk-a", "path": str(medium.path), "uuid": medium.uuid},
        "site_backup_minimum_bytes": 1_000_000,
        **more,
    }


def sets(medium: LoopMedium, site: str) -> list[Path]:
    """All folders of a site on the medium, unfinished ones too."""
    home = medium.path / "laman" / site
    return sorted(path for path in home.iterdir() if path.is_dir()) if home.is_dir() else []


def commands(folder: Path) -> str:
    """The commands of CARA-PULIHKAN.txt, exactly as they stand there."""
    text = (folder / "CARA-PULIHKAN.txt").read_text()
    return "\n".join(line[4:] for line in text.splitlines() if line.startswith("    "))


def restore_by_hand(folder: Path, home: Path) -> Path:
    """Run the text's commands in one sh, with nothing but system tools in PATH; returns the folder they made."""
    environment = {"HOME": str(home), "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"}
    script = "set -eu\n" + commands(folder)
    done = subprocess.run(["sh", "-c", script], env=environment, capture_output=True, cwd="/")
    assert done.returncode == 0, done.stdout.decode() + done.stderr.decode()
    (made,) = home.glob("pulihkan-*")
    return made


LIST_TREE = (
    "find {0} -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum; "
    "find {0} -printf '%y %m %l %p\\n' | LC_ALL=C sort"
)


# -- WordPress on the VPS


def _wordpress(fleet: Fleet, medium: LoopMedium, **more: Any) -> dict[str, Any]:
    facts = fleet.vps.facts
    account = {"user": facts["fleet_db_user"], "password": facts["fleet_db_password"]}
    database = {"name": "isi", "kind": "mariadb", "database": facts["fleet_db_name"], **account}
    return settings(
        medium,
        site_backup_trees=[{"name": "laman", "path": facts["fleet_site_path"]}],
        site_backup_databases=[database | {"socket": facts["fleet_db_socket"]} | more],
        site_backup_become=True,
    )


def _ask(host: Host) -> Callable[[str], str]:
    name = host.facts["fleet_db_name"]
    return lambda text: host.admin(f"mariadb {' '.join(ROWS)} {name}", stdin=text).stdout


def test_wordpress_restored_by_hand_is_the_same_site(
    fleet: Fleet, medium: LoopMedium, tmp_path: Path, database: Server
) -> None:
    vps, root = fleet.vps, str(fleet.vps.facts["fleet_site_path"])
    listing = f"cd {Path(root).parent} && {LIST_TREE.format(Path(root).name)}"
    for _attempt in range(3):  # others may be reading the site, and WordPress notes that in its options
        before = (vps.admin(listing).stdout, content(_ask(vps)))
        played = play(tmp_path / "run", fleet.inventory_dir, limit="vps", **_wordpress(fleet, medium))
        assert played.rc == 0, played.screen
        if before == (vps.admin(listing).stdout, content(_ask(vps))):
            break
    else:
        pytest.fail("the site changed during each of three backups")
    folder = sets(medium, "vps")[-1]
    assert [item["ok"] for item in played.document["requirements"]] == [True, True, True]
    assert played.document["output_problems"] == []
    made = restore_by_hand(folder, database.home)
    try:
        tree = subprocess.run(
            ["sh", "-c", LIST_TREE.format(Path(root).name)], cwd=made / "laman", capture_output=True, check=True
        )
        assert tree.stdout.decode("utf-8", "surrogateescape").splitlines() == before[0].splitlines()
        restored = content(lambda text: database.sql(text, "wordpress"))
        assert restored == before[1]
        objects = restored["(objects)"]
        for kind in ("trigger", "routine", "event", "view"):
            assert [line for line in objects if line.startswith(f"{kind}\t")], (
                f"the source has no {kind} to prove it with"
            )
        assert len(restored["wp_posts"]) >= 30
    finally:
        database.sql("DROP DATABASE wordpress")
        shutil.rmtree(made)


def test_the_document_says_what_lies_on_the_medium(fleet: Fleet, medium: LoopMedium, tmp_path: Path) -> None:
    variables = _wordpress(fleet, medium)
    played = play(tmp_path / "run", fleet.inventory_dir, limit="vps", **variables)
    assert played.rc == 0, played.screen
    (folder,) = sets(medium, "vps")
    outputs = played.document["outputs"]
    assert sorted(medium.path / item["path"] for item in outputs) == sorted(folder.iterdir())
    for item in outputs:
        stored = (medium.path / item["path"]).read_bytes()
        assert (item["bytes"], item["sha256"]) == (len(stored), hashlib.sha256(stored).hexdigest())
    measures = played.document["measures"]
    assert (measures["medium_uuid"], measures["medium_label"]) == (medium.uuid, "LAMANA")
    assert {part["kind"]: part["members"] for part in measures["parts"]}["tree"] > 1000
    manifest = read_manifest(folder)
    assert manifest.complete
    assert manifest.medium.uuid == medium.uuid
    text = json.dumps(played.document) + "".join(path.read_text("utf-8", "replace") for path in folder.glob("*[A-Z]*"))
    assert variables["site_backup_databases"][0]["password"] not in text + played.screen


def test_what_the_site_lives_in_is_saved_too(
    fleet: Fleet, medium: LoopMedium, tmp_path: Path, database: Server
) -> None:
    fleet.vps.admin("printf '5 4 * * * /usr/bin/true canary-cron\\n' > /etc/cron.d/laman-test")
    try:
        variables = _wordpress(fleet, medium) | {
            "site_backup_environment": ["crontab", "web_server", "php", "cms", "dns", "tls"],
            "site_backup_domains": [fleet.vps.address],
            "site_backup_databases": [],
        }
        played = play(tmp_path / "run", fleet.inventory_dir, limit="vps", **variables)
    finally:
        fleet.vps.admin("rm /etc/cron.d/laman-test")
    assert played.rc == 0, played.screen
    (folder,) = sets(medium, "vps")
    made = restore_by_hand(folder, database.home)
    try:
        saved = made / "lingkungan" / "lingkungan"
        assert "canary-cron" in (saved / "etc/cron.d/laman-test").read_text()
        assert (saved / "etc/nginx/nginx.conf").exists()
        assert list((saved / "etc/php").rglob("php.ini"))
        assert json.loads((saved / "cms.json").read_text())[0]["cms"].startswith("WordPress 6.")
        assert json.loads((saved / "alamat.json").read_text()) == {fleet.vps.address: [fleet.vps.address]}
        assert "BEGIN CERTIFICATE" in (saved / f"tls/{fleet.vps.address}.pem").read_text()
    finally:
        shutil.rmtree(made)


def test_files_that_the_account_cannot_read_are_named(fleet: Fleet, medium: LoopMedium, tmp_path: Path) -> None:
    variables = _wordpress(fleet, medium) | {"site_backup_become": False, "site_backup_databases": []}
    played = play(tmp_path / "run", fleet.inventory_dir, limit="vps", **variables)
    assert played.rc != 0
    (problem,) = played.document["output_problems"]
    assert "could not be read: laman/wp-config.php" in problem
    (folder,) = sets(medium, "vps")
    assert folder.name.endswith(".tidak-lengkap")
    assert read_manifest(folder).problems == [problem]
    assert "TIDAK LENGKAP" in (folder / "CARA-PULIHKAN.txt").read_text()


def test_what_may_be_missing_by_decision_is_reported_and_no_deviation(
    fleet: Fleet, medium: LoopMedium, tmp_path: Path
) -> None:
    variables = _wordpress(fleet, medium) | {"site_backup_become": False, "site_backup_databases": []}
    variables["site_backup_trees"][0]["accept"] = ["wp-config.php"]
    played = play(tmp_path / "run", fleet.inventory_dir, limit="vps", **variables)
    assert played.rc == 0, played.screen
    (found,) = [item for item in played.document["findings"] if item["kind"] == "backup_accepted"]
    assert "laman/wp-config.php" in found["detail"]
    (folder,) = sets(medium, "vps")
    (exception,) = read_manifest(folder).exceptions
    assert "could not be read: laman/wp-config.php" in exception


def test_a_repeat_on_shared_hosting_brings_only_what_changed(fleet: Fleet, medium: LoopMedium, tmp_path: Path) -> None:
    site = fleet.shared.facts["fleet_site_path"]
    variables = settings(medium, site_backup_trees=[{"name": "laman", "path": site}])
    first = play(tmp_path / "run", fleet.inventory_dir, limit="shared", **variables)
    assert first.rc == 0, first.screen
    fleet.shared.run(f"echo baru > {site}/'nama baru'")
    try:
        sums = next(out for out in first.document["outputs"] if out["path"].endswith("/SHA256SUMS"))
        variables["site_backup_recorded_sets"] = {sums["path"].split("/")[-2]: sums["sha256"]}
        again = play(tmp_path / "run2", fleet.inventory_dir, limit="shared", **variables)
    finally:
        fleet.shared.run(f"rm {site}/'nama baru'")
    assert again.rc == 0, again.screen
    (before,), (part,) = first.document["measures"]["parts"], again.document["measures"]["parts"]
    assert part["members"] == before["members"] + 1
    assert part["carried_members"] > 0.5 * before["members"]
    assert part["line_bytes"] < before["line_bytes"]


def test_hundreds_of_unreadable_files_still_make_a_document(fleet: Fleet, medium: LoopMedium, tmp_path: Path) -> None:
    vps = fleet.vps
    vps.admin(
        "mkdir -p /srv/many && cd /srv/many && i=0 && while [ $i -lt 300 ]; do : > f$i; i=$((i+1)); done; chmod 0 f*"
    )
    try:
        variables = settings(medium, site_backup_trees=[{"name": f"t{n}", "path": "/srv/many"} for n in range(8)])
        played = play(tmp_path / "run", fleet.inventory_dir, limit="vps", **variables)
    finally:
        vps.admin("rm -r /srv/many")
    problems = played.document["output_problems"]
    assert len(problems) == 100
    assert "and 281 more" in problems[20]
    assert problems[-1].startswith("and ")
    (folder,) = sets(medium, "vps")
    assert len(read_manifest(folder).problems) == 8 * 301  # 300 files, and no file at all


def test_account_without_trigger_is_an_output_problem_with_its_remedy(
    fleet: Fleet, medium: LoopMedium, tmp_path: Path
) -> None:
    facts = fleet.vps.facts
    poor = {"user": facts["fleet_db_poor_user"], "password": facts["fleet_db_poor_password"]}
    variables = _wordpress(fleet, medium, **poor) | {"site_backup_trees": []}
    played = play(tmp_path / "run", fleet.inventory_dir, limit="vps", **variables)
    assert played.rc != 0
    (problem,) = played.document["output_problems"]
    assert "lacks the privilege TRIGGER on wordpress" in problem
    assert "GRANT TRIGGER ON `wordpress`.* TO 'wp_poor'@'localhost'" in problem
    assert sets(medium, "vps")[0].name.endswith(".tidak-lengkap")


def test_wrong_database_password_is_said_and_the_tree_is_still_saved(
    fleet: Fleet, medium: LoopMedium, tmp_path: Path
) -> None:
    played = play(tmp_path / "run", fleet.inventory_dir, limit="vps", **_wordpress(fleet, medium, password=CANARY))
    assert played.rc != 0
    refused = played.requirement("database_access")
    assert refused["ok"] is False
    assert refused["reason"].startswith("database wordpress: wrong user or password [ERROR 1045")
    assert [part["kind"] for part in played.document["measures"]["parts"]] == ["tree"]
    assert "canary" not in json.dumps(played.document) + played.screen
    artifacts = [path for path in (played.folder / "artifacts").rglob("*") if path.is_file()]
    assert [path for path in artifacts if b"canary" in path.read_bytes()] == []


# -- shared hosting: no Python, a noisy shell


def test_shared_hosting_without_python_restored_by_hand(
    fleet: Fleet, medium: LoopMedium, tmp_path: Path, database: Server
) -> None:
    host, facts = fleet.shared, fleet.shared.facts
    one = {"name": "isi", "kind": "mariadb", "database": facts["fleet_db_name"], "user": facts["fleet_db_user"]}
    one |= {"password": facts["fleet_db_password"], "socket": facts["fleet_db_socket"]}
    tree = {"name": "laman", "path": facts["fleet_site_path"]}
    variables = settings(medium, site_backup_trees=[tree], site_backup_databases=[one])
    played = play(tmp_path / "run", fleet.inventory_dir, limit="shared", **variables)
    assert played.rc == 0, played.screen
    (folder,) = sets(medium, "shared")
    made = restore_by_hand(folder, database.home)
    try:
        parent, name = os.path.split(str(facts["fleet_site_path"]))
        source = host.admin(f"cd {parent} && {LIST_TREE.format(name)}").stdout
        here = subprocess.run(["sh", "-c", LIST_TREE.format(name)], cwd=made / "laman", capture_output=True, check=True)
        assert here.stdout.decode().splitlines() == source.splitlines()
        assert content(lambda text: database.sql(text, "agency_web")) == content(_ask(host))
    finally:
        database.sql("DROP DATABASE agency_web")
        shutil.rmtree(made)


def test_host_that_is_off_leaves_a_document(fleet: Fleet, medium: LoopMedium, tmp_path: Path) -> None:
    inventory = tmp_path / "hosts"
    inventory.write_text("[sites]\ngone ansible_host=127.0.0.1 ansible_port=1\n")
    variables = settings(medium, site_backup_trees=[{"name": "laman", "path": "/var/www"}])
    played = play(tmp_path / "run", inventory, **variables)
    assert played.rc != 0
    assert played.requirement("site_access")["ok"] is False
    assert played.document["outputs"] == []
    assert sets(medium, "gone") == []


# -- this machine as the site: local connection and an sshd of the test's own


@pytest.fixture
def site(tmp_path: Path) -> Path:
    folder = tmp_path / "site"
    (folder / "unggahan").mkdir(parents=True)
    for number in range(50):
        (folder / "unggahan" / f"berkas {number}").write_bytes(os.urandom(20_000))
    (folder / "cache").mkdir()
    (folder / "cache" / "x").write_text("x")
    return folder


def _inventory(folder: Path, line: str) -> Path:
    file = folder / "hosts"
    file.write_text(f"[sites]\n{line}\n")
    return file


LOCAL = "web ansible_connection=local"


def _tree(site: Path, **more: Any) -> list[dict[str, Any]]:
    return [{"name": "laman", "path": str(site), **more}]


def test_local_site_with_sqlite_and_excludes(medium: LoopMedium, tmp_path: Path, site: Path, database: Server) -> None:
    source = sqlite3.connect(tmp_path / "app.db")
    source.execute("PRAGMA journal_mode=WAL")
    source.execute("PRAGMA user_version=42")
    source.execute("CREATE TABLE berita(id INTEGER PRIMARY KEY, judul TEXT)")
    source.executemany("INSERT INTO berita(judul) VALUES(?)", [(f"judul {n} é\n\0x",) for n in range(1000)])
    source.commit()  # the rows are in the WAL, the main file is nearly empty
    variables = settings(
        medium,
        site_backup_trees=_tree(site, exclude=["cache/*"]),
        site_backup_databases=[{"name": "isi", "kind": "sqlite", "path": str(tmp_path / "app.db")}],
    )
    played = play(tmp_path / "run", _inventory(tmp_path, LOCAL), **variables)
    assert played.rc == 0, played.screen
    (finding,) = played.document["findings"]
    assert (finding["kind"], finding["detail"]) == ("backup_excludes", "cache/*")
    (folder,) = sets(medium, "web")
    assert (folder / "db-isi.sqlite.zst").exists()
    made = restore_by_hand(folder, database.home)
    try:
        assert (made / "laman/site/cache").is_dir()
        assert not (made / "laman/site/cache/x").exists()
        assert len(list((made / "laman/site/unggahan").iterdir())) == 50
        copy = sqlite3.connect(made / "isi.sqlite")
        assert copy.execute("PRAGMA user_version").fetchone() == (42,)
        query = "SELECT * FROM berita ORDER BY id"
        assert copy.execute(query).fetchall() == source.execute(query).fetchall()
    finally:
        shutil.rmtree(made)


def test_sqlite_over_ssh_by_the_hosts_shell(
    medium: LoopMedium, tmp_path: Path, loopback: Loopback, database: Server
) -> None:
    source = sqlite3.connect(tmp_path / "app.db")
    source.execute("PRAGMA user_version=42")
    source.execute("CREATE TABLE berita(id INTEGER PRIMARY KEY, judul TEXT, gambar BLOB)")
    rows = [(f"judul {n} é\nbaris", os.urandom(50)) for n in range(1000)]
    source.executemany("INSERT INTO berita(judul, gambar) VALUES(?, ?)", rows)
    source.execute("CREATE TRIGGER t AFTER INSERT ON berita BEGIN SELECT 1; END")
    source.commit()
    one = {"name": "isi", "kind": "sqlite", "path": str(tmp_path / "app.db")}
    variables = settings(medium, site_backup_databases=[one])
    played = play(tmp_path / "run", _inventory(tmp_path, loopback.inventory_line("web")), **variables)
    assert played.rc == 0, played.screen
    made = restore_by_hand(sets(medium, "web")[0], database.home)
    try:
        copy = sqlite3.connect(made / "isi.sqlite")
        for query in (
            "SELECT * FROM berita ORDER BY id",
            "PRAGMA user_version",
            "SELECT type, name FROM sqlite_master",
        ):
            assert copy.execute(query).fetchall() == source.execute(query).fetchall()
    finally:
        shutil.rmtree(made)


def _canary_database(server: Server) -> dict[str, Any]:
    escaped = CANARY.replace("\\", "\\\\").replace("'", "\\'")
    server.sql(
        "CREATE DATABASE canary; CREATE TABLE canary.t (id INT PRIMARY KEY) ENGINE=InnoDB;"
        "INSERT INTO canary.t VALUES (1);"
        "CREATE TABLE canary.lama (id INT) ENGINE=MyISAM;"
        f"CREATE USER canary@localhost IDENTIFIED BY '{escaped}'; GRANT ALL ON canary.* TO canary@localhost"
    )
    account = {"user": "canary", "password": CANARY, "socket": str(server.socket)}
    return {"name": "isi", "kind": "mariadb", "database": "canary", **account}


@pytest.fixture
def canary(database: Server) -> Iterator[dict[str, Any]]:
    try:
        yield _canary_database(database)
    finally:
        database.sql("DROP DATABASE canary; DROP USER canary@localhost")


def _processes() -> list[bytes]:
    """Arguments and environment of every process of this machine, the far side of the loopback connection included."""
    seen = []
    for entry in Path("/proc").glob("[0-9]*"):
        for name in ("cmdline", "environ"):
            try:
                seen.append((entry / name).read_bytes())
            except OSError:
                continue
    return seen


def test_password_is_in_no_process_list_and_in_no_file(
    medium: LoopMedium, tmp_path: Path, site: Path, loopback: Loopback, database: Server, canary: dict[str, Any]
) -> None:
    """The dump is held by a lock while every process is looked at."""
    variables = settings(medium, site_backup_trees=_tree(site), site_backup_databases=[canary])
    inventory = _inventory(tmp_path, loopback.inventory_line("web"))
    secrets_file = tmp_path / "group_vars" / "all.json"  # where a vault would be
    secrets_file.parent.mkdir()
    secrets_file.write_text(json.dumps(variables))
    result: list[Played] = []
    thread = threading.Thread(target=lambda: result.append(play(tmp_path / "run", inventory)))
    seen: list[bytes] = []
    with _locked(database, "canary.t"):
        thread.start()
        deadline = time.monotonic() + 60
        while not _dumps_running():
            assert time.monotonic() < deadline, "the dump did not start"
            seen += _processes()
        seen += _processes()
    while thread.is_alive():
        seen += _processes()
    thread.join()
    (played,) = result
    assert played.rc == 0, played.screen
    assert [words for words in seen if b"--defaults-file=/dev/stdin" in words], "the dump was not among what was seen"
    assert [words for words in seen if b"canary-9b1f" in words] == []
    for folder in (tmp_path / "run", medium.path / "laman"):
        for path in folder.rglob("*"):
            if path.is_file() and path.suffix == ".zst":
                assert b"canary-9b1f" not in subprocess.run(["zstd", "-dcq", path], capture_output=True).stdout
            elif path.is_file():
                assert b"canary-9b1f" not in path.read_bytes(), path
    assert "canary-9b1f" not in played.screen
    assert [item["kind"] for item in played.document["findings"]] == ["non_transactional_tables"]
    assert "lama (MyISAM)" in played.document["findings"][0]["detail"]


@contextmanager
def _locked(server: Server, table: str) -> Iterator[None]:
    """A table that nobody can read while the block runs."""
    command = ["mariadb", "--no-defaults", "-uroot", f"-S{server.socket}", "--unbuffered", "-N"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdin is not None
        assert holder.stdout is not None
        holder.stdin.write(f"LOCK TABLES {table} WRITE; SELECT 'locked';\n")
        holder.stdin.flush()
        assert holder.stdout.readline() == "locked\n"
        yield


def _dumps_running() -> list[bytes]:
    return [words for words in _processes() if b"mariadb-dump" in words.split(b"\0")[0] and b"\0canary\0" in words]


def test_a_dump_that_waits_for_a_lock_is_given_up_and_leaves_nothing_running(
    medium: LoopMedium, tmp_path: Path, site: Path, loopback: Loopback, database: Server, canary: dict[str, Any]
) -> None:
    variables = settings(medium, site_backup_trees=_tree(site), site_backup_databases=[canary])
    with _locked(database, "canary.t"):
        inventory = _inventory(tmp_path, loopback.inventory_line("web"))
        played = play(tmp_path / "run", inventory, site_backup_idle_timeout=1, **variables)
        assert played.rc != 0
        assert "nothing came for 1 seconds" in played.document["output_problems"][0]
        assert [part["kind"] for part in played.document["measures"]["parts"]] == ["tree"]
        deadline = time.monotonic() + 10
        while _dumps_running():
            assert time.monotonic() < deadline, "the dump goes on on the host"
    (folder,) = sets(medium, "web")
    assert folder.name.endswith(".tidak-lengkap")
    assert sorted(path.name for path in folder.glob("db-*")) == []


def test_a_connection_that_breaks_in_mid_stream(medium: LoopMedium, tmp_path: Path, site: Path) -> None:
    """The host's tar stops half way, and the sshd above it is killed."""
    folder = Path(tempfile.mkdtemp(prefix="lm-"))
    kill = "p=$$; while read -r n < /proc/$p/comm; [ $n != sshd ]; do p=$(sed -n 's/^PPid:\t//p' /proc/$p/status); done"
    _wrapped_tar(folder / "bin", f"{kill}; kill -9 $p", head="| head -c 400000")
    (folder / "sh").write_text(f'#!/bin/sh\nPATH={folder}/bin:$PATH exec /bin/sh -c "$SSH_ORIGINAL_COMMAND"\n')
    (folder / "sh").chmod(0o755)
    try:
        with sshd(folder, force_command=str(folder / "sh")) as host:
            variables = settings(medium, site_backup_trees=_tree(site))
            played = play(tmp_path / "run", _inventory(tmp_path, host.inventory_line("web")), **variables)
    finally:
        shutil.rmtree(folder)
    assert played.rc != 0
    problem = played.document["output_problems"][0]
    assert "it was cut" in problem
    assert played.document["outputs"] == []
    assert sets(medium, "web") == []


def test_a_stray_option_file_of_the_host_leaves_nothing_out(
    medium: LoopMedium, tmp_path: Path, canary: dict[str, Any]
) -> None:
    """With --defaults-extra-file this ~/.my.cnf would silently leave table t out (and log in as somebody else)."""
    stray = Path.home() / ".my.cnf"
    if stray.exists():
        pytest.fail(f"{stray} exists: this test would have to replace it")
    stray.write_text("[mysqldump]\nignore-table=canary.t\n[client]\npassword=wrong\n")
    try:
        variables = settings(medium, site_backup_databases=[canary])
        played = play(tmp_path / "run", _inventory(tmp_path, LOCAL), **variables)
    finally:
        stray.unlink()
    assert played.rc == 0, played.screen
    assert played.document["measures"]["parts"][0]["members"] == 2


def test_option_file_of_the_host_and_options_of_client_and_dump(
    medium: LoopMedium, tmp_path: Path, database: Server, canary: dict[str, Any]
) -> None:
    own = tmp_path / "own.cnf"
    own.write_text(f"[client]\nuser=root\nsocket={database.socket}\n")
    one = {"name": "a", "kind": "mariadb", "database": "canary", "option_file": str(own)}
    two = canary | {
        "name": "b",
        "client_options": {"compress": None},
        "dump_options": ["--ignore-table=canary.lama"],
    }
    played = play(tmp_path / "run", _inventory(tmp_path, LOCAL), **settings(medium, site_backup_databases=[one, two]))
    assert played.rc != 0
    assert [part["name"] for part in played.document["measures"]["parts"]] == ["a"]
    (problem,) = played.document["output_problems"]
    assert problem == "b: not saved: 1 tables are not in the dump: lama"


@pytest.mark.parametrize(
    ("prepare", "problem"),
    [
        ("DROP TABLE canary.t; DROP TABLE canary.lama", "database canary has no table"),
        ("DELETE FROM canary.t", "all of its 2 tables are empty"),
    ],
)
def test_empty_database_is_an_output_problem(
    medium: LoopMedium, tmp_path: Path, database: Server, canary: dict[str, Any], prepare: str, problem: str
) -> None:
    database.sql(prepare)
    played = play(tmp_path / "run", _inventory(tmp_path, LOCAL), **settings(medium, site_backup_databases=[canary]))
    assert played.rc != 0
    assert [line for line in played.document["output_problems"] if problem in line]


def test_view_that_cannot_be_dumped_is_no_dump(
    medium: LoopMedium, tmp_path: Path, database: Server, canary: dict[str, Any]
) -> None:
    database.sql("CREATE VIEW canary.v AS SELECT * FROM canary.t; DROP TABLE canary.t")
    played = play(tmp_path / "run", _inventory(tmp_path, LOCAL), **settings(medium, site_backup_databases=[canary]))
    assert played.rc != 0
    assert "isi: not saved: the dump ended with exit code" in played.document["output_problems"][0]
    assert sets(medium, "web") == []


def test_empty_and_missing_trees_are_output_problems(medium: LoopMedium, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    trees = [{"name": "a", "path": str(tmp_path / "empty")}, {"name": "b", "path": str(tmp_path / "missing")}]
    played = play(tmp_path / "run", _inventory(tmp_path, LOCAL), **settings(medium, site_backup_trees=trees))
    assert played.rc != 0
    empty, absent = played.document["output_problems"]
    assert "holds no file at all" in empty
    assert "missing: no such folder on the host" in absent


def test_a_tree_whose_path_is_a_link_is_saved_itself(medium: LoopMedium, tmp_path: Path, site: Path) -> None:
    (tmp_path / "www").symlink_to(site)
    played = play(
        tmp_path / "run", _inventory(tmp_path, LOCAL), **settings(medium, site_backup_trees=_tree(tmp_path / "www"))
    )
    assert played.rc == 0, played.screen
    assert played.document["measures"]["parts"][0]["members"] == 51


@pytest.fixture
def busybox(tmp_path: Path) -> str:
    """A folder for PATH in which tar is busybox's."""
    program = shutil.which("busybox")
    if program is None and os.environ.get("CI") == "true":
        pytest.fail("busybox is not installed")
    if program is None:
        pytest.skip("busybox is not installed")
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "tar").symlink_to(program)
    return str(programs)


def test_busybox_tar(medium: LoopMedium, tmp_path: Path, site: Path, database: Server, busybox: str) -> None:
    (site / ("nama-panjang-" * 9)).mkdir()
    (site / ("nama-panjang-" * 9) / ("é-" * 40)).write_text("x")
    variables = settings(medium, site_backup_trees=_tree(site))
    played = play(tmp_path / "run", _inventory(tmp_path, LOCAL), path=busybox, **variables)
    assert played.rc == 0, played.screen
    (folder,) = sets(medium, "web")
    (part,) = read_manifest(folder).parts
    assert part.method == "tar"
    made = restore_by_hand(folder, database.home)
    try:
        wanted = sorted(str(path.relative_to(site)) for path in site.rglob("*"))
        assert sorted(str(p.relative_to(made / "laman/site")) for p in (made / "laman/site").rglob("*")) == wanted
    finally:
        shutil.rmtree(made)


def test_a_tar_without_excludes_says_so(medium: LoopMedium, tmp_path: Path, site: Path, busybox: str) -> None:
    done = subprocess.run([f"{busybox}/tar", "--exclude=x", "-cf", "-", "-C", tmp_path, "site"], capture_output=True)
    variables = settings(medium, site_backup_trees=_tree(site, exclude=["cache"]))
    played = play(tmp_path / "run", _inventory(tmp_path, LOCAL), path=busybox, **variables)
    if done.returncode == 0:  # a busybox that was built with long options
        assert played.rc == 0, played.screen
        return
    assert played.rc != 0
    assert "knows no --exclude" in played.document["output_problems"][0]


# -- faults of the medium during a run of the role


def _wrapped_tar(folder: Path, during: str, head: str = "") -> str:
    """A folder for PATH with a tar that does something in mid-stream; `head` may cut what it writes before that."""
    folder.mkdir(parents=True)
    real = shutil.which("tar")
    script = f'#!/bin/sh\n[ "$1" = --version ] && exec {real} --version\n{real} "$@" {head}; r=$?\n{during}\nexit $r\n'
    (folder / "tar").write_text(script)
    (folder / "tar").chmod(0o755)
    return str(folder)


def test_pulled_out_in_mid_run(medium: LoopMedium, tmp_path: Path, site: Path) -> None:
    path = _wrapped_tar(tmp_path / "bin", f"umount -l {medium.path}")
    variables = settings(medium, site_backup_trees=_tree(site))
    played = play(tmp_path / "run", _inventory(tmp_path, LOCAL), path=path, **variables)
    assert played.rc != 0
    assert "not the same mount" in played.document["output_problems"][0]
    assert played.document["outputs"] == []
    assert not medium.mounted
    assert list(medium.path.iterdir()) == []
    medium.mount()
    assert [folder for folder in sets(medium, "web") if not folder.name.endswith(".part")] == []


def test_full_in_mid_run(loop_medium: MediumFactory, tmp_path: Path, site: Path) -> None:
    small = loop_medium(20, "LAMANA")
    (small.path / "LAMAN-MEDIUM.json").write_text('{"id": "disk-a"}')
    (site / "large").write_bytes(os.urandom(25_000_000))
    played = play(tmp_path / "run", _inventory(tmp_path, LOCAL), **settings(small, site_backup_trees=_tree(site)))
    assert played.rc != 0
    assert "is full" in played.document["output_problems"][0]
    assert sets(small, "web") == []


@pytest.mark.parametrize("fault", ["unmounted", "read-only", "wrong label", "wrong id", "full"])
def test_medium_not_at_hand_is_a_failed_requirement_and_nothing_is_taken(
    medium: LoopMedium, tmp_path: Path, site: Path, fault: str
) -> None:
    variables = settings(medium, site_backup_trees=_tree(site))
    if fault == "unmounted":
        medium.unmount()
    elif fault == "read-only":
        medium.remount_ro()
    elif fault == "wrong label":
        variables["site_backup_medium"]["label"] = "LAMANB"
    elif fault == "wrong id":
        variables["site_backup_medium"]["id"] = "disk-b"
    else:
        medium.fill(leave_bytes=200_000)
    played = play(tmp_path / "run", _inventory(tmp_path, LOCAL), **variables)
    assert played.rc != 0
    requirement = played.requirement("backup_medium")
    assert requirement["ok"] is False
    told = {"unmounted": "is not mounted", "read-only": "is read-only", "full": "too full"}.get(fault, "wrong medium")
    assert told in requirement["reason"]
    assert played.document["outputs"] == []
    assert sets(medium, "web") == []


# -- check mode, wrong settings


def test_check_mode_probes_and_saves_nothing(
    medium: LoopMedium, tmp_path: Path, site: Path, canary: dict[str, Any]
) -> None:
    variables = settings(medium, site_backup_trees=_tree(site), site_backup_databases=[canary])
    played = play(tmp_path / "run", _inventory(tmp_path, LOCAL), check=True, **variables)
    assert played.rc == 0, played.screen
    assert "would save trees" in played.screen
    assert "answered: canary" in played.screen
    assert played.documents == {}
    assert sets(medium, "web") == []
    wrong = variables | {"site_backup_databases": [canary | {"password": "wrong"}]}
    refused = play(tmp_path / "run2", _inventory(tmp_path, LOCAL), check=True, **wrong)
    assert refused.rc != 0
    assert "wrong user or password" in refused.screen


def test_wrong_settings_fail_with_one_line_and_a_document(medium: LoopMedium, tmp_path: Path) -> None:
    variables = settings(medium, site_backup_trees=[{"name": "laman", "path": "var/www"}])
    played = play(tmp_path / "run", _inventory(tmp_path, LOCAL), **variables)
    assert played.rc != 0
    (problem,) = played.document["output_problems"]
    assert "site_backup_trees.0: 'var/www' must be an absolute path below /" in problem
    assert sets(medium, "web") == []
