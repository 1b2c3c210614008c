"""One timer for the whole plan, as systemd units or a block of a crontab. Pure: texts from data.

One timer and not one a plan: what is due is decided from the record when `laman due --run` wakes, so that a timer needs
no knowledge of plans, working days or holidays; a plan that changes needs no installation; what was slept through,
retries, look-ups and reminders need a timer between the plans' hours anyway. A call with nothing to do takes a quarter
of a second.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from reporting.text import harmless

INTERVALS = (5, 10, 15, 20, 30)  # minutes; a silence of an hour counts as sleep (reporting.schedule.work)
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class TimerError(ValueError):
    """Something that cannot be written into a unit or a crontab; one line."""


@dataclass(frozen=True, slots=True)
class TimerSpec:
    """What a timer needs to know. Paths are absolute.

    `user`: whom a system service runs as (None: a service of the user's own manager). `writable`: what a run writes to.
    `environment`: a file of NAME=value lines with secrets, read if it is there. `vault_password`: a file with the
    password of ansible-vault, handed over as a credential of the service.
    """

    unit: str
    name: str
    command: tuple[str, ...]  # laman -i INVENTORY
    minutes: int
    environment: Path
    user: str | None = None
    writable: tuple[Path, ...] = ()
    vault_password: Path | None = None

    @property
    def base(self) -> str:
        """The name that all units share."""
        return f"laman-{self.unit}"


def units(spec: TimerSpec) -> dict[str, str]:
    """The systemd units by file name."""
    return {
        f"{spec.base}.service": _service(spec),
        f"{spec.base}.timer": _timer(spec),
        f"{spec.base}-failed.service": _failed(spec),
    }


def _service(spec: TimerSpec) -> str:
    lines = ["[Unit]", f"Description=laman: what is due at {_text(spec.name)}"]
    if spec.user is not None:
        lines += ["Wants=network-online.target", "After=network-online.target"]
    lines += [
        f"OnFailure={spec.base}-failed.service",
        "",
        "[Service]",
        "Type=oneshot",
        *([f"User={_word(spec.user)}"] if spec.user is not None else []),
        f"ExecStart={_exec([*spec.command, 'due', '--run', '--quiet'])}",
        "# 2: recorded, with deviations; that is a result, and `laman due` tells what to do",
        "SuccessExitStatus=2",
        "# Secrets (LAMAN_SECRET_…) are in this file, never here: NAME=value lines, mode 0600",
        f"EnvironmentFile=-{_whole(spec.environment)}",
        *_credential(spec),
        "# A run is ended by laman itself after the POS minutes; told to end, it records what it was at",
        "TimeoutStartSec=infinity",
        "TimeoutStopSec=120",
        "KillMode=mixed",
        "UMask=0077",
        "Nice=5",
        *_hardening(spec),
    ]
    return "\n".join(lines) + "\n"


def _credential(spec: TimerSpec) -> list[str]:
    if spec.vault_password is None:
        return []
    if spec.user is None:
        return [f"Environment={_quoted(f'ANSIBLE_VAULT_PASSWORD_FILE={spec.vault_password}')}"]
    return [
        f"LoadCredential=vault-password:{_whole(spec.vault_password)}",
        "Environment=ANSIBLE_VAULT_PASSWORD_FILE=%d/vault-password",
    ]


def _hardening(spec: TimerSpec) -> list[str]:
    """What Ansible over SSH can do without. Only the system's manager can give a service a name space of files.

    A site on this very machine that needs sudo wants a drop-in with NoNewPrivileges=no.
    """
    lines = [
        "NoNewPrivileges=yes",
        "LockPersonality=yes",
        "RestrictRealtime=yes",
        "RestrictSUIDSGID=yes",
        "SystemCallArchitectures=native",
    ]
    if spec.user is None:
        return lines
    return [
        *lines,
        "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK",
        *(["CapabilityBoundingSet="] if spec.user != "root" else []),
        "PrivateTmp=yes",
        "ProtectSystem=strict",
        "ProtectKernelTunables=yes",
        "ProtectKernelModules=yes",
        "ProtectControlGroups=yes",
        *(f"ReadWritePaths=-{_path(path)}" for path in spec.writable),
    ]


def _timer(spec: TimerSpec) -> str:
    return (
        "[Unit]\n"
        f"Description=laman: looks every {spec.minutes} minutes what is due at {_text(spec.name)}\n"
        "\n"
        "[Timer]\n"
        f"{on_calendar(spec.minutes)}\n"
        "# also soon after it is installed, and after every boot\n"
        "OnActiveSec=30s\n"
        "# woken at once for what was slept through\n"
        "Persistent=true\n"
        "AccuracySec=30s\n"
        "\n"
        "[Install]\n"
        "WantedBy=timers.target\n"
    )


def on_calendar(minutes: int) -> str:
    """The timer's expression; see systemd.time(7)."""
    return f"OnCalendar=*:0/{minutes}"


def _failed(spec: TimerSpec) -> str:
    """What systemd starts when a run failed or was killed: `laman due` says it from then on."""
    return (
        "[Unit]\n"
        f"Description=laman: its timer failed at {_text(spec.name)}\n"
        "\n"
        "[Service]\n"
        "Type=oneshot\n"
        + (f"User={_word(spec.user)}\n" if spec.user is not None else "")
        + f"ExecStart={_exec([*spec.command, 'schedule', 'alarm'])}\n"
        "UMask=0077\n"
        "NoNewPrivileges=yes\n"
    )


def _text(text: str) -> str:
    return harmless(text, 120).replace("%", "%%")


def _word(word: str) -> str:
    if not word or not all(c.isalnum() or c in "._-" for c in word):
        raise TimerError(f"user {word[:40]!r}: letters, digits, '.', '_' and '-' are expected")
    return word


def _exec(words: Sequence[str]) -> str:
    """A command line for ExecStart: nothing in it is a specifier, a variable or an end of line.

    Of the program itself systemd expands no variable, and so knows no `$$` there.
    """
    return " ".join([_quoted(words[0]), *(_quoted(word, dollar="$$") for word in words[1:])])


def _path(path: Path) -> str:
    return _quoted(str(path))


def _whole(path: Path) -> str:
    """A path that is the rest of its line: systemd takes quotes there for a part of it."""
    return _printable(str(path)).replace("%", "%%")


def _printable(word: str) -> str:
    if any(ord(c) < 32 or ord(c) == 127 for c in word):
        raise TimerError(f"{word[:80]!r}: a control character in a path cannot be put into a timer; rename it")
    return word


def _quoted(word: str, dollar: str = "$") -> str:
    escaped = _printable(word).replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", dollar)
    plain = all(c.isalnum() or c in "/._-=:,+@%$" for c in escaped)
    return escaped if plain and escaped else f'"{escaped}"'


def marks(unit: str) -> tuple[str, str]:
    """The lines that our block of a crontab stands between."""
    return f"# BEGIN laman {unit}: made by `laman schedule install --crontab`", f"# END laman {unit}"


def crontab_block(spec: TimerSpec) -> str:
    """Our block of a crontab. cron knows no environment file, so the shell reads it; `%` would end the command."""
    begin, end = marks(spec.unit)
    environment = shlex.quote(str(spec.environment))
    vault = (
        f"export ANSIBLE_VAULT_PASSWORD_FILE={shlex.quote(str(spec.vault_password))}; " if spec.vault_password else ""
    )
    command = shlex.join([*spec.command, "due", "--run", "--quiet"])
    line = f"export PATH={_PATH}; set -a; [ ! -r {environment} ] || . {environment}; set +a; {vault}exec {command}"
    if any(ord(c) < 32 or ord(c) == 127 for c in line):
        raise TimerError("a control character in a path cannot be put into a crontab; rename it")
    escaped = line.replace("%", "\\%")
    return f"{begin}\n*/{spec.minutes} * * * * {escaped}\n{end}\n"


def with_block(crontab: str, unit: str, block: str) -> str:
    """A crontab with our block in it (or, with an empty `block`, without): no other line is touched.

    Raises:
        TimerError: the lines that mark our block are not in their order.
    """
    begin, end = marks(unit)
    lines = crontab.splitlines(keepends=True)
    at = [n for n, line in enumerate(lines) if line.rstrip("\n") in (begin, end)]
    if not at:
        gap = "" if not crontab or crontab.endswith("\n") or not block else "\n"
        return crontab + gap + block
    if len(at) != 2 or lines[at[0]].rstrip("\n") != begin or lines[at[1]].rstrip("\n") != end:
        raise TimerError(
            f"the crontab's lines {begin!r} and {end!r} are not one pair: take them out by hand (crontab -e)"
        )
    return "".join([*lines[: at[0]], block, *lines[at[1] + 1 :]])
