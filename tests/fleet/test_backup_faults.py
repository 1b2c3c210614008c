"""The table of faults of activity 2. Each row: the fault was there, nothing claimed success, the next run is good.

A row with a control also shows that a peer's ordinary check lets the same fault pass. How many rows passed is printed
at the end of the test run (tests/conftest.py).
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.fleet.faults import ELSEWHERE, SCHEMA, SITE, Bed, Fault, claims, passes, told, wait_for
from tests.fleet.fixtures import MediumFactory, require
from tests.fleet.manager import Fleet
from tests.fleet.medium import LoopMedium
from tests.integration.loopback import Loopback, sshd
from tests.integration.mariadb import Server, content, server
from tests.integration.playing import Played, play
from tests.integration.test_site_backup import restore_by_hand

pytestmark = pytest.mark.fault


@pytest.fixture(scope="module")
def database() -> Iterator[Server]:
    with server() as running:
        running.sql(SCHEMA)
        yield running


@pytest.fixture(scope="module")
def host() -> Iterator[tuple[Loopback, Path]]:
    """A real sshd; programs in the second folder go before those of the machine."""
    folder = Path(tempfile.mkdtemp(prefix="lm-"))
    shims = folder / "bin"
    shims.mkdir()
    command = folder / "sh"
    command.write_text(f'#!/bin/sh\nPATH={shims}:$PATH; export PATH; exec /bin/sh -c "$SSH_ORIGINAL_COMMAND"\n')
    command.chmod(0o755)
    try:
        with sshd(folder, force_command=str(command)) as running:
            yield running, shims
    finally:
        shutil.rmtree(folder)


@pytest.fixture
def bed(database: Server, host: tuple[Loopback, Path], loop_medium: MediumFactory, tmp_path: Path) -> Iterator[Bed]:
    medium = loop_medium(150, "LAMANA")
    (medium.path / "LAMAN-MEDIUM.json").write_text('{"id": "disk-a"}')
    site = tmp_path / "situs"
    (site / "unggahan").mkdir(parents=True)
    for number in range(40):
        (site / "unggahan" / f"berkas {number}").write_bytes(os.urandom(20_000))
    (site / "besar.bin").write_bytes(os.urandom(20 << 20))  # several frames
    yield Bed(tmp_path, medium, database, host[0], site, host[1])
    for shim in host[1].iterdir():
        shim.unlink()


# -- the medium


@contextmanager
def unmounted(bed: Bed) -> Iterator[None]:
    bed.medium.unmount()
    yield
    bed.medium.mount()


@contextmanager
def read_only(bed: Bed) -> Iterator[None]:
    bed.medium.remount_ro()
    yield
    bed.medium.remount_rw()


@contextmanager
def other_medium(bed: Bed) -> Iterator[None]:
    """Another disk is plugged in there; it was even labelled by somebody as ours."""
    bed.medium.unmount()
    image = bed.folder / "other.img"
    with image.open("wb") as out:
        out.truncate(100 << 20)
    subprocess.run(["mkfs.ext4", "-q", "-F", image], check=True)
    subprocess.run(["mount", "-o", "loop", image, bed.medium.path], check=True)
    (bed.medium.path / "LAMAN-MEDIUM.json").write_text('{"id": "disk-a"}')
    yield
    assert not (bed.medium.path / "laman").exists(), "something was written to the wrong disk"
    subprocess.run(["umount", bed.medium.path], check=True)
    bed.medium.mount()


@contextmanager
def pulled(bed: Bed) -> Iterator[None]:
    with bed.misbehaving("tar", f'"$REAL" "$@"; r=$?; umount -l {bed.medium.path}; exit $r'):
        yield
    assert list(bed.medium.path.iterdir()) == [], "something was written below the mount point"
    bed.medium.mount()


def full_at(percent: int) -> Fault:
    @contextmanager
    def inject(bed: Bed) -> Iterator[None]:
        """Somebody else fills the disk while we write: so much of the set fits, and no more."""
        size = 20 << 20
        fill = bed.helper(
            "import os, sys\n"
            f"path, leave = {str(bed.medium.path)!r}, {size * percent // 100}\n"
            "space = os.statvfs(path)\n"
            "with open(path + '/filler.bin', 'wb') as out:\n"
            "    wanted = space.f_bavail * space.f_frsize - leave\n"
            "    os.posix_fallocate(out.fileno(), 0, max(1, wanted))\n"
        )
        with bed.misbehaving("tar", f'{fill} || exit 77; exec "$REAL" "$@"'):
            yield
        (bed.medium.path / "filler.bin").unlink()

    return Fault(f"medium full at {percent} %", inject, "is full")


def on_the_medium(bed: Bed, change: str) -> Iterator[None]:
    """Change the packed tree on the medium while the database comes: it was written, and is not open then."""
    work = bed.helper(
        "import glob, os\n"
        f"(path,) = glob.glob({str(bed.medium.path)!r} + '/laman/{SITE}/.*.part/tree-laman.tar.zst')\n"
        "size = os.path.getsize(path)\n"
        f"{change}\n"
        f"import shutil; shutil.copy(path, {str(bed.folder / 'changed.tar.zst')!r})\n"
        "os.sync()\n"
    )
    with bed.misbehaving("mariadb-dump", f'{work} || exit 77; exec "$REAL" "$@"'):
        yield


@contextmanager
def flipped(bed: Bed) -> Iterator[None]:
    change = (
        "with open(path, 'r+b') as f:\n"
        "    f.seek(size // 2); b = f.read(1); f.seek(size // 2); f.write(bytes([b[0] ^ 1])); os.fsync(f.fileno())\n"
    )
    yield from on_the_medium(bed, change)


@contextmanager
def cut_at_a_frame(bed: Bed) -> Iterator[None]:
    change = (
        "data = open(path, 'rb').read()\n"
        "last = data.rindex(b'\\x28\\xb5\\x2f\\xfd')\n"
        "assert last > 0\n"
        "with open(path, 'r+b') as f:\n"
        "    f.truncate(last); os.fsync(f.fileno())\n"
    )
    yield from on_the_medium(bed, change)


def zstd_takes_the_cut_file(bed: Bed) -> bool:
    return passes(f"zstd -tq {bed.folder}/changed.tar.zst")


# -- the way


@contextmanager
def ssh_cut(bed: Bed) -> Iterator[None]:
    kill = "p=$$; while read -r n < /proc/$p/comm; [ $n != sshd ]; do p=$(sed -n 's/^PPid:\t//p' /proc/$p/status); done"
    with bed.misbehaving("tar", f'"$REAL" "$@" | head -c 400000; {kill}; kill -9 $p'):
        yield


@contextmanager
def tar_cut_at_a_member(bed: Bed) -> Iterator[None]:
    cut = bed.helper(
        "import io, sys, tarfile\n"
        "data = sys.stdin.buffer.read()\n"
        "with tarfile.open(fileobj=io.BytesIO(data)) as archive:\n"
        "    last = archive.getmembers()[-1].offset\n"
        "import os\n"
        f"file = {str(bed.folder / 'cut.tar')!r}\n"
        "os.path.exists(file) or open(file, 'wb').write(data[:last])\n"
        "sys.stdout.buffer.write(data[:last])\n"
    )
    with bed.misbehaving("tar", f'"$REAL" "$@" | {cut}; exit 0'):
        yield


def tar_takes_the_cut_archive(bed: Bed) -> bool:
    return passes(f"tar -tf {bed.folder}/cut.tar")


@contextmanager
def nothing_and_zero(bed: Bed) -> Iterator[None]:
    """A pipe on the host whose first part failed: no byte, exit code 0."""
    with bed.misbehaving("mariadb-dump", "false | cat; exit 0"):
        yield


def gzip_takes_nothing(_bed: Bed) -> bool:
    return passes("false | gzip | gzip -t")


@contextmanager
def dump_cut(bed: Bed) -> Iterator[None]:
    """The client was killed half way, and a shell hid it."""
    with bed.misbehaving("mariadb-dump", '"$REAL" "$@" | head -c 200000; exit 0'):
        yield


def gzip_takes_the_cut_dump(bed: Bed) -> bool:
    return passes(f"mariadb-dump --no-defaults -uroot -S{bed.server.socket} isi | head -c 200000 | gzip | gzip -t")


@contextmanager
def dump_killed(bed: Bed) -> Iterator[None]:
    with bed.misbehaving("mariadb-dump", '("$REAL" "$@" | head -c 200000); kill -9 $$'):
        yield


# -- the database


def without(privilege: str) -> Fault:
    @contextmanager
    def inject(bed: Bed) -> Iterator[None]:
        bed.server.sql(f"REVOKE {privilege} ON isi.* FROM penuh@localhost")
        yield
        bed.server.sql(f"GRANT {privilege} ON isi.* TO penuh@localhost")

    def control(bed: Bed) -> bool:
        options = f"--no-defaults -upenuh -S{bed.server.socket} --single-transaction --routines --triggers isi"
        return passes(f"mariadb-dump {options} > {bed.folder}/peer.sql", MYSQL_PWD="kenari-gangguan-5e1c")

    silent = privilege in ("TRIGGER",)
    return Fault(f"account without {privilege}", inject, f"{privilege}|SHOW VIEW", control if silent else None)


@contextmanager
def broken_view(bed: Bed) -> Iterator[None]:
    bed.server.sql("CREATE TABLE isi.dasar (a INT); CREATE VIEW isi.rusak AS SELECT * FROM isi.dasar; "
                   "DROP TABLE isi.dasar")  # fmt: skip
    yield
    bed.server.sql("DROP VIEW isi.rusak")


@contextmanager
def locked(bed: Bed) -> Iterator[None]:
    command = ["mariadb", "--no-defaults", "-uroot", f"-S{bed.server.socket}", "--unbuffered", "-N"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdin is not None
        assert holder.stdout is not None
        holder.stdin.write("LOCK TABLES isi.berita WRITE; SELECT 'locked';\n")
        holder.stdin.flush()
        assert holder.stdout.readline() == "locked\n"
        yield


def the_peers_dump_ends_well(bed: Bed) -> bool:
    return passes(f"mariadb-dump --no-defaults -uroot -S{bed.server.socket} isi > {bed.folder}/peer.sql")


def cut_table(size: int) -> Callable[[Bed], AbstractContextManager[None]]:
    @contextmanager
    def inject(bed: Bed) -> Iterator[None]:
        """The data of a MyISAM table was cut; its rows have 14 bytes."""
        bed.server.sql("CREATE TABLE isi.lama (a INT, b CHAR(9)) ENGINE=MyISAM CHARSET=latin1; USE isi; "
                       "INSERT INTO lama SELECT seq, seq FROM seq_1_to_5000; FLUSH TABLES")  # fmt: skip
        with (bed.server.folder / "d" / "isi" / "lama.MYD").open("r+b") as data:
            data.truncate(size)
        try:
            yield
        finally:
            bed.server.sql("DROP TABLE isi.lama")

    return inject


@contextmanager
def emptied(bed: Bed) -> Iterator[None]:
    bed.server.sql("CREATE DATABASE simpan; CREATE TABLE simpan.berita SELECT * FROM isi.berita; "
                   "DELETE FROM isi.berita")  # fmt: skip
    yield
    bed.server.sql("INSERT INTO isi.berita SELECT * FROM simpan.berita; DROP DATABASE simpan")


@contextmanager
def nothing_wrong(_bed: Bed) -> Iterator[None]:
    yield


# -- the tree


@contextmanager
def growing(bed: Bed) -> Iterator[None]:
    """A log in the tree that grows for as long as it is read."""
    stop = threading.Event()
    path = bed.site / "besar.bin"
    before = path.stat().st_size

    def grow() -> None:
        with path.open("ab") as out:
            while not stop.wait(0.001):
                out.write(b"x" * 100)
                out.flush()

    thread = threading.Thread(target=grow)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
    assert path.stat().st_size > before


@contextmanager
def empty_tree(bed: Bed) -> Iterator[None]:
    bed.site.rename(bed.folder / "aside")
    bed.site.mkdir()
    yield
    bed.site.rmdir()
    (bed.folder / "aside").rename(bed.site)


FAULTS = [
    Fault("medium not mounted", unmounted, "is not mounted"),
    Fault("other medium mounted", other_medium, "wrong medium"),
    Fault("medium read-only", read_only, "is read-only"),
    Fault("medium pulled out in mid-write", pulled, "not the same mount"),
    full_at(10),
    full_at(50),
    full_at(99),
    Fault("a bit flips on the medium", flipped, "gave back something else|does not decompress|read back"),
    Fault("zstd cut at a frame boundary", cut_at_a_frame, "read back|gave back", zstd_takes_the_cut_file),
    Fault("SSH cut in mid-stream", ssh_cut, "it was cut|connection"),
    Fault("tar cut at a member boundary", tar_cut_at_a_member, "end-of-archive", tar_takes_the_cut_archive),
    Fault("remote pipe that failed with rc 0", nothing_and_zero, "what came is no dump", gzip_takes_nothing),
    Fault("dump cut, exit code hidden by a shell", dump_cut, "it was cut", gzip_takes_the_cut_dump),
    Fault("dump client killed", dump_killed, "exit code"),
    without("TRIGGER"),
    without("EVENT"),
    without("SHOW VIEW"),
    Fault("broken view", broken_view, "exit code|rusak"),
    Fault("a lock never given back", locked, "nothing came for 1 seconds", asked=lambda _b: {"idle_timeout": 1}),
    Fault(
        "wrong password", nothing_wrong, "wrong user or password",
        asked=lambda bed: {"databases": [bed.database(password="salah")]},
    ),
    Fault("table crashed", cut_table(100), "is marked as crashed"),
    Fault("table cut at a row boundary", cut_table(700), "lama has 5000 rows .* 50 came", the_peers_dump_ends_well),
    Fault("empty source", emptied, "are empty", the_peers_dump_ends_well),
    Fault("empty tree", empty_tree, "holds no file"),
    Fault("file growing while it is read", growing, r"besar\.bin"),
]  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_nothing_claims_success_and_the_next_run_is_good(bed: Bed, fault: Fault) -> None:
    with fault.inject(bed):
        outcome = bed.run(**fault.asked(bed))
        said = told(outcome)
        assert not claims(outcome), "it was taken for a whole backup"
        assert re.search(fault.said, said), said
        if fault.control is not None:
            assert fault.control(bed), "the peer noticed it too: this is no control"
    assert bed.whole() == []
    again = bed.run()
    assert claims(again), told(again)
    assert bed.manifest().complete


def test_two_runs_at_once(bed: Bed) -> None:
    """The second is turned away while the first is reading; the first becomes whole."""
    go, first = bed.folder / "go", []
    bed.shim("tar", f'while [ ! -e {go} ]; do sleep 0.02; done; exec "$REAL" "$@"')
    thread = threading.Thread(target=lambda: first.append(bed.run()))
    thread.start()
    wait_for(lambda: bed.fired)
    second = bed.run()
    go.touch()
    thread.join()
    assert not claims(second)
    assert "another backup" in told(second)
    assert claims(first[0]), told(first[0])
    assert len(bed.whole()) == 1


def test_what_is_saved_and_only_has_to_be_named(bed: Bed) -> None:
    """MyISAM has no transaction; a DEFINER may not exist where it is restored: both are saved, and both are named."""
    bed.server.sql("CREATE TABLE isi.lama (a INT) ENGINE=MyISAM; INSERT INTO isi.lama VALUES (1); "
                   "CREATE DEFINER = 'pergi'@'kantor' VIEW isi.asing AS SELECT 1 AS a")  # fmt: skip
    bed.server.sql("CREATE USER 'pergi'@'kantor'")
    try:
        outcome = bed.run()
    finally:
        bed.server.sql("DROP VIEW isi.asing; DROP TABLE isi.lama; DROP USER 'pergi'@'kantor'")
    assert claims(outcome), told(outcome)
    (finding,) = [f for f in outcome.findings if f.kind == "non_transactional_tables"]
    assert "lama" in finding.detail
    (database,) = [p.database for p in bed.manifest().parts if p.database]
    assert "pergi@kantor" in database.definers


CHARSETS = """SET NAMES utf8mb4;
CREATE DATABASE aksara; USE aksara;
CREATE TABLE empat (a VARCHAR(50) CHARACTER SET utf8mb4, b LONGBLOB, c INT AS (CHAR_LENGTH(a)) STORED,
  d INT AS (CHAR_LENGTH(a) + 1) VIRTUAL);
