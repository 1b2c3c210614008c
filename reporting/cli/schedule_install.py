"""Puts the timer where it belongs: systemd's units, or a block of the crontab. Idempotent; shows what changes first."""

from __future__ import annotations

import argparse
import difflib
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from reporting.cli.common import Refused, command_line
from reporting.cli.main import EXIT_OK
from reporting.files import replace_whole
from reporting.schedule.timers import TimerSpec, crontab_block, marks, units, with_block
from reporting.text import harmless
from reporting.unit import Inventory

_SYSTEM = Path("/etc/systemd/system")
_SECONDS = 60.0


@dataclass(frozen=True)
class Timer:
    """A place where a timer can be, and whether one is there."""

    kind: str
    active: bool
    said: str

    def json_value(self) -> dict[str, Any]:
        """As `--json` prints it."""
        return asdict(self)


def laman_program() -> Path:
    """The `laman` of this installation, absolute.

    Raises:
        Refused: there is none beside the Python that runs this.
    """
    program = Path(sys.executable).parent / "laman"
    if not os.access(program, os.X_OK):
        raise Refused(f"{program}: no such program; install laman into that environment (make setup)")
    return program


def environment_file(inventory: Inventory, *, system: bool) -> Path:
    """Where the secrets of a timer are, if anywhere."""
    base = Path("/etc/laman") if system else Path.home() / ".config" / "laman"
    return base / f"{inventory.unit.id}.env"


def install(options: argparse.Namespace, inventory: Inventory) -> int:
    """Install or remove a timer; returns the exit code."""
    system = options.system or (os.geteuid() == 0 and not options.user and not options.crontab)
    if options.run_as and not system:
        raise Refused("--run-as is for --system: a timer of your own runs as yourself")
    spec = _spec(options, inventory, system=system)
    _check_secrets(spec)
    done = _crontab(options, spec) if options.crontab else _systemd(options, spec, system=system)
    if done:
        print(f"see what it does:  {command_line(inventory, 'schedule', 'show')}")
    return EXIT_OK


def _spec(options: argparse.Namespace, inventory: Inventory, *, system: bool) -> TimerSpec:
    vault = options.vault_password_file
    if vault is not None and not vault.is_file():
        raise Refused(f"--vault-password-file {vault}: no such file")
    user = (options.run_as or os.environ.get("SUDO_USER") or pwd.getpwuid(os.geteuid()).pw_name) if system else None
    home = _home(user) if user else Path.home()
    media = [inventory.resolve(m.path) for m in inventory.unit.media]
    folder = inventory.unit.delivery.folder
    writable = [inventory.state_dir, *media, *([inventory.resolve(folder)] if folder else []), home]
    return TimerSpec(
        unit=inventory.unit.id,
        name=inventory.unit.name,
        command=(str(laman_program()), "-i", str(inventory.folder)),
        minutes=options.every,
        environment=environment_file(inventory, system=system),
        user=user,
        writable=tuple(dict.fromkeys(writable)),
        vault_password=vault.resolve() if vault else None,
    )


def _home(user: str) -> Path:
    try:
        return Path(pwd.getpwnam(user).pw_dir)
    except KeyError:
        raise Refused(f"--run-as {user[:60]!r}: no such user on this machine") from None


def _check_secrets(spec: TimerSpec) -> None:
    """A file of secrets that others can read is no place for them."""
    for path in (spec.environment, spec.vault_password):
        if path is not None and path.exists() and path.stat().st_mode & 0o077:
            raise Refused(f"{path}: others can read it: chmod 600 {path}")


# systemd


