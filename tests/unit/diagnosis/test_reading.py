"""What hosts say, read: df, mounts, systemd, processes, times of log lines, DNS packets, cPanel's numbers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from reporting.diagnosis.cpanel import look_through_cpanel, quota_checks, usage_check
from reporting.diagnosis.dns import _read, resolve
from reporting.diagnosis.logs import redacted, time_of
from reporting.diagnosis.request import DiagnosisError, DiagnosisRequest, Limits, read_request
from reporting.diagnosis.script import Answer, Script, Section, script_for
from reporting.diagnosis.services import services_checks
from reporting.diagnosis.storage import storage_checks

WIB = timezone(timedelta(hours=7))


def request(**changes: Any) -> DiagnosisRequest:
    return read_request({"site": "www", "url": "https://www.example.go.id/", "method": "ssh"} | changes)


# -- file systems

DF = [
    "path 0", "blocks /dev/sda1 1000000 990000 10000 99% /", "inodes /dev/sda1 65536 100 65436 1% /",
    "path 1", "blocks tmpfs 500000 1000 499000 1% /srv/my data", "inodes tmpfs 1000 990 10 99% /srv/my data",
    "absent 2",
    "path 3", "blocks none 0 0 0 - /odd", "inodes none 0 0 0 - /odd",
    "mounts",
    "/dev/sda1 / ext4 rw,relatime 0 0", "tmpfs /srv/my\\040data tmpfs ro,nosuid 0 0", "proc /proc proc rw 0 0",
]  # fmt: skip


def test_file_systems() -> None:
    disk, inodes, read_only = storage_checks(Section("storage", "", DF), ["/a", "/b", "/c", "/d"], Limits())
    assert disk.state == inodes.state == read_only.state == "problem"
    assert disk.facts["mount"] == "/"
    assert inodes.facts["mount"] == read_only.facts["mount"] == "/srv/my data"


@pytest.mark.parametrize(
    ("total", "free", "percent", "state"),
    [
        (10_000_000, 60_000, 97, "problem"),  # less than 64 MiB on a large one
        (10_000_000, 70_000, 97, "ok"),
        (400_000, 20_000, 95, "ok"),  # small: only the share counts
        (400_000, 4_000, 99, "problem"),
        (0, 0, 0, "ok"),
    ],
)
def test_when_a_disk_is_full(total: int, free: int, percent: int, state: str) -> None:
    lines = ["path 0", f"blocks x {total} {total - free} {free} {percent}% /", "mounts"]
    assert storage_checks(Section("storage", "", lines), ["/a"], Limits())[0].state == state


def test_no_answer_is_unknown() -> None:
    assert {c.state for c in storage_checks(None, ["/"], Limits())} == {"unknown"}
    assert {c.state for c in storage_checks(Section("storage", "", ["mounts"]), ["/"], Limits())} == {"unknown"}


# -- services


def services(lines: list[str], *wanted: str, answers: bool = False) -> dict[str, str]:
    return {c.name: c.state for c in services_checks(Section("services", "", lines), wanted, answers)}


def test_services_by_systemd() -> None:
    lines = [
        "systemd",
        "unit nginx.service loaded active running A high performance web server",
        "unit php8.2-fpm.service loaded failed failed The PHP FastCGI Process Manager",
        "unit mariadb.service loaded inactive dead MariaDB",
        "unit apache2.service loaded inactive dead Apache",
        "unit mysql.service not-found inactive dead mysql.service",
        "file mariadb.service enabled enabled",
        "file apache2.service disabled enabled",
    ]  # fmt: skip
    assert services(lines) == {
        "service_nginx": "ok", "service_apache": "skipped", "service_php_fpm": "problem", "service_database": "problem",
    }  # fmt: skip
    assert services(lines, "apache")["service_apache"] == "problem"


def test_services_by_processes() -> None:
    lines = ["installed /usr/sbin/nginx", "installed /usr/sbin/apache2", "installed /usr/sbin/php-fpm8.2",
             "installed /usr/sbin/mariadbd", "visible", "process       3 S nginx",
             "process       1 Z mariadbd"]  # fmt: skip
    assert services(lines) == {
        "service_nginx": "ok", "service_apache": "skipped", "service_php_fpm": "problem", "service_database": "problem",
    }  # fmt: skip
    answering = services(lines, "php-fpm", answers=True)  # the site works: what is merely installed is not its own
    assert answering["service_database"] == "skipped"
    assert answering["service_php_fpm"] == "problem"
    hidden = [line for line in lines if line != "visible" and not line.startswith("process")]
    assert set(services(hidden).values()) == {"unknown"}
    assert services([]) == {"services": "unknown"}
    assert services(["visible"], "database") == {"service_database": "problem"}


# -- log lines


@pytest.mark.parametrize(
    ("line", "moment"),
    [
        ("2026/11/22 15:00:01 [error] 12#12: x", datetime(2026, 11, 22, 15, 0, 1, tzinfo=WIB)),
        ("2026-11-22  5:00:01 0 [ERROR] InnoDB: x", datetime(2026, 11, 22, 5, 0, 1, tzinfo=WIB)),
        ("[22-Nov-2026 15:00:01] WARNING: x", datetime(2026, 11, 22, 15, 0, 1, tzinfo=WIB)),
        ("[22-Nov-2026 15:00:01 UTC] PHP Fatal error: x", datetime(2026, 11, 22, 15, 0, 1, tzinfo=UTC)),
        ("[Sun Nov 22 15:00:01.123456 2026] [php:error] x", datetime(2026, 11, 22, 15, 0, 1, tzinfo=WIB)),
        ("2026/13/45 99:00:01 x", None),
        ("#0 /var/www/x.php(12)", None),
    ],
)  # fmt: skip
def test_times_of_log_lines(line: str, moment: datetime | None) -> None:
    assert time_of(line, WIB) == moment


@pytest.mark.parametrize(
    "line",
    [
        "#0 wp-db.php(1): mysqli_real_connect('localhost', 'wp', 'rahasia', NULL)",
        "PDO->__construct('mysql:host=x', 'wp', 'rahasia')",
        "#1 cut off: mysqli_connect('localhost', 'wp', 'rahasia",
        "password=rahasia&x=1",
        "DB_PASSWORD: rahasia",
        '{"token": "rahasia"}',
        "the known one: kenari",
    ],
)
def test_passwords_are_taken_out_of_log_lines(line: str) -> None:
    shown = redacted(line, ["kenari"])
    assert "rahasia" not in shown
    assert "kenari" not in shown


# -- DNS


def test_crooked_dns_replies_are_a_failure_of_the_server() -> None:
    head = b"\0\1\x81\x80\0\1\0\1\0\0\0\0"
    for tail in (b"", b"\3www", b"\3www\0\0\1\0\1\xc0\x0c\0\1\0\1\0\0\0\x3c\0\x04\x7f", b"\xff" * 40):
        outcome, addresses = _read(head + tail, 1)
        assert outcome == "server_failure"
        assert addresses == []


@pytest.mark.parametrize("host", ["a" * 64 + ".id", "x..id"])
def test_an_impossible_name_is_no_name(host: str) -> None:
    assert resolve(host, [("127.0.0.1", 9)], 1).outcome == "nxdomain"


def test_localhost_is_found_by_the_system() -> None:
    assert "127.0.0.1" in resolve("localhost", [], 5).addresses


# -- cPanel


@pytest.mark.parametrize(
    ("data", "states"),
    [
        ({"megabytes_used": "249.9", "megabyte_limit": "250", "inodes_used": 5, "inode_limit": 100}, ("problem", "ok")),
        ({"megabytes_used": 5.46, "megabyte_limit": 250, "inodes_used": 100, "inode_limit": 100}, ("ok", "problem")),
        ({"megabytes_used": 5.46, "megabyte_limit": 0, "inodes_used": 5, "inode_limit": 0}, ("unknown", "unknown")),
        ({"megabytes_used": "x"}, ("unknown", "unknown")),
        (None, ("unknown", "unknown")),
    ],
)
def test_quota(data: Any, states: tuple[str, str]) -> None:
    assert tuple(c.state for c in quota_checks(data, Limits())) == states


def test_account_limits() -> None:
    items = [{"id": "lvecpu", "description": "CPU Usage\x1b", "usage": 100, "maximum": 100}, {"description": "x"}, 3]
    seen = usage_check(items)
    assert seen.state == "problem"
    assert "\x1b" not in seen.detail
    assert usage_check([{"description": "CPU", "usage": 5, "maximum": None}]).state == "unknown"
    assert usage_check({}).state == "unknown"


def test_what_cpanel_does_not_show_is_skipped_and_never_ok() -> None:
    def refuse(_module: str, _function: str) -> Any:
        raise ValueError("no such function")

    states = {c.name: c.state for c in look_through_cpanel(refuse, ValueError, Limits())}
    assert "ok" not in states.values()
    assert states["disk"] == "unknown"
    assert states["error_log"] == "skipped"


# -- the request and the script


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"url": ""}, "site_diagnosis_url"),
        ({"url": "https://user:pw@x/"}, "site_diagnosis_url"),
        ({"url": "https://x:99999/"}, "site_diagnosis_url"),
        ({"trees": ["var/www"]}, "site_diagnosis_trees"),
        ({"error_logs": ["x.log"]}, "site_diagnosis_error_logs"),
        ({"nameservers": ["dns.google"]}, "site_diagnosis_nameservers"),
        ({"nameservers": ["1.1.1.1:0"]}, "site_diagnosis_nameservers"),
        ({"addresses": ["x"]}, "site_diagnosis_addresses"),
        ({"services": ["postfix"]}, "site_diagnosis_services"),
        ({"limits": {"disk_percent": 0}}, "site_diagnosis_disk_percent"),
        ({"databases": [{"name": "x", "kind": "oracle", "password": "rahasia"}]}, "site_diagnosis_databases"),
    ],
)
def test_wrong_variables_are_named_in_one_line(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(DiagnosisError, match=says) as caught:
        request(**changes)
    assert "\n" not in str(caught.value)
    assert "rahasia" not in str(caught.value)


def test_too_much_for_one_script_is_refused() -> None:
    with pytest.raises(DiagnosisError, match="name fewer"):
        script_for(request(trees=[f"/srv/{'x' * 100}{number}" for number in range(300)]))


def test_foreign_text_cannot_forge_a_section() -> None:
    ticks = iter(range(100))
    answer = Answer(Script(b"", "laman-abc", []), clock=lambda: float(next(ticks)))
    answer.feed(b"noise\n\nlaman-abc log /x\nlaman-xyz end\nlaman-")
    assert not answer.whole
    answer.feed(b"abc php \n\xff\xfe\nlaman-abc end\n")
    assert answer.whole
    assert [s.name for s in answer.sections] == ["log", "php"]
    assert answer.sections[0].lines == ["laman-xyz end"]
    assert answer.sections[0].seconds == 1.0


def test_an_endless_answer_is_not_kept() -> None:
    answer = Answer(Script(b"", "laman-abc", []))
    answer.feed(b"laman-abc log /x\n")
    for _ in range(100):
        answer.feed(b"x" * 65536)
    assert len(answer._rest) < 4 << 20
