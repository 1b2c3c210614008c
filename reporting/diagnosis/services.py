"""Which services run: by systemd where there is one, else by the processes that can be seen."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from reporting.diagnosis.model import Check, check
from reporting.diagnosis.script import Section

_KINDS = (
    ("nginx", re.compile(r"^nginx$")),
    ("apache", re.compile(r"^(apache2|httpd)$")),
    ("php-fpm", re.compile(r"^(php.*fpm.*)$")),
    ("database", re.compile(r"^(mariadb|mariadbd|mysql|mysqld)$")),
)
_SIGN = {"nginx": "service.web_stopped", "apache": "service.web_stopped", "php-fpm": "service.php_stopped",
         "database": "service.database_stopped"}  # fmt: skip


@dataclass
class _Seen:
    """What is known of one kind of service."""

    running: set[str] = field(default_factory=set)
    failed: set[str] = field(default_factory=set)  # systemd says that it should run and does not
    installed: set[str] = field(default_factory=set)
    idle: set[str] = field(default_factory=set)  # systemd: there, not wanted


def services_checks(section: Section | None, wanted: Sequence[str], answers: bool) -> list[Check]:
    """One check `service_…` for each kind that is there, or that was named as wanted.

    `answers`: the site's page came as it should. What is merely installed is then not what the site lives by.
    """
    lines = section.lines if section else []
    seen, systemd, visible = _read(lines)
    web_runs = bool(seen["nginx"].running or seen["apache"].running)
    checks = []
    for kind, _ in _KINDS:
        one = seen[kind]
        there = one.running or one.failed or one.installed or one.idle
        if kind in wanted or there:
            checks.append(_judge(kind, one, kind in wanted, systemd, visible, web_runs, answers))
    if not checks:
        checks.append(check("services", "inside", "unknown", "no service is visible to this account",
                            "tidak ada layanan yang terlihat oleh akun ini"))  # fmt: skip
    return checks


def _judge(  # noqa: PLR0913, PLR0917 - what is known of one service
    kind: str, one: _Seen, wanted: bool, systemd: bool, visible: bool, web_runs: bool, answers: bool
) -> Check:
    name = f"service_{kind.replace('-', '_')}"
    if one.failed or (systemd and wanted and not one.running):
        return _stopped(name, kind, one.failed or one.idle or {kind}, "systemd")
    if one.running:
        shown = ", ".join(sorted(one.running))
        return check(name, "inside", "ok", f"running: {shown}", f"berjalan: {shown}", f"{name}.ok")
    if not visible and not systemd:
        text = "processes of others are hidden from this account", "proses milik akun lain tersembunyi bagi akun ini"
        return check(name, "inside", "unknown", *text)
    needless = None if wanted else _needless(kind, systemd, web_runs, answers)
    if needless is not None:
        return check(name, "inside", "skipped", *needless)
    return _stopped(name, kind, one.installed or {kind}, "processes")


def _needless(kind: str, systemd: bool, web_runs: bool, answers: bool) -> tuple[str, str] | None:
    """Why a service that is installed and does not run is no trouble; None when it may be."""
    if systemd:
        return "installed, and not wanted by systemd", "terpasang, tidak diaktifkan oleh systemd"
    if kind in ("nginx", "apache") and web_runs:
        return "installed, another web server runs", "terpasang, server web lain yang berjalan"
    if answers:
        return ("installed, not running, and the site answers without it",
                "terpasang, tidak berjalan, dan laman tetap melayani")  # fmt: skip
    return None


def _stopped(name: str, kind: str, names: set[str], by: str) -> Check:
    shown = ", ".join(sorted(names))
    return check(name, "inside", "problem", f"not running: {shown} (by {by})",
                 f"tidak berjalan: {shown} (menurut {by})",
                 _SIGN[kind], "service.stopped", facts={"service": shown})  # fmt: skip


def _read(lines: Sequence[str]) -> tuple[dict[str, _Seen], bool, bool]:
    """What the section says of each kind; whether there is systemd; whether others' processes can be seen."""
    seen = {kind: _Seen() for kind, _ in _KINDS}
    for line in lines:
        word, _, rest = line.partition(" ")
        words = rest.split()
        if word == "installed" and rest:
            _note(seen, rest.rsplit("/", 1)[-1], "installed")
        elif word == "process" and len(words) >= 3 and words[1] not in ("Z", "X"):
            _note(seen, words[2], "running")
    systemd = "systemd" in lines
    if systemd:
        _read_units(lines, seen)
    for one in seen.values():
        one.failed -= one.running
    return seen, systemd, "visible" in lines


def _read_units(lines: Sequence[str], seen: dict[str, _Seen]) -> None:
    """Systemd's word counts: a unit that failed, or is enabled and does not run, should run."""
    enabled = {w[1].removesuffix(".service") for line in lines if (w := line.split())[:1] == ["file"]
               and len(w) >= 3 and w[2].startswith("enabled")}  # fmt: skip
    for line in lines:
        words = line.split()
        if words[:1] != ["unit"] or len(words) < 4 or words[2] == "not-found":
            continue
        unit, state = words[1].removesuffix(".service"), words[3]
        good = state in ("active", "activating", "reloading")
        _note(seen, unit, "running" if good else "failed" if state == "failed" or unit in enabled else "idle")


def _note(seen: dict[str, _Seen], name: str, where: str) -> None:
    for kind, pattern in _KINDS:
        if pattern.match(name):
            getattr(seen[kind], where).add(name)


__all__ = ["services_checks"]