def _systemd(options: argparse.Namespace, spec: TimerSpec, *, system: bool) -> bool:
    """Write, verify and enable the units; whether a timer runs afterwards."""
    if system and os.geteuid() != 0 and not options.dry_run:
        raise Refused("--system writes to /etc/systemd/system: call it with sudo, or take --user")
    folder = _SYSTEM if system else _user_folder()
    wanted = {} if options.remove else units(spec)
    names = list(units(spec))
    before = {name: _text(folder / name) for name in names}
    _show_difference(folder, before, {name: wanted.get(name) for name in names})
    if wanted:
        _verify(wanted, system=system)
    if options.dry_run:
        print("nothing was changed (--dry-run)")
        return False
    _require_manager(system=system)
    if options.remove:
        return _take_out(spec, folder, before, system=system)
    return _put_in(spec, folder, before, wanted, system=system)


def _take_out(spec: TimerSpec, folder: Path, before: dict[str, str | None], *, system: bool) -> bool:
    timer = f"{spec.base}.timer"
    if before[timer] is not None:
        _systemctl(system, "disable", "--now", timer)
    for name in before:
        (folder / name).unlink(missing_ok=True)
    _systemctl(system, "daemon-reload")
    print("the timer is taken out" if any(before.values()) else "no timer was there")
    return False


def _put_in(
    spec: TimerSpec, folder: Path, before: dict[str, str | None], wanted: dict[str, str], *, system: bool
) -> bool:
    timer = f"{spec.base}.timer"
    _make_state(spec)
    changed = [name for name, text in wanted.items() if before[name] != text]
    for name in changed:
        replace_whole(folder / name, wanted[name].encode(), mode=0o644)
    _systemctl(system, "daemon-reload")
    _systemctl(system, "enable", timer)
    _systemctl(system, "restart" if changed else "start", timer)
    state = _state(system, timer)
    if state != ("active", "enabled"):
        raise Refused(f"{timer} is {' and '.join(state)} after it was started; see: systemctl status {timer}")
    print(f"{folder / timer}: active, every {spec.minutes} minutes" + ("" if changed else " (nothing had to change)"))
    if not system and not _lingers():
        print("it runs only while you are logged in; to change that:  loginctl enable-linger")
    return True


def _make_state(spec: TimerSpec) -> None:
    """Make the record's folder for whoever will write to it: a service may write only to what is there as it begins."""
    folder = spec.writable[0]
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    for path in reversed(missing):
        path.mkdir(mode=0o700)
        if spec.user is not None:
            shutil.chown(path, user=spec.user)


def _user_folder() -> Path:
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "systemd" / "user"


def _text(path: Path) -> str | None:
    return path.read_text(encoding="utf-8", errors="replace") if path.exists() else None


def _show_difference(where: Path, before: dict[str, str | None], after: dict[str, str | None]) -> None:
    """Print what changes, as a unified diff."""
    for name, new in after.items():
        old = before[name]
        if old != new:
            here = str(where / name)
            lines = difflib.unified_diff(
                (old or "").splitlines(), (new or "").splitlines(),
                here if old is not None else "/dev/null", here if new is not None else "/dev/null", lineterm="",
            )  # fmt: skip
            print("\n".join(harmless(line, 1_000) for line in lines))


def _verify(wanted: dict[str, str], *, system: bool) -> None:
    """Let systemd read the units before they get their names; where it is not, nothing can be verified.

    Raises:
        Refused: systemd does not understand them.
    """
    program = shutil.which("systemd-analyze")
    if program is None:
        print("systemd-analyze is not here: the units are not verified", file=sys.stderr)
        return
    with tempfile.TemporaryDirectory(prefix="laman-units-") as scratch:
        for name, text in wanted.items():
            (Path(scratch) / name).write_text(text, encoding="utf-8")
        paths = [str(Path(scratch) / name) for name in wanted]
        scope = [] if system else ["--user"]
        # a user's manager needs a folder of its session, also where nobody is logged in
        session = {"XDG_RUNTIME_DIR": os.environ.get("XDG_RUNTIME_DIR") or scratch}
        done = _call([program, *scope, "--recursive-errors=no", "verify", *paths], environment=session)
    ours = [line for line in done.stderr.splitlines() if "laman-" in line]
    if done.returncode != 0 or ours:
        raise Refused(f"systemd-analyze verify: {harmless('; '.join(ours) or done.stderr.strip(), 600)}")


