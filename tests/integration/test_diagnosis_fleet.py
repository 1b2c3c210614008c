"""`laman diagnose` on real hosts: each fault is named, a healthy site is left as it was, secrets stay secret."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.emulators.nameserver import NameServer
from tests.fleet.engine import as_root, podman
from tests.fleet.host import Host
from tests.fleet.manager import Fleet
from tests.integration.agency import Agency
from tests.integration.test_fleet_run import files_with, ssh_variables, watching_command_lines

CANARY = "kenari-b4cKup-rahasia"
CANARY_SITE = "kenari-s1tus-rahasia"
ERROR_LOGS = ["/var/log/nginx/error.log", "/var/log/php8.2-fpm.log", "/var/log/mariadbd.log"]
SECONDS: dict[str, float] = {}


@pytest.fixture(scope="module", autouse=True)
def _leave_the_hosts_as_new(fleet: Fleet) -> Iterator[None]:
    yield
    fleet.renew("shared")
    fleet.renew("vps")
    print("\n" + "\n".join(f"diagnosis of {name}: {seconds:.1f} s" for name, seconds in SECONDS.items()))


@pytest.fixture
def host(fleet: Fleet) -> Host:
    """A WordPress that nobody has damaged yet, warmed up as a site that people visit."""
    host = fleet.renew("vps")
    for _ in range(2):
        host.run("php -r 'exit(strlen(file_get_contents(\"http://127.0.0.1/\")) > 1000 ? 0 : 1);'")
    return host


def settings(fleet: Fleet, name: str, **changes: Any) -> dict[str, Any]:
    facts = fleet.hosts[name].facts
    base = ssh_variables(fleet, name) | {
        "content_status_url": facts["fleet_https_url"] + "/",
        "site_backup_trees": [{"name": "laman", "path": facts["fleet_site_path"], "exclude": []}],
        "site_backup_databases": [
            {"name": "web", "kind": "mariadb", "database": facts["fleet_db_name"], "user": facts["fleet_db_user"],
             "password": facts["fleet_db_password"], "socket": facts["fleet_db_socket"]}
        ],
        "site_diagnosis_ca_file": facts["fleet_tls_ca"],
        "site_diagnosis_become": name == "vps",
        "site_diagnosis_error_logs": ERROR_LOGS,
        "site_diagnosis_certificate_days": 3,  # the fleet's certificates are short-lived
        "site_diagnosis_load_per_cpu": 1000,  # a machine that runs tests is busy, with other things than this site
        "site_diagnosis_memory_percent": 0,
        "site_diagnosis_slow_seconds": 20,
        "site_diagnosis_http_timeout": 25,
    }  # fmt: skip
    return base | changes


@pytest.fixture
def agency(fleet: Fleet, host: Host, tmp_path: Path) -> Agency:
    return Agency(tmp_path / "agency", {"vps": settings(fleet, "vps")}).write()


@dataclass
class Told:
    """What a diagnosis came to."""

    code: int
    made: dict[str, Any]
    seconds: float
    screen: str

    @property
    def states(self) -> dict[str, str]:
        return {check["name"]: check["state"] for check in self.made["checks"]}

    @property
    def problems(self) -> set[str]:
        return {name for name, state in self.states.items() if state == "problem"}

    def detail(self, name: str) -> str:
        return next(str(check["detail"]) for check in self.made["checks"] if check["name"] == name)


def diagnose(agency: Agency, what: str, *words: str, site: str = "vps", **environment: str) -> Told:
    began = time.monotonic()
    done = agency.laman("diagnose", site, "--json", *words, **environment)
    seconds = SECONDS[what] = time.monotonic() - began
    assert done.stdout, done.stderr
    assert seconds < 60, f"{what}: {seconds:.0f} s"
    told = Told(done.returncode, json.loads(done.stdout), seconds, done.stdout + done.stderr)
    assert told.code == (0 if told.made["cause_kind"] is None else 2), done.stdout
    return told


def evidence(agency: Agency, told: Told) -> dict[str, Any]:
    path = next(file["path"] for file in told.made["files"] if file["path"].endswith(".json"))
    return dict(json.loads((agency.state / "archive" / path).read_text()))


# -- the healthy site: nothing is found and nothing is changed


def database_of(host: Host) -> str:
    """A sum over all that is in the database. Dumping touches files itself: not between two looks at the files."""
    dump = "mariadb-dump --single-transaction --routines --events --skip-dump-date wordpress | sha256sum"
    return host.admin(dump).stdout


def files_of(host: Host) -> dict[str, str]:
    """Each file of the host with size, times, mode and owner."""
    listed = host.admin(
        "find / -xdev -type d \\( -path /proc -o -path /sys -o -path /dev \\) -prune -o "
        "-printf '%p\\t%s %T@ %C@ %m %u %g\\n'",
        timeout=120,
    ).stdout
    files = dict(line.split("\t", 1) for line in listed.splitlines() if "\t" in line)
    assert len(files) > 10_000
    return files


# What a log-in by SSH writes by itself, and the files that MariaDB keeps moving while nobody asks it anything.
_MOVES = ("/var/log/lastlog", "/var/log/wtmp", "/var/log/btmp", "/var/log/faillog", "/run/utmp", "/run/motd",
          "/var/lib/mysql/ib", "/var/lib/mysql/undo", "/var/lib/mysql/aria_log", "/var/lib/mysql/#")  # fmt: skip


@pytest.mark.parametrize("become", [True, False])
def test_a_healthy_site_nothing_is_found_and_nothing_is_changed(
    fleet: Fleet, host: Host, tmp_path: Path, become: bool
) -> None:
    agency = Agency(tmp_path / "agency", {"vps": settings(fleet, "vps", site_diagnosis_become=become)}).write()
    log = "/var/log/nginx/access.log"
    lines = int(host.admin(f"wc -l <{log}").stdout)
    database, before = database_of(host), files_of(host)
    told = diagnose(agency, f"the healthy site (become: {become})")
    after = files_of(host)
    assert database_of(host) == database
    changed = {path for path in before | after if before.get(path) != after.get(path)}
    assert {path for path in changed if not path.startswith(_MOVES)} == {log}
    assert int(host.admin(f"wc -l <{log}").stdout) == lines + 1
    assert "laman (site diagnosis)" in host.admin(f"tail -n 1 {log}").stdout

    assert told.code == 0
    assert told.made["cause_kind"] is None
    assert told.problems == set()
    wanted = {"ok"} if become else {"unknown"}
    assert {told.states[name] for name in ("web_config", "cms_database", "certificate")} == (
        wanted if become else {"unknown", "ok"}
    )
    for name in ("tcp", "tls", "http", "http_clock", "access", "clock", "disk", "inodes", "read_only", "service_nginx",
                 "service_php_fpm", "service_database", "php", "database"):  # fmt: skip
        assert told.states[name] == "ok", name
    assert agency.laman("verify").returncode == 0
    assert agency.executions() == []
    shown = agency.laman("diagnose", "vps", "--all")
    assert shown.returncode == 0
    assert "nothing was found" in shown.stdout
    assert shown.stdout.splitlines()[-1] == "nothing is left to do."


def test_no_trace_is_left_where_the_web_server_is_down(agency: Agency, host: Host) -> None:
    """`nginx -t` as root would make an empty pid file and missing logs."""
    host.admin("nginx -s stop; rm -f /run/nginx.pid /var/log/nginx/error.log")
    told = diagnose(agency, "a stopped nginx")
    assert told.made["cause_kind"] == "web_server"
    assert "nginx" in told.made["cause"]
    assert host.admin("ls /run/nginx.pid /var/log/nginx/error.log 2>&1 || :").stdout.count("No such file") == 2


# -- each fault is named


def test_php_fpm_is_stopped(agency: Agency, host: Host) -> None:
    host.admin("kill $(cat /run/php/php8.2-fpm.pid); while pgrep -x php-fpm8.2 >/dev/null; do sleep 0.05; done")
    told = diagnose(agency, "stopped php-fpm")
    assert (told.made["cause_kind"], told.states["service_php_fpm"]) == ("php", "problem")
    assert "php-fpm8.2" in told.made["cause"]
    assert "tidak berjalan" in told.made["cause_id"]
    assert "HTTP 502" in told.detail("http")


def test_mariadb_is_stopped(agency: Agency, host: Host) -> None:
    host.admin("mariadb-admin shutdown")
    told = diagnose(agency, "stopped MariaDB")
    assert told.made["cause_kind"] == "database"
    assert "not running" in told.made["cause"]
    assert {"http", "service_database", "database", "cms_database"} <= told.problems
    assert "no database connection" in told.detail("http")


@pytest.fixture
def small_disk(host: Host) -> None:
    """The database lies on a file system of its own, of 400 MB; it goes when the host is made new."""
    host.admin("mariadb-admin shutdown; cp -a /var/lib/mysql /var/lib/mysql.copy")
    pid = podman("inspect", "--format", "{{.State.Pid}}", host.container).strip()
    as_root("nsenter", "--target", pid, "--mount", "--", "mount", "-t", "tmpfs", "-o", "size=400m,mode=755", "tmpfs",
            "/var/lib/mysql")  # fmt: skip
    start = ". /usr/local/lib/fleet/services.sh; fleet_mariadb_start"
    host.admin(f"cp -a /var/lib/mysql.copy/. /var/lib/mysql/ && chown mysql:mysql /var/lib/mysql && {{ {start}; }}")


@pytest.mark.usefixtures("small_disk")
def test_the_disk_is_full_and_explains_the_dead_database(agency: Agency, host: Host) -> None:
    assert diagnose(agency, "a database on a disk of its own").made["cause_kind"] is None
    host.admin("dd if=/dev/zero of=/var/lib/mysql/filler bs=64k 2>/dev/null; df -P /var/lib/mysql | grep -q 100%")
    told = diagnose(agency, "a full disk")
    assert told.made["cause_kind"] == "disk"
    assert "/var/lib/mysql" in told.made["cause"]
    host.admin("pkill -KILL -x mariadbd; while pgrep -x mariadbd >/dev/null; do sleep 0.05; done")
    told = diagnose(agency, "a full disk and a database that died of it")
    assert told.made["cause_kind"] == "disk"
    assert {"disk", "database", "service_database", "http"} <= told.problems
    assert "database_down" in evidence(agency, told)["also"]


def test_the_certificate_has_expired(agency: Agency, host: Host, tmp_path: Path) -> None:
    certificate, key = expired_certificate(host.address, tmp_path)
    host.admin("cat >/etc/fleet-tls/tls.crt", stdin=certificate)
    host.admin("cat >/etc/fleet-tls/tls.key", stdin=key)
    told = diagnose(agency, "a new certificate that was not loaded")
    assert told.made["cause_kind"] == "certificate"
    assert "not reloaded" in told.made["cause"]
    host.admin("nginx -s reload")
    wait_for_certificate(host)
    told = diagnose(agency, "an expired certificate")
    assert told.made["cause_kind"] == "certificate"
    assert "has expired" in told.made["cause"]
    assert told.states["http"] == "ok"  # the page behind it is still looked at
    assert files_with("PRIVATE KEY", agency.state) == []


def expired_certificate(address: str, folder: Path) -> tuple[str, str]:
    """PEM of a certificate that ended yesterday, and its key."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, address)])
    now = datetime.now(UTC)
    import ipaddress

    certificate = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=30)).not_valid_after(now - timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))]), critical=False)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return certificate.public_bytes(serialization.Encoding.PEM).decode(), private.decode()


