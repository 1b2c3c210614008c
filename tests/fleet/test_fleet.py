"""The hosts are as promised: what other tests rely on is checked here, so that a broken fleet is seen as such."""

import datetime as dt
import gzip
import json
import re
import ssl
import subprocess
import urllib.error
import urllib.request
from base64 import b64decode, b64encode
from pathlib import Path
from typing import Any

import pytest

from tests.fleet import manager, traffic
from tests.fleet.engine import as_root
from tests.fleet.fixtures import MediumFactory
from tests.fleet.host import Host
from tests.fleet.manager import Fleet
from tests.fleet.medium import LoopMedium, sweep

DUMP = "mariadb-dump --single-transaction --quick --routines --events --triggers --hex-blob --skip-dump-date"


def _get(url: str, headers: dict[str, str] | None = None, ca: str | None = None) -> tuple[bytes, Any]:
    context = ssl.create_default_context(cafile=ca) if ca else None
    request = urllib.request.Request(url, headers=headers or {})
    with urllib.request.urlopen(request, context=context, timeout=30) as reply:
        return reply.read(), reply.headers


def _posts(url: str) -> list[dict[str, Any]]:
    body, _ = _get(f"{url}/wp-json/wp/v2/posts?per_page=100&_embed=wp:term")
    posts: list[dict[str, Any]] = json.loads(body)
    return posts


def test_wordpress_answers_with_its_dated_posts(vps: Host, wordpress_url: str) -> None:
    posts = _posts(wordpress_url)
    assert len(posts) == vps.facts["fleet_wp_posts"] == 30
    newest: dict[str, dt.datetime] = {}
    for post in posts:
        modified = dt.datetime.fromisoformat(post["modified_gmt"]).replace(tzinfo=dt.UTC)
        for term in post["_embedded"]["wp:term"][0]:
            newest[term["slug"]] = max(modified, newest.get(term["slug"], modified))
    now = dt.datetime.now(dt.UTC)
    ages = {slug: (now - moment).days for slug, moment in newest.items()}
    assert ages == vps.facts["fleet_wp_newest_days"]
    assert ages[vps.facts["fleet_stale_category"]] > 180
    assert posts[0]["link"].startswith(wordpress_url)


def test_wordpress_pages_feeds_and_permalinks_work(wordpress_url: str) -> None:
    assert b"</html>" in _get(wordpress_url + "/")[0]
    assert _get(wordpress_url + "/feed/")[0].count(b"<item>") == 10
    assert _get(wordpress_url + "/category/regulasi/feed/")[0].count(b"<item>") == 4
    link = _posts(wordpress_url)[-1]["link"]
    assert re.search(r"/\d{4}/\d{2}/pedoman-pemeliharaan-laman-instansi/$", link)
    assert "Pedoman Pemeliharaan Laman Instansi" in _get(link)[0].decode()


def test_application_password_opens_the_rest_api(vps: Host, wordpress_url: str) -> None:
    token = b64encode(f"{vps.facts['fleet_wp_user']}:{vps.facts['fleet_wp_app_password']}".encode()).decode()
    themes = json.loads(_get(f"{wordpress_url}/wp-json/wp/v2/themes", {"Authorization": f"Basic {token}"})[0])
    assert "twentytwentyone" in {theme["stylesheet"] for theme in themes}
    assert vps.run("grep wp_version /var/www/laman/wp-includes/version.php").stdout.count("6.1")


@pytest.mark.parametrize(("name", "days"), [("vps", 60), ("shared", 10)])
def test_tls_is_signed_by_the_fleets_authority_and_ends_when_told(fleet: Fleet, name: str, days: int) -> None:
    facts = fleet.hosts[name].facts
    assert b"</html>" in _get(facts["fleet_https_url"] + "/", ca=facts["fleet_tls_ca"])[0]
    left = dt.datetime.fromisoformat(facts["fleet_tls_not_after"]) - dt.datetime.now(dt.UTC)
    assert dt.timedelta(days=days - 1) < left <= dt.timedelta(days=days)
    with pytest.raises(urllib.error.URLError, match="CERTIFICATE_VERIFY_FAILED"):
        _get(facts["fleet_https_url"] + "/")


def test_vps_accounts(vps: Host) -> None:
    assert vps.run("id -un").stdout == "laman\n"
    assert vps.run("sudo -n id -un").stdout == "root\n"
    assert vps.run("id -un", user="root").stdout == "root\n"
    assert vps.run("python3 -c 'import json, ssl, sqlite3; print(1)'").stdout == "1\n"


def _dump(vps: Host, user: str, password: str) -> str:
    return vps.run(f"MYSQL_PWD={password} {DUMP} --user={user} {vps.facts['fleet_db_name']}").stdout