def _require_manager(*, system: bool) -> None:
    scope = [] if system else ["--user"]
    if shutil.which("systemctl") is None:
        raise Refused("systemd is not on this machine: laman schedule install --crontab")
    done = _call(["systemctl", *scope, "show", "--property=Version"])
    if done.returncode != 0:
        said = harmless(done.stderr.strip(), 200)
        raise Refused(f"systemd does not answer ({said}): laman schedule install --crontab")


def _systemctl(system: bool, *words: str) -> None:
    done = _call(["systemctl", *([] if system else ["--user"]), *words])
    if done.returncode != 0:
        raise Refused(f"systemctl {' '.join(words)}: {harmless(done.stderr.strip(), 400)}")


def _state(system: bool, unit: str) -> tuple[str, str]:
    scope = [] if system else ["--user"]
    done = _call(["systemctl", *scope, "show", "--property=ActiveState,UnitFileState", unit])
    told = dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)
    return told.get("ActiveState", "unknown"), told.get("UnitFileState", "unknown")


def _lingers() -> bool:
    name = pwd.getpwuid(os.geteuid()).pw_name
    return (Path("/var/lib/systemd/linger") / name).exists()


# crontab


def _crontab(options: argparse.Namespace, spec: TimerSpec) -> bool:
    """Put our block into the crontab of whoever calls; whether it is there afterwards."""
    if shutil.which("crontab") is None:
        raise Refused("there is no crontab on this machine: apt install cron, or take systemd")
    before = _crontab_now()
    after = with_block(before, spec.unit, "" if options.remove else crontab_block(spec))
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), "crontab", "crontab", lineterm="")
    print("\n".join(harmless(line, 1_000) for line in lines) if before != after else "nothing has to change")
    if options.dry_run:
        print("nothing was changed (--dry-run)")
        return False
    if before != after:
        done = _call(["crontab", "-"], stdin=after)
        if done.returncode != 0:
            raise Refused(f"crontab refuses it, the old one stays: {harmless(done.stderr.strip(), 300)}")
        if _crontab_now() != after:
            raise Refused("the crontab reads back differently from what was written: see crontab -l")
    print("the timer is taken out" if options.remove else f"in the crontab: every {spec.minutes} minutes")
    return not options.remove


def _crontab_now() -> str:
    done = _call(["crontab", "-l"])
    if done.returncode != 0 and "no crontab for" not in done.stderr:
        raise Refused(f"crontab -l: {harmless(done.stderr.strip(), 300)}")
    return done.stdout if done.returncode == 0 else ""


def _call(
    words: list[str], stdin: str = "", environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    whole = {**os.environ, "LC_ALL": "C", "SYSTEMD_COLORS": "0", "SYSTEMD_PAGER": "", **(environment or {})}
    return subprocess.run(words, input=stdin, capture_output=True, text=True, timeout=_SECONDS, check=False, env=whole)


def installed(inventory: Inventory) -> list[Timer]:
    """Where a timer could be on this machine, and what is there."""
    base = f"laman-{inventory.unit.id}.timer"
    found = [_installed_unit("systemd, system", _SYSTEM / base, system=True)]
    found.append(_installed_unit("systemd, your own", _user_folder() / base, system=False))
    if shutil.which("crontab") is None:
        found.append(Timer("crontab", False, "there is no crontab on this machine"))
    else:
        there = marks(inventory.unit.id)[0] in _crontab_now()
        found.append(Timer("crontab", there, "installed" if there else "not installed"))
    return found


def _installed_unit(kind: str, path: Path, *, system: bool) -> Timer:
    if not path.exists():
        return Timer(kind, False, "not installed")
    if shutil.which("systemctl") is None:
        return Timer(kind, False, f"{path} is there, but systemd is not")
    state = _state(system, path.name)
    return Timer(kind, state[0] == "active", f"{path}: {', '.join(state)}")