def wait_for_certificate(host: Host) -> None:
    """Until nginx hands out what lies in its file."""
    deadline = time.monotonic() + 20
    command = "openssl s_client -connect 127.0.0.1:443 </dev/null 2>/dev/null | openssl x509 -noout -checkend 0"
    while host.admin(command, check=False).returncode == 0:
        assert time.monotonic() < deadline, "nginx still hands out the old certificate"
        time.sleep(0.1)


def test_the_nginx_configuration_is_broken(agency: Agency, host: Host) -> None:
    host.admin("echo 'server { listen 8081; tidak_ada_perintah on; }' >/etc/nginx/sites-enabled/rusak.conf")
    told = diagnose(agency, "a broken nginx configuration, not loaded yet")
    assert told.made["cause_kind"] == "web_server"
    assert "will not survive" in told.made["cause"]
    assert "tidak_ada_perintah" in told.made["cause"]
    host.admin("kill -QUIT $(cat /run/nginx.pid); while pgrep -x nginx >/dev/null; do sleep 0.05; done; ! nginx")
    told = diagnose(agency, "a broken nginx configuration after a restart")
    assert told.made["cause_kind"] == "web_server"
    assert "cannot start" in told.made["cause"]
    assert "tidak_ada_perintah" in told.made["cause"]
    assert {"tcp", "service_nginx", "web_config"} <= told.problems