def test_backup_account_dumps_all_that_root_can(vps: Host) -> None:
    facts = vps.facts
    mine = _dump(vps, facts["fleet_db_user"], facts["fleet_db_password"])
    whole = vps.run(f"sudo {DUMP} {facts['fleet_db_name']}").stdout
    for kind in ("TRIGGER", "PROCEDURE", "FUNCTION", "EVENT", "VIEW"):
        assert re.search(rf"CREATE.* {kind} |50001 {kind} ", mine), kind
    for text in (mine, whole):
        assert "-- Dump completed" in text
    # Visitors may have WordPress write its own options between the two: compare the rest.
    assert [line for line in mine.splitlines() if "laman_" in line] == [
        line for line in whole.splitlines() if "laman_" in line
    ]


def test_poor_account_loses_the_trigger_without_an_error(vps: Host) -> None:
    dump = _dump(vps, vps.facts["fleet_db_poor_user"], vps.facts["fleet_db_poor_password"])
    assert "-- Dump completed" in dump
    assert "laman_survei_catat" not in dump
    assert "laman_nilai_rata" in dump


def test_database_holds_bytes_and_four_byte_characters(vps: Host) -> None:
    sql = (
        "SELECT COUNT(*), MIN(SHA2(isi, 256) = LOWER(HEX(sidik))), MAX(LENGTH(isi)) FROM laman_lampiran; "
        "SELECT pesan FROM laman_survei WHERE id = 1; SELECT COUNT(*) FROM laman_audit; SELECT laman_jumlah_survei()"
    )
    client = "sudo mariadb --default-character-set=utf8mb4 --skip-column-names wordpress"
    assert vps.run(client, stdin=sql).stdout.splitlines() == [
        "16\t1\t16384",
        "Pelayanannya cepat, terima kasih 🙏",
        "4",
        "4",
    ]


def test_uploads_have_the_awkward_names_and_kinds(vps: Host) -> None:
    found = vps.run(f"cd {vps.facts['fleet_uploads_path']} && find . ! -type d -printf '%y %m %s %p\\n'").stdout
    kinds = {line.split(" ", 3)[3]: line.split(" ", 3)[:3] for line in found.splitlines()}
    assert kinds["./dokumen/laporan tahunan.pdf"][0] == "f"
    assert kinds["./gambar/Upacara – Hari Jadi ✓ 日本.txt"][0] == "f"
    assert kinds["./dokumen/terbaru.pdf"][0] == "l"
    assert kinds["./dokumen/kosong.txt"] == ["f", "644", "0"]
    assert kinds["./alat/cek.sh"][1] == "755"


def test_sqlite_database(vps: Host) -> None:
    told = vps.run(f"sqlite3 {vps.facts['fleet_sqlite_path']} 'PRAGMA journal_mode; SELECT count(*) FROM pengaduan'")
    assert told.stdout.split() == ["wal", str(vps.facts["fleet_sqlite_rows"])]


@pytest.mark.parametrize("name", ["vps", "shared"])
def test_logs_begin_with_the_lines_of_the_known_truth(fleet: Fleet, name: str) -> None:
    host = fleet.hosts[name]
    for path, truth in host.facts["fleet_log_truth"].items():
        reader = "zcat" if path.endswith(".gz") else "cat"
        printed = host.run(f"echo --; {reader} '{path}'").stdout.split("--\n", 1)[1]
        lines = printed.splitlines()[: truth["lines"]]
        assert len(lines) == truth["lines"], path
        for address, attack in truth["attackers"].items():
            assert sum(line.startswith(f"{address} ") for line in lines) == attack["requests"], (path, address)


def test_real_requests_reach_the_log(vps: Host, wordpress_url: str) -> None:
    _get(f"{wordpress_url}/?jejak=fleet-test")
    assert "/?jejak=fleet-test" in vps.run("tail -n 50 /var/log/nginx/access.log").stdout


def test_shared_has_no_python_and_a_noisy_shell(shared: Host) -> None:
    for interpreter in ("python3", "python", "python2"):
        assert shared.run(f"command -v {interpreter}", check=False).returncode != 0
    assert shared.run("find / -xdev -name 'python*' -type f -perm -100 2>/dev/null | wc -l").stdout.split()[-1] == "0"
    assert shared.run("echo data").stdout == f"{shared.facts['fleet_banner']}\ndata\n"
    assert shared.run("true", user="root", check=False).returncode == 255


def test_shared_account_sees_its_logs_and_cannot_read_what_is_the_hosts(shared: Host) -> None:
    facts = shared.facts
    assert shared.run("test -L ~/access-logs && ls ~/access-logs/").stdout.split()[-2:] == [
        "dinas-contoh.test",
        "dinas-contoh.test-ssl_log",
    ]
    denied = shared.run(f"cat {facts['fleet_unreadable_path']}", check=False)
    assert denied.returncode != 0
    assert "Permission denied" in denied.stderr
    archive = shared.run(f"base64 -w0 '{facts['fleet_log_archive']}'").stdout.splitlines()[-1]
    assert re.search(r"dinas-contoh\.test-[A-Z][a-z]{2}-\d{4}\.gz$", facts["fleet_log_archive"])
    assert len(gzip.decompress(b64decode(archive)).splitlines()) == 503


