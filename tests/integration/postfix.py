"""A real mail server of the test's own: Postfix in a temporary folder, TLS by a certificate of its own, a login, free
ports of this machine, and Maildirs that it delivers to. Nothing leaves the machine.
"""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.emulators.cpanel import make_certificate

USER, PASSWORD = "laman@kantor.example", "kunci-Rahasia-77"
DOMAIN = "kantor.example"
_SBIN = f"{os.environ.get('PATH', '')}:/usr/sbin"
_LIBEXEC = Path("/usr/lib/postfix/sbin")
_MAIN = """
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
maillog_file = {folder}/log
maillog_file_prefixes = {folder}
myhostname = surat.kantor.example
mydestination =
mynetworks =
inet_interfaces = loopback-only
inet_protocols = ipv4
smtputf8_enable = no
default_transport = error:nothing leaves this machine
virtual_mailbox_domains = {domain}
virtual_mailbox_base = {folder}/mail
virtual_mailbox_maps = texthash:{folder}/boxes
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
virtual_minimum_uid = 1
virtual_mailbox_limit = 0
smtpd_tls_cert_file = {folder}/tls/cert.pem
smtpd_tls_key_file = {folder}/tls/key.pem
smtpd_tls_auth_only = yes
smtpd_sasl_auth_enable = yes
smtpd_sasl_path = smtpd
cyrus_sasl_config_path = {folder}/sasl
smtpd_sasl_local_domain =
smtpd_delay_reject = no
smtpd_recipient_restrictions = check_recipient_access texthash:{folder}/access, permit_sasl_authenticated, reject
smtpd_relay_restrictions = permit_sasl_authenticated, reject
smtpd_error_sleep_time = 0
in_flow_delay = 0
{more}
"""
_MASTER = """
{starttls} inet n - n - - smtpd -o smtpd_tls_security_level=encrypt
{tls} inet n - n - - smtpd -o smtpd_tls_wrappermode=yes
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
error unix - - n - - error
retry unix - - n - - error
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
"""
_SASL = """pwcheck_method: auxprop
auxprop_plugin: sasldb
mech_list: PLAIN LOGIN
sasldb_path: {folder}/sasldb
"""


def need_postfix() -> None:
    """Skip on a machine without Postfix, or without root (Postfix starts as root only); fail where CI=true."""
    missing = [name for name in ("postfix", "saslpasswd2") if not shutil.which(name, path=_SBIN)]
    reason = f"not installed: {', '.join(missing)} (make test-deps)" if missing else ""
    if not missing and os.geteuid() != 0:
        reason = "Postfix starts as root only"
    if reason and os.environ.get("CI") == "true":
        pytest.fail(reason)
    if reason:
        pytest.skip(reason)


class Postfix:
    """A server that may be stopped and started again on the same ports."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.folder = folder
        self.ca_file = folder / "tls" / "cert.pem"
        self.settings = settings
        self.starttls, self.tls = _free_ports()
        self._prepare()

    def _prepare(self) -> None:
        user = pwd.getpwnam("postfix")
        self.folder.chmod(0o755)
        make_certificate(self.folder / "tls")
        for name in ("queue", "sasl"):
            (self.folder / name).mkdir()
        for name in ("data", "mail"):
            (self.folder / name).mkdir()
            os.chown(self.folder / name, user.pw_uid, user.pw_gid)
        (self.folder / "sasl" / "smtpd.conf").write_text(_SASL.format(folder=self.folder))
        name, _, domain = USER.partition("@")
        command = ["saslpasswd2", "-p", "-c", "-f", str(self.folder / "sasldb"), "-u", domain, name]
        subprocess.run(command, input=PASSWORD.encode(), check=True, env={"PATH": _SBIN})
        os.chown(self.folder / "sasldb", user.pw_uid, user.pw_gid)
        self.boxes("siti", "agus", "budi")
        self.refuse({})
        values = {"folder": self.folder, "domain": DOMAIN, "uid": user.pw_uid, "gid": user.pw_gid}
        more = "\n".join(f"{key} = {value}" for key, value in self.settings.items())
        (self.folder / "main.cf").write_text(_MAIN.format(**values, more=more))
        (self.folder / "master.cf").write_text(_MASTER.format(starttls=self.starttls, tls=self.tls))

    def boxes(self, *names: str) -> None:
        """Whose mail it takes; anybody else of the domain gets a 550."""
        (self.folder / "boxes").write_text("".join(f"{n}@{DOMAIN} {n}/\n" for n in names))

    def refuse(self, answers: dict[str, str]) -> None:
        """What some recipients are answered, e.g. {"siti": "450 4.2.0 later"}."""
        (self.folder / "access").write_text("".join(f"{n}@{DOMAIN} {a}\n" for n, a in answers.items()))

    def start(self) -> None:
        """Start, and wait until it answers."""
        self._postfix("start")
        deadline = time.monotonic() + 30
        while not _greets(self.starttls):
            assert time.monotonic() < deadline, self.log()
            time.sleep(0.05)

    def stop(self) -> None:
        """Stop, and wait until it is gone."""
        self._postfix("stop")
        deadline = time.monotonic() + 30
        while (self.folder / "queue" / "pid" / "master.pid").exists() and _greets(self.starttls):
            assert time.monotonic() < deadline, self.log()
            time.sleep(0.05)

    def restart(self) -> None:
        """Stop and start: every part reads its tables again."""
        self.stop()
        self.start()

    def _postfix(self, word: str) -> None:
        done = subprocess.run(["postfix", "-c", str(self.folder), word], capture_output=True, env={"PATH": _SBIN})
        assert done.returncode == 0, done.stderr.decode() + self.log()

    def log(self) -> str:
        """What it logged."""
        path = self.folder / "log"
        return path.read_text() if path.exists() else ""

    def mails(self, name: str, expected: int) -> list[bytes]:
        """The mails in somebody's Maildir, the oldest first, once there are as many and the queue is empty."""
        new = self.folder / "mail" / name / "new"
        deadline = time.monotonic() + 30
        while True:
            found = sorted(new.iterdir(), key=lambda p: p.stat().st_mtime_ns) if new.is_dir() else []
            if len(found) >= expected and not self._queued():
                break
            assert time.monotonic() < deadline, f"{len(found)} mails, {expected} expected\n{self.log()}"
            time.sleep(0.05)
        assert len(found) == expected, f"{len(found)} mails, {expected} expected"
        return [path.read_bytes() for path in found]

    def _queued(self) -> bool:
        queue = self.folder / "queue"
        return any(p.is_file() for name in ("incoming", "active", "deferred") for p in (queue / name).rglob("*"))


@contextmanager
def postfix(**settings: str) -> Iterator[Postfix]:
    """A running server; it is stopped and its folder removed afterwards."""
    need_postfix()
    folder = Path(tempfile.mkdtemp(prefix="lm-mx-"))
    server = Postfix(folder, **settings)
    try:
        server.start()
        yield server
    finally:
        if _greets(server.starttls):
            server.stop()
        shutil.rmtree(folder)


def _free_ports() -> tuple[int, int]:
    with socket.socket() as one, socket.socket() as other:
        one.bind(("127.0.0.1", 0))
        other.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1]), int(other.getsockname()[1])


def _greets(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            return connection.recv(4) == b"220 "
    except OSError:
        return False
