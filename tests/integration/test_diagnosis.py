"""A diagnosis over real sockets on loopback: pages and certificates that are wrong in every way, shells, cPanel."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from reporting.diagnosis.inside import look_inside
from reporting.diagnosis.model import Check
from reporting.diagnosis.outside import look_outside
from reporting.diagnosis.request import DiagnosisRequest, read_request
from reporting.diagnosis.rules import shipped
from reporting.diagnosis.script import COMMAND, Answer, script_for
from reporting.diagnosis.tls import Served
from reporting.hosts.stream import _wrapped
from tests.emulators.cpanel import CpanelEmulator
from tests.emulators.nameserver import NameServer
from tests.emulators.web import Page, WebServer
from tests.integration.agency import Agency, wait_for_line, wait_until_nothing_is_left


def request(url: str, **changes: Any) -> DiagnosisRequest:
    limits = {"connect_timeout": 1.5, "http_timeout": 1.5, "load_per_cpu": 1000, "memory_percent": 0}
    limits |= changes.pop("limits", {})
    return read_request({"site": "www", "url": url, "method": "local", "limits": limits} | changes)


def outside(url: str, **changes: Any) -> tuple[dict[str, Check], Served | None]:
    checks, served = look_outside(request(url, **changes), shipped())
    return {check.name: check for check in checks}, served


# -- the page


def drip(handler: BaseHTTPRequestHandler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    for _ in range(20):
        handler.wfile.write(b"x")
        handler.wfile.flush()
        time.sleep(0.2)


def hang_up(handler: BaseHTTPRequestHandler) -> None:
    handler.connection.shutdown(socket.SHUT_RDWR)


WORDPRESS_DEAD = b"<html><body id='error-page'><h1>Error establishing a database connection</h1></body></html>"
PAGES: dict[str, tuple[Any, str, str]] = {
    "good": (b"<html>Selamat datang</html>", "ok", "http.ok"),
    "wordpress without a database": (Page(WORDPRESS_DEAD, 500), "problem", "http.database_error"),
    "php fatal with 200": (Page(b"<br />\n<b>Fatal error</b>: Uncaught Error in x.php"), "problem", "http.php_fatal"),
    "php out of memory": (Page(b"Allowed memory size of 134217728 bytes exhausted", 500), "problem", "http.php_memory"),
    "critical error": (Page(b"There has been a critical error on this website.", 500), "problem", "http.php_fatal"),
    "blank": (Page(b"  \n"), "problem", "http.blank"),
    "gateway": (Page(b"<h1>502 Bad Gateway</h1>", 502), "problem", "http.502"),
    "forbidden": (Page(b"no", 403), "problem", "http.403"),
    "gone": (Page(b"no", 404), "problem", "http.404"),
    "loop": (Page(b"", 302, headers={"Location": "/"}), "problem", "http.redirect_loop"),
    "nowhere": (Page(b"", 302), "problem", "http.redirect_nowhere"),
    "suspended": (Page(b"<h1>Account Suspended</h1>"), "problem", "http.suspended"),
    "default page": (Page(b"<title>Welcome to nginx!</title>"), "problem", "http.default_page"),
    "drips": (drip, "problem", "http.timeout"),
    "hangs up": (hang_up, "problem", "http.empty_reply"),
    "an article that quotes one": (b"<p>Fatal error: kata itu</p>" + b"<p>berita</p>" * 3000, "ok", "http.ok"),
    "endless": (b"x" * (2 << 20), "ok", "http.ok"),
}


@pytest.mark.parametrize("name", PAGES)
def test_what_a_page_says(name: str) -> None:
    page, state, sign = PAGES[name]
    with WebServer() as server:
        server.routes["/"] = page
        began = time.monotonic()
        seen, _ = outside(server.url + "/")
        assert time.monotonic() - began < 8
    assert seen["http"].state == state, seen["http"].detail
    assert sign in seen["http"].signs


def test_a_hostile_page_is_harmless() -> None:
    with WebServer() as server:
        server.routes["/"] = Page(b"\x1b[2J<b>Fatal error</b>: \xe2\x80\xae" + b"\x07" * 500, 500,
                                  headers={"Server": "x\x1b[31m"})  # fmt: skip
        seen, _ = outside(server.url + "/")
    text = repr([seen["http"].detail, seen["http"].lines, dict(seen["http"].facts)])
    assert "\\x1b" not in text
    assert "\\u202e" not in text


def dated(when: datetime) -> Callable[[BaseHTTPRequestHandler], None]:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        date = format_datetime(when, usegmt=True)
        handler.wfile.write(f"HTTP/1.1 200 OK\r\nDate: {date}\r\nContent-Length: 4\r\n\r\nhalo".encode())
        handler.close_connection = True

    return answer


@pytest.mark.parametrize(("hours", "state"), [(0, "ok"), (-2, "problem"), (1, "problem")])
def test_a_clock_that_is_off_is_seen_in_the_page(hours: int, state: str) -> None:
    with WebServer() as server:
        server.routes["/"] = dated(datetime.now(UTC) + timedelta(hours=hours))
        seen, _ = outside(server.url + "/")
    assert seen["http_clock"].state == state, seen["http_clock"].detail
    assert seen["http"].state == "ok"


# -- connection and certificate


def test_refused_and_silent_ports(tmp_path: Path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        seen, _ = outside(f"https://127.0.0.1:{port}/")
        assert "tcp.refused" in seen["tcp"].signs
        assert {seen[name].state for name in ("tls", "http", "http_clock")} == {"skipped"}
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        began = time.monotonic()
        seen, _ = outside(f"https://127.0.0.1:{silent.getsockname()[1]}/")
        assert time.monotonic() - began < 8
    assert seen["tcp"].state == "ok"
    assert "tls.failed" in seen["tls"].signs
    assert "http.timeout" in seen["http"].signs


def test_plain_http_on_a_tls_port() -> None:
    with WebServer() as server:
        seen, _ = outside(server.url.replace("http:", "https:") + "/")
    assert "tls.failed" in seen["tls"].signs


@pytest.mark.parametrize(
    ("days", "host", "trusted", "signs"),
    [
        (90, "localhost", True, {"tls.ok"}),
        (3, "localhost", True, {"tls.expires_soon"}),
        (-1, "localhost", True, {"tls.expired"}),
        (90, "127.0.0.1", True, {"tls.ok"}),
        (90, "lain.uji.test", True, {"tls.other_name"}),
        (90, "localhost", False, {"tls.untrusted"}),
    ],
)
def test_certificates(tmp_path: Path, days: int, host: str, trusted: bool, signs: set[str]) -> None:
    with WebServer(tmp_path, days=days) as server, NameServer(["127.0.0.1"]) as names:
        server.routes["/"] = b"<p>halo</p>"
        changes: dict[str, Any] = {"nameservers": [names.place]}
        if trusted:
            changes["ca_file"] = str(server.ca_file)
        seen, served = outside(f"https://{host}:{server.port}/", **changes)
    assert seen["tls"].signs == signs, seen["tls"].detail
    assert seen["http"].state == "ok", "the certificate does not hide the page"
    assert served is not None


def test_a_certificate_that_lies_there_and_is_not_handed_out(tmp_path: Path) -> None:
    with WebServer(tmp_path / "old", days=20) as server, WebServer(tmp_path / "new", days=80):
        asked = request(f"https://localhost:{server.port}/", ca_file=str(server.ca_file),
                        certificate_files=[str(tmp_path / "new" / "cert.pem")])  # fmt: skip
        _, served = look_outside(asked, shipped())
    for key in ("new", "old"):
        (tmp_path / "chain.pem").write_bytes((tmp_path / key / "key.pem").read_bytes()
                                             + (tmp_path / key / "cert.pem").read_bytes())  # fmt: skip
        asked = asked.model_copy(update={"certificate_files": [str(tmp_path / "chain.pem")]})
        answer, checks = inside(asked, "sh", served)
        assert "PRIVATE" not in repr(answer.sections)
        assert checks["certificate"].state == ("problem" if key == "new" else "ok")


# -- inside, on this machine, by the shells that hosts have

SHELLS = {"dash": ["dash"], "bash": ["bash"], "bash as sh": ["bash", "--posix"], "busybox": ["busybox", "sh"]}


def inside(
    asked: DiagnosisRequest, shell: str, served: Served | None = None, path: str = ""
) -> tuple[Answer, dict[str, Check]]:
    """Run the script as a host would, with the very command that is sent; `path` is put before PATH."""
    script = script_for(asked)
    argv = SHELLS.get(shell, [shell])
    line = _wrapped(COMMAND, "nonce", len(script.text))
    if argv != ["sh"]:
        line = line.replace("/bin/sh -c", " ".join(argv) + " -c", 1)
    with subprocess.Popen(["/bin/sh", "-c", line], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          env={**os.environ, "PATH": f"{path}:{os.environ['PATH']}"}) as process:  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(script.text)
        process.stdin.flush()
        answer = Answer(script)
        while chunk := process.stdout.read1(65536):  # type: ignore[attr-defined]
            answer.feed(chunk)
        process.stdin.close()
    checks = look_inside(asked, script, answer, shipped(), ([], served), datetime.now(UTC))
    return answer, {check.name: check for check in checks}


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_runs_in_the_shells_that_hosts_have(shell: str, tmp_path: Path) -> None:
    if shutil.which(SHELLS[shell][0]) is None:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(f"{SHELLS[shell][0]} is not installed")
    (tmp_path / "with space").mkdir()
    (tmp_path / "x.sqlite").write_bytes(b"SQLite format 3\0" + b"\0" * 84)
    (tmp_path / "y.sqlite").write_bytes(b"bukan basis data")
    asked = request(
        "http://localhost/", trees=[str(tmp_path / "with space")], error_logs=[str(tmp_path / "*.log")],
        databases=[{"name": n, "kind": "sqlite", "path": str(tmp_path / f"{n}.sqlite")} for n in ("x", "y", "z")],
    )  # fmt: skip
    (tmp_path / "it's.log").write_text(time.strftime("%Y/%m/%d %H:%M:%S [crit] rusak\n"))
    answer, checks = inside(asked, shell)
    assert answer.whole
    assert [checks[name].state for name in ("database", "database_2", "database_3")] == ["ok", "problem", "problem"]
    for name in ("clock", "load", "memory", "disk", "inodes", "read_only"):
        assert checks[name].state == "ok", (name, checks[name].detail)
    assert "log.fatal" in checks["error_log"].signs
    assert "it's.log" in checks["error_log"].detail


def test_a_program_that_hangs_costs_its_own_time_only(tmp_path: Path) -> None:
    """Without `timeout` on the host too: the shell's own watcher ends it."""
    for name, text in (("df", "exec /bin/sleep 60"), ("php", "exec /bin/sleep 60"), ("timeout", "exit 127")):
        (tmp_path / name).write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / name).chmod(0o755)
    began = time.monotonic()
    answer, checks = inside(request("http://localhost/", trees=[str(tmp_path)]), "sh", path=str(tmp_path))
    assert answer.whole
    assert time.monotonic() - began < 40  # 3 + 3 + 6 s, and what a busy machine adds
    assert checks["disk"].signs == {"disk.hangs"}
    assert checks["php"].state == "problem"
    assert checks["clock"].state == "ok"