def test_the_sites_own_database_password_is_wrong(agency: Agency, host: Host) -> None:
    host.admin("mariadb", stdin="ALTER USER wordpress@localhost IDENTIFIED BY 'yang-lain';\n")
    told = diagnose(agency, "a wrong password in wp-config.php")
    assert told.made["cause_kind"] == "database"
    assert "refuses the site's own account (wordpress on wordpress)" in told.made["cause"]
    assert "wp-config.php" in told.made["cause"]
    assert told.states["database"] == "ok"
    assert "fleet-wordpress" not in told.screen


def test_the_password_of_the_settings_is_wrong_which_no_visitor_sees(fleet: Fleet, host: Host, tmp_path: Path) -> None:
    variables = settings(fleet, "vps")
    variables["site_backup_databases"][0]["password"] = "bukan-ini"
    agency = Agency(tmp_path / "agency", {"vps": variables}).write()
    told = diagnose(agency, "a wrong password in the settings")
    assert told.problems == {"database"}
    assert "refuses the account wp_backup" in told.made["cause"]
    assert "bukan-ini" not in told.screen
    assert files_with("bukan-ini", agency.state) == []


def test_a_host_that_is_off_and_one_that_hangs(agency: Agency, fleet: Fleet, host: Host) -> None:
    with host.paused():
        told = diagnose(agency, "a host that hangs")
    assert told.made["cause_kind"] == "server"
    assert told.made["status"] == "unreachable"
    assert "does not answer, neither to visitors nor to us" in told.made["cause"]
    with host.stopped():
        told = diagnose(agency, "a host that is off")
    assert told.made["cause_kind"] == "server"
    inside = {check["name"] for check in told.made["checks"] if check["side"] == "inside"}
    assert inside == {"access"}, "what could not be seen is not called anything"