INSERT INTO empat (a, b) VALUES ('ke 😀 漢', X'00FF27225C0A0D1A'), ('', ''), (NULL, NULL),
  (CHAR(39, 34, 92, 10, 0), REPEAT(X'80', 70000));
CREATE TABLE lama (a VARCHAR(50) CHARACTER SET latin1) DEFAULT CHARACTER SET latin1;
INSERT INTO lama VALUES (CONVERT('café ÿ' USING latin1));
"""


def test_characters_bytes_and_computed_columns_come_back(bed: Bed) -> None:
    """utf8mb4, latin1, BLOB, generated columns: the restored tables are the same, row by row."""
    bed.server.sql(CHARSETS)
    account = {"user": "root", "password": None, "database": "aksara"}
    outcome = bed.run(trees=[], databases=[bed.database(**account)])
    assert claims(outcome), told(outcome)
    before = content(lambda text: bed.server.sql(text, "aksara"))
    bed.server.sql("DROP DATABASE aksara")
    made = restore_by_hand(bed.whole()[-1], bed.server.home)
    try:
        assert content(lambda text: bed.server.sql(text, "aksara")) == before
    finally:
        shutil.rmtree(made)
        bed.server.sql("DROP DATABASE aksara")


def test_myisam_that_is_written_during_the_dump_is_named(bed: Bed) -> None:
    """No transaction covers it: the set is whole, and says which tables have no common moment."""
    bed.server.sql("CREATE TABLE isi.tulis (a INT) ENGINE=MyISAM; INSERT INTO isi.tulis VALUES (0)")
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            bed.server.sql("INSERT INTO isi.tulis VALUES (1)")

    thread = threading.Thread(target=write)
    thread.start()
    try:
        outcome = bed.run()
    finally:
        stop.set()
        thread.join()
        bed.server.sql("DROP TABLE isi.tulis")
    assert claims(outcome), told(outcome)
    assert any("tulis (MyISAM)" in f.detail for f in outcome.findings if f.kind == "non_transactional_tables")


def test_a_clock_set_back(bed: Bed) -> None:
    """Three days back between two runs: both sets are whole, and the first is not taken for older or touched."""
    library = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)
    require(None if library else "libfaketime is not installed (apt-get install faketime)")
    inventory = bed.folder / "hosts"
    inventory.write_text(f"[sites]\n{bed.host.inventory_line(SITE)}\n")
    variables: dict[str, Any] = {
        "site_backup_medium": {"id": "disk-a", "path": str(bed.medium.path), "uuid": bed.medium.uuid},
        "site_backup_minimum_bytes": 1_000_000,
        "site_backup_trees": [{"name": "laman", "path": str(bed.site)}],
        "site_backup_databases": [bed.database()],
    }
    first = play(bed.folder / "first", inventory, **variables)
    back = {"LD_PRELOAD": str(library), "FAKETIME": "-3d"}
    second = play(bed.folder / "second", inventory, environment=back, **variables)
    assert (first.rc, second.rc) == (0, 0), first.screen + second.screen
    whole = bed.whole()
    assert len(whole) == 2
    names = [played.document["measures"]["backup_set"] for played in (first, second)]
    assert names[1] < names[0], "the clock was not set back"
    for folder in whole:
        assert passes(f"cd {folder} && sha256sum --quiet -c SHA256SUMS")


def test_the_host_is_rebooted_in_mid_stream(fleet: Fleet, loop_medium: MediumFactory, tmp_path: Path) -> None:
    """A real host goes down while its tar is half way."""
    medium = loop_medium(500, "LAMANA")
    (medium.path / "LAMAN-MEDIUM.json").write_text('{"id": "disk-a"}')
    vps = fleet.vps
    stall = "/usr/local/bin/tar"
    script = (
        '#!/bin/sh\ncase "$1" in --version) exec /bin/tar "$@";; esac\n/bin/tar "$@" | head -c 3000000\nsleep 600\n'
    )
    vps.admin(f"cat > {stall}; chmod 755 {stall}", stdin=script)
    variables: dict[str, Any] = {
        "site_backup_medium": {"id": "disk-a", "path": str(medium.path), "uuid": medium.uuid},
        "site_backup_minimum_bytes": 1_000_000,
        "site_backup_trees": [{"name": "laman", "path": str(vps.facts["fleet_site_path"])}],
        "site_backup_become": True,
    }
    played: list[Played] = []

    def run(where: str) -> Played:
        return play(tmp_path / where, fleet.inventory_dir, limit="vps", **variables)

    thread = threading.Thread(target=lambda: played.append(run("down")))
    thread.start()
    try:
        wait_for(lambda: vps.admin("pgrep -f 'sleep 600'", check=False).returncode == 0, 60)
        with vps.stopped():
            thread.join(120)
            assert not thread.is_alive(), "the run goes on though the host is down"
    finally:
        vps.admin(f"rm -f {stall}")
    assert played[0].rc != 0
    document = played[0].document
    assert document["output_problems"] or not all(r["ok"] for r in document["requirements"]), document
    assert document["measures"] is None
    sets = (medium.path / "laman").glob("vps/*")
    assert [p for p in sets if p.is_dir() and not p.suffix and not p.name.startswith(".")] == []
    again = run("up")
    assert again.rc == 0, again.screen


def test_every_fault_that_is_tested_elsewhere_is_there() -> None:
    """The rows of the table that lie in other files exist under these names."""
    root = Path(__file__).resolve().parents[1]
    for name, node in ELSEWHERE.items():
        file, _, test = node.partition("::")
        paths = [p for p in root.rglob(file) if f"def {test}" in p.read_text(encoding="utf-8")]
        assert len(paths) == 1, name


def test_the_medium_of_a_row_is_real(bed: Bed) -> None:
    assert isinstance(bed.medium, LoopMedium)
    assert bed.medium.mounted