def test_a_wordpress_account_stays_on_the_host(tmp_path: Path) -> None:
    """The client gets the account on its standard input, and the script prints nothing of it."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "wp-config.php").write_text(
        "<?php\ndefine( 'DB_NAME', 'web' );\ndefine('DB_USER', 'wp');\n"
        "define( \"DB_PASSWORD\", 'rahasia #1;' ); // x\ndefine('DB_HOST', 'localhost:/run/x.sock');\n"
    )
    client = tmp_path / "mariadb"
    client.write_text(f"#!/bin/sh\ncat >'{tmp_path}/got'; echo \"$*\" >'{tmp_path}/args'\n"
                      "echo 'ERROR 1045 (28000): Access denied' >&2; exit 1\n")  # fmt: skip
    client.chmod(0o755)
    answer, checks = inside(request("http://localhost/", trees=[str(tmp_path / "site")]), "sh", path=str(tmp_path))
    got = (tmp_path / "got").read_text()
    assert re.findall(r'^(\w+)="(.*)"$', got, re.MULTILINE) == [
        ("user", "wp"), ("password", "rahasia #1;"), ("socket", "/run/x.sock")
    ]  # fmt: skip
    assert "rahasia" not in (tmp_path / "args").read_text()
    assert "rahasia" not in repr(answer.sections)
    assert "cms.refused" in checks["cms_database"].signs
    (tmp_path / "site" / "wp-config.php").write_text("<?php define('DB_PASSWORD', getenv('X'));\n")
    _, checks = inside(request("http://localhost/", trees=[str(tmp_path / "site")]), "sh", path=str(tmp_path))
    assert checks["cms_database"].state == "unknown"


# -- through the command, without a shell on the site


def test_cpanel(tmp_path: Path) -> None:
    with CpanelEmulator(tmp_path / "cpanel") as cpanel, WebServer() as web:
        web.routes["/"] = b"<p>halo</p>"
        cpanel.strings_for_numbers = True
        site = {
            "content_status_url": web.url + "/", "site_access_method": "cpanel_api",
            "site_access_cpanel_host": "localhost", "site_access_cpanel_port": cpanel.port,
            "site_access_cpanel_user": cpanel.user,
            "site_access_cpanel_token": "{{ lookup('ansible.builtin.env', 'LAMAN_SECRET_TOKEN') }}",
            "site_access_cpanel_ca_file": str(cpanel.ca_file),
        }  # fmt: skip
        agency = Agency(tmp_path / "agency", {"www": site}).write()
        done = agency.laman("diagnose", "www", "--all", LAMAN_SECRET_TOKEN=cpanel.token)
        assert done.returncode == 0, done.stdout + done.stderr
        assert re.search(r"^ok +inside +disk .* of 250 MB", done.stdout, re.MULTILINE)
        assert re.search(r"^- +inside +error_log .*cPanel's API does not show it", done.stdout, re.MULTILINE)
        assert cpanel.token not in done.stdout + done.stderr
        refused = agency.laman("diagnose", "www", LAMAN_SECRET_TOKEN="X" * 32)
        assert refused.returncode == 2
        assert "cannot look inside" in refused.stdout
        assert "X" * 32 not in refused.stdout
    assert agency.laman("verify").returncode == 0


def test_wrong_settings_are_seen_by_laman_check(tmp_path: Path) -> None:
    site = {"content_status_url": "http://localhost:9/", "content_status_sections": [],
            "site_diagnosis_error_logs": ["salah.log"], "site_diagnosis_erorr_logs": []}  # fmt: skip
    agency = Agency(tmp_path / "agency", {"www": site}).write()
    done = agency.laman("check", "--offline")
    assert done.returncode == 1
    assert "site_diagnosis_error_logs: 'salah.log'" in done.stdout
    assert "site_diagnosis_erorr_logs: role site_diagnosis has no such variable; did you mean" in done.stdout


def test_what_a_diagnosis_takes_of_the_backup_is_named_where_it_is_wrong(tmp_path: Path) -> None:
    site = {"content_status_url": "http://localhost:9/", "site_backup_trees": ["/srv/www"]}
    agency = Agency(tmp_path / "agency", {"www": site, "ppid": {}}).write()
    done = agency.laman("diagnose", "www")
    assert done.returncode == 1
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("laman: ")]
    assert line.startswith("laman: www: site_backup_trees: ")
    assert "has no attribute" not in line
    checked = agency.laman("check", "--offline").stdout
    assert "HINT settings of ppid: laman diagnose cannot look at it: set content_status_url or site_diag" in checked


def test_the_role_by_itself_and_in_check_mode(tmp_path: Path) -> None:
    """Plain ansible-playbook: check mode looks just the same, and writes nothing on this machine either."""
    with WebServer() as web:
        web.routes["/"] = b"<p>halo</p>"
        agency = Agency(tmp_path / "agency", {"www": {"content_status_url": web.url + "/"}}).write()
        evidence = tmp_path / "evidence"
        for mode, files in ((["--check"], 0), ([], 2)):
            done = subprocess.run(
                [str(Path(sys.executable).with_name("ansible-playbook")), "-i", str(agency.inventory / "hosts.yml"),
                 "playbooks/diagnose.yml", "-e", f"site_diagnosis_evidence_dir={evidence}",
                 "-e", "site_diagnosis_load_per_cpu=1000", *mode],
                capture_output=True, text=True, cwd=Path(__file__).resolve().parents[2], timeout=120,
            )  # fmt: skip
            assert done.returncode == 0, done.stdout + done.stderr
            assert "changed=0" in done.stdout
            assert len(list(evidence.glob("*"))) == files


def test_a_diagnosis_that_is_interrupted_leaves_nothing(tmp_path: Path) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        agency = Agency(tmp_path / "agency", {"www": {"content_status_url": url}}).write()
        process = agency.start("diagnose", "www")
        wait_for_line(process, "Look from both sides")
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == 1
    wait_until_nothing_is_left(agency)
    assert [path for path in (agency.state / "archive").rglob("*") if path.is_file()] == []
    with sqlite3.connect(agency.state / "ledger.sqlite") as ledger:
        assert ledger.execute("SELECT count(*) FROM events WHERE kind = 'diagnosis.made'").fetchone() == (0,)
    assert agency.laman("verify").returncode == 0


def test_a_ticket_of_another_site_gets_no_evidence(tmp_path: Path) -> None:
    with WebServer() as web:
        web.routes["/"] = b"<p>halo</p>"
        site = {"content_status_url": web.url + "/", "site_diagnosis_load_per_cpu": 1000}
        agency = Agency(tmp_path / "agency", {"www": site, "ppdb": site}).write()
        opened = agency.laman("ticket", "open", "--site", "ppdb", "--title", "Laman galat", "--json")
        ticket = json.loads(opened.stdout)["ticket"]
        refused = agency.laman("diagnose", "www", "--ticket", ticket)
        assert refused.returncode == 1
        assert f"ticket {ticket} is about ppdb, not about www" in refused.stderr
        assert "looking" not in refused.stderr
        assert agency.laman("diagnose", "ppdb", "--ticket", ticket.lower()).returncode == 0
    shown = agency.laman("ticket", "show", ticket)
    assert "diagnosis" in shown.stdout.lower(), shown.stdout
    assert agency.laman("verify").returncode == 0