@pytest.mark.parametrize(
    ("behaviour", "says"),
    [("nxdomain", "does not exist in DNS"), ("empty", "has no address"), ("silent", "give no answer"),
     ("servfail", "give no answer"), ("answer", "instead of")],
)  # fmt: skip
def test_dns_is_wrong(fleet: Fleet, tmp_path: Path, behaviour: Any, says: str) -> None:
    with NameServer(["127.0.0.1"], behaviour) as server:
        variables = settings(
            fleet, "vps", content_status_url="http://www.uji.test/", site_diagnosis_nameservers=[server.place],
            site_diagnosis_addresses=[fleet.vps.address],
        )  # fmt: skip
        agency = Agency(tmp_path / "agency", {"vps": variables}).write()
        told = diagnose(agency, f"DNS: {behaviour}")
    assert told.made["cause_kind"] == "dns"
    assert says in told.made["cause"]
    assert "www.uji.test" in told.made["cause_id"]
    assert told.states["access"] == "ok"
    assert "www.uji.test" in server.asked


def test_dns_is_right_and_the_page_is_fetched_where_it_leads(fleet: Fleet, host: Host, tmp_path: Path) -> None:
    with NameServer([host.address]) as server:
        variables = settings(
            fleet, "vps", content_status_url="http://www.uji.test/", site_diagnosis_nameservers=[server.place],
            site_diagnosis_addresses=[host.address],
        )  # fmt: skip
        agency = Agency(tmp_path / "agency", {"vps": variables}).write()
        told = diagnose(agency, "a site by its name")
    assert told.made["cause_kind"] is None, told.made
    assert told.states["dns"] == told.states["http"] == "ok"


def test_the_clock_is_wrong(agency: Agency, host: Host) -> None:
    """A container has its machine's clock: `date` on the host says another time, as a host with a wrong clock would."""
    host.admin("printf '#!/bin/sh\\nexec /bin/date -d \"-2 hours\" \"$@\"\\n' >/usr/local/bin/date; "
               "chmod 755 /usr/local/bin/date")  # fmt: skip
    told = diagnose(agency, "a clock that is off")
    assert told.made["cause_kind"] == "server"
    assert "clock is 72" in told.made["cause"]
    assert told.problems == {"clock"}