def test_shared_database_and_site(shared: Host) -> None:
    facts = shared.facts
    sql = "SELECT COUNT(*) FROM kunjungan"
    query = f"MYSQL_PWD={facts['fleet_db_password']} mariadb -N -u {facts['fleet_db_user']} -e '{sql}' agency_web"
    assert shared.run(query).stdout.splitlines()[-1] == "200"
    assert _get(facts["fleet_feed_url"])[0].count(b"<item>") == 5
    body, headers = _get(facts["fleet_sitemap_url"])
    assert body.count(b"<lastmod>") == 3
    assert "xml" in headers["Content-Type"]
    assert "halaman-hilang" in _get(facts["fleet_url"] + "/")[0].decode()


def test_a_host_goes_away_and_comes_back(fleet: Fleet) -> None:
    host = fleet.shared
    with host.stopped():
        assert not host.answers()
        assert host.run("true", check=False).returncode == 255
    assert host.run("true").returncode == 0
    with host.paused():
        assert not host.answers()
    assert host.answers()


def test_a_damaged_host_is_made_new(fleet: Fleet) -> None:
    fleet.vps.run("sudo mariadb -e 'DROP DATABASE wordpress'; sudo rm -r /var/www/laman/wp-content")
    fleet.renew("vps")
    assert len(_posts(fleet.vps.facts["fleet_url"])) == 30
    assert fleet.vps.run("test -e /var/www/laman/wp-content/uploads/dokumen/kosong.txt").returncode == 0


def test_orphans_do_not_stay_as_zombies(fleet: Fleet) -> None:
    fleet.vps.run("nohup sh -c '(sleep 0.1 &)' >/dev/null 2>&1; sleep 0.5")
    assert "Z" not in fleet.vps.run("ps -eo stat= | cut -c1").stdout.split()


def test_inventory_is_readable_and_alone_in_its_directory(fleet: Fleet) -> None:
    assert [path.name for path in fleet.inventory_dir.iterdir()] == ["hosts.yml"]
    hosts = json.loads((fleet.inventory_dir / "hosts.yml").read_text(encoding="utf-8"))["sites"]["hosts"]
    assert set(hosts) == {"vps", "shared"}
    assert hosts["vps"]["ansible_host"] == fleet.vps.address
    assert not fleet.known_hosts.is_relative_to(fleet.inventory_dir)


def test_up_again_finds_the_running_fleet_and_others_keep_it(fleet: Fleet) -> None:
    before = fleet.vps.admin("cat /proc/1/stat").stdout.split()[21]
    again = manager.up("another")
    assert again.vps.admin("cat /proc/1/stat").stdout.split()[21] == before
    assert manager.release("another") is False
    assert fleet.vps.answers()


def test_logs_are_the_same_on_every_start() -> None:
    end = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
    first = traffic.make_log(5, end, 50, traffic.ATTACKS)
    assert first == traffic.make_log(5, end, 50, traffic.ATTACKS)
    assert len(first.lines) == 50 + len(traffic.NOT_REQUESTS) + sum(len(attack.requests) for attack in traffic.ATTACKS)
    assert "01/Mar/2026:11:" in first.lines[-1]


def test_media_of_a_killed_run_are_swept(loop_medium: MediumFactory, tmp_path: Path) -> None:
    mine = loop_medium(8, "mine")
    ended = subprocess.Popen(["true"])
    ended.wait()
    left = LoopMedium(tmp_path / f"media-pid-{ended.pid}", 8, "left")
    assert sweep() == [left.path]
    assert mine.mounted
    assert not left.mounted


def test_medium_fills_up_goes_read_only_and_is_pulled(loop_medium: MediumFactory) -> None:
    medium = loop_medium(16, "backup-a")
    # As root: where no udev runs, only root can read what is on the device.
    found = as_root("findmnt", "-no", "UUID,LABEL,FSTYPE", "--mountpoint", medium.path)
    assert found.split() == [medium.uuid, "backup-a", "ext4"]
    filler = medium.fill(leave_bytes=100_000)
    assert 50_000 < medium.free_bytes <= 150_000
    with pytest.raises(OSError, match="No space left"):
        (medium.path / "set.bin").write_bytes(bytes(500_000))
    filler.unlink()
    medium.remount_ro()
    with pytest.raises(OSError, match="Read-only file system"):
        (medium.path / "other.bin").write_bytes(b"x")
    medium.unmount()
    assert not medium.mounted
    assert list(medium.path.iterdir()) == []
    medium.mount()
    assert (medium.path / "set.bin").exists()
