"""What a site lives in, beside its files and databases: a small tree part `lingkungan` of the set.

crontab, web-server and PHP configuration (as far as the account may read it), versions of the CMS found in the trees,
addresses and certificate as seen from outside. The settings say which of these are taken; one of them that cannot be
had is a problem of the set.
"""

from __future__ import annotations

import io
import json
import shlex
import socket
import ssl
import tarfile
import time
from collections.abc import Callable, Sequence

from reporting.backup_set.draft import Draft, Origin
from reporting.backup_set.manifest import ENVIRONMENT
from reporting.backup_set.request import BackupRequest
from reporting.backup_set.tarcommands import read_messages
from reporting.backup_set.tarstream import Member, TarError, TarReader
from reporting.hosts.backup_host import Host, PartFailedError
from reporting.text import harmless

NAME = "lingkungan"
_CONFIGURATION = {
    "crontab": (
        "etc/crontab",
        "etc/cron.d",
        "etc/cron.daily",
        "etc/cron.hourly",
        "etc/cron.weekly",
        "etc/cron.monthly",
    ),
    "web_server": ("etc/nginx", "etc/apache2", "etc/httpd", "etc/lighttpd", "etc/caddy"),
    "php": ("etc/php", "etc/php.ini", "etc/php.d", "etc/php-fpm.conf", "etc/php-fpm.d", "etc/opt/remi"),
}
_MOST = 16 << 20  # bytes of configuration; more is none
_SECONDS = 15.0


class _Tar:
    """The part's tar on its way."""

    def __init__(self) -> None:
        self._out = io.BytesIO()
        self._tar = tarfile.open(fileobj=self._out, mode="w", format=tarfile.GNU_FORMAT)  # noqa: SIM115 - closed below
        self._add(tarfile.DIRTYPE, NAME, b"", 0o755)

    def add(self, name: str, content: bytes) -> None:
        self._add(tarfile.REGTYPE, f"{NAME}/{name}", content, 0o600)

    def _add(self, kind: bytes, name: str, content: bytes, mode: int) -> None:
        info = tarfile.TarInfo(name)
        info.type, info.size, info.mode, info.mtime = kind, len(content), mode, int(time.time())
        self._tar.addfile(info, io.BytesIO(content))

    def finished(self) -> io.BytesIO:
        self._tar.close()
        self._out.seek(0)
        return self._out


def take_environment(host: Host, request: BackupRequest, draft: Draft) -> list[str]:
    """Take what the settings name; returns what could not be had.

    Raises:
        AnsibleConnectionFailure: the host cannot be reached. OSError, MediumError: the medium.
    """
    tar, problems = _Tar(), []
    wanted = request.environment
    steps: dict[str, Callable[[], list[str]]] = {
        "crontab": lambda: _crontab(host, tar),
        "cms": lambda: _cms(host, request, tar),
        "dns": lambda: _addresses(request.domains, tar),
        "tls": lambda: _certificates(request.domains, tar),
    }
    for name, step in steps.items():
        if name in wanted:
            problems += step()
    paths = [path for name in wanted for path in _CONFIGURATION.get(name, ())]
    if paths:
        problems += _configuration(host, paths, tar)
    draft.add_tree(Origin(NAME, ENVIRONMENT, ", ".join(wanted)), tar.finished(), [])
    return [f"{NAME}: {problem}" for problem in problems]


def _crontab(host: Host, tar: _Tar) -> list[str]:
    output, ended = host.ask("LC_ALL=C; export LC_ALL; command -v crontab >/dev/null || exit 96; exec crontab -l")
    if ended.code == 96 or "no crontab for" in ended.stderr:
        tar.add("crontab.txt", b"")  # there is none: nothing is missing
        return []
    if ended.code != 0:
        return [f"the crontab cannot be read: {ended.last_line()}"]
    tar.add("crontab.txt", output.encode("utf-8", "surrogateescape"))
    return []


def _cms(host: Host, request: BackupRequest, tar: _Tar) -> list[str]:
    """WordPress and Joomla say their version in a file of their own."""
    found = []
    for tree in request.trees:
        root = shlex.quote(tree.path)
        output, _ = host.ask(
            f"cd -- {root} || exit 97; sed -n \"s/^\\$wp_version = '\\([^']*\\)'.*/WordPress \\1/p\" "
            "wp-includes/version.php 2>/dev/null; sed -n 's:.*<version>\\([^<]*\\)</version>.*:Joomla \\1:p' "
            "administrator/manifests/files/joomla.xml 2>/dev/null; :"
        )
        found += [{"tree": tree.name, "cms": harmless(line, 100)} for line in output.splitlines()[:5] if line.strip()]
    tar.add("cms.json", (json.dumps(found, indent=1) + "\n").encode())
    return []


def _configuration(host: Host, paths: Sequence[str], tar: _Tar) -> list[str]:
    words = " ".join(map(shlex.quote, paths))
    command = (
        "LC_ALL=C; export LC_ALL; unset TAR_OPTIONS; command -v tar >/dev/null || exit 96; cd / || exit 97; "
        f'set --; for p in {words}; do if [ -e "$p" ]; then set -- "$@" "$p"; fi; done; '
        '[ $# -gt 0 ] || exit 0; exec tar -chf - -- "$@"'
    )
    taken = bytearray()
    with host.run(command) as stream:
        while piece := stream.read(1 << 16):
            taken += piece
            if len(taken) > _MOST:
                return [f"configuration of more than {_MOST >> 20} MiB in {', '.join(paths)}: not taken"]
        ended = stream.finish()
    said = read_messages(ended.stderr, ended.code, "/")
    problems = [line for _, line in said.unreadable] + said.others
    if taken:
        _check(bytes(taken))
        with tarfile.open(fileobj=io.BytesIO(taken)) as archive:
            for info in archive:
                content = archive.extractfile(info) if info.isreg() else None
                if content is not None:
                    tar.add(info.name, content.read())
    return problems


def _check(data: bytes) -> None:
    """The archive must be whole: Python's reader would not say. Raises PartFailedError."""
    names: list[Member] = []
    try:
        reader = TarReader(names.append)
        reader.feed(data)
        reader.close()
    except TarError as error:
        raise PartFailedError(f"the configuration's archive is not whole: {error}") from None


def _addresses(domains: Sequence[str], tar: _Tar) -> list[str]:
    """The addresses behind the site's names, as this machine's resolver gives them."""
    found: dict[str, list[str]] = {}
    problems = []
    for domain in domains:
        try:
            answers = socket.getaddrinfo(domain, 443, type=socket.SOCK_STREAM)
            found[domain] = sorted({str(answer[4][0]) for answer in answers})
        except OSError as error:
            problems.append(f"the addresses of {harmless(domain)} cannot be looked up: {error.strerror or error}")
    tar.add("alamat.json", (json.dumps(found, indent=1) + "\n").encode())
    return problems


def _certificates(domains: Sequence[str], tar: _Tar) -> list[str]:
    """The certificate that a visitor is shown, trusted or not."""
    problems = []
    for domain in domains:
        try:
            pem = ssl.get_server_certificate((domain, 443), timeout=_SECONDS)
            tar.add(f"tls/{domain}.pem", pem.encode())
        except (OSError, ValueError) as error:
            problems.append(f"the certificate of {harmless(domain)} cannot be had: {harmless(error, 200)}")
    return problems


__all__ = ["NAME", "take_environment"]