def test_the_shared_host_without_python(fleet: Fleet, tmp_path: Path) -> None:
    fleet.renew("shared")
    agency = Agency(tmp_path / "agency", {"shared": settings(fleet, "shared")}).write()
    told = diagnose(agency, "the shared host", site="shared")
    assert told.made["cause_kind"] is None, told.made
    assert told.states["web_config"] == told.states["error_log"] == "unknown"  # root's own
    assert told.states["php"] == "skipped"
    assert told.states["database"] == "ok"


# -- hostile text and secrets


def test_hostile_logs_and_secrets(fleet: Fleet, host: Host, tmp_path: Path) -> None:
    """The log holds escapes and, in a stack trace, a password; both passwords in use are nowhere in what we leave."""
    host.admin("mariadb", stdin=f"ALTER USER wp_backup@localhost IDENTIFIED BY '{CANARY}';\n"
                                f"ALTER USER wordpress@localhost IDENTIFIED BY '{CANARY_SITE}';\n")  # fmt: skip
    host.admin(f"sed -i 's/fleet-wordpress/{CANARY_SITE}/' /var/www/laman/wp-config.php")
    hostile = (
        f"PHP Fatal error:  Uncaught Error \x1b[2J\x1b[31m\u202e in x.php\n"
        f"#0 wp-db.php(1): mysqli_real_connect('localhost', 'wordpress', '{CANARY_SITE}') Uncaught Error\n"
        f"#1 password={CANARY} Uncaught Error\n"
    )  # fmt: skip
    begin = "date '+%Y/%m/%d %H:%M:%S [error] ' | tr -d '\\n'"  # by the host's own clock and zone, as nginx writes
    host.admin(f"{{ {begin}; cat; }} >>/var/log/nginx/error.log", stdin=hostile)
    variables = settings(fleet, "vps")
    variables["site_backup_databases"][0]["password"] = "{{ lookup('ansible.builtin.env', 'LAMAN_SECRET_DB') }}"
    agency = Agency(tmp_path / "agency", {"vps": variables}).write()
    with watching_command_lines(CANARY) as seen, watching_command_lines(CANARY_SITE) as seen_site:
        told = diagnose(agency, "a site with hostile logs", LAMAN_SECRET_DB=CANARY)
    assert seen == seen_site == []
    assert told.problems == {"error_log"}
    assert told.states["database"] == told.states["cms_database"] == "ok"
    assert "fatal errors" in told.made["cause"]
    text = next(agency.state.rglob("diagnosis.txt")).read_bytes()
    assert b"mysqli_real_connect(" in text
    assert b"\x1b" not in text
    assert "\u202e".encode() not in text
    for secret in (CANARY, CANARY_SITE):
        assert secret not in told.screen
        assert files_with(secret, agency.state, Path("/dev/shm")) == []


# -- on a ticket


def test_the_evidence_goes_to_the_ticket(agency: Agency, host: Host) -> None:
    host.admin("mariadb-admin shutdown")
    shown = agency.laman("diagnose", "vps")
    assert shown.returncode == 2
    assert "ticket open --site vps --title" in shown.stdout.splitlines()[-1]
    opened = agency.laman("ticket", "open", "--site", "vps", "--title", "Laman galat", "--json")
    assert opened.returncode == 0, opened.stderr
    ticket = json.loads(opened.stdout)["ticket"]
    told = diagnose(agency, "a site on a ticket", "--ticket", ticket)
    assert told.made["ticket"] == ticket
    assert told.made["cause_kind"] in agency.laman("ticket", "show", ticket).stdout
    verified = agency.laman("verify")
    assert verified.returncode == 0, verified.stdout
    assert [e["activity"] for e in agency.executions()] in ([], [8]), "a diagnosis is no execution"


def test_what_cannot_be_asked_is_one_line_and_nothing_is_recorded(agency: Agency) -> None:
    for words, says in (
        (("diagnose", "tidak-ada"), "unknown site"),
        (("diagnose", "vps", "--ticket", "T-2026-099"), "no ticket 'T-2026-099'"),
    ):
        done = agency.laman(*words)
        assert done.returncode == 1
        assert says in done.stderr
        assert done.stderr.count("\n") <= 2
    agency.sites["vps"]["content_status_url"] = "ftp://x/"
    agency.write()
    done = agency.laman("diagnose", "vps")
    assert done.returncode == 1
    assert "site_diagnosis_url" in done.stderr
    assert list((agency.state / "archive").rglob("*.*")) == []
