"""A restored WordPress is started from the scratch tree and the throw-away database, and asked for the recorded pages.

PHP's own web server runs it as an account without rights, bound to the loopback. The site's files stay as they came:
the database's name and account are defined before wp-config.php, whose own definitions then have no effect; so is the
address (the recorded one, given as Host), and whatever would reach out: cron, mail, HTTP requests.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from reporting.backup_set.pages import Fetch, fetcher
from reporting.backup_set.scratch import Scratch, dies_with_us
from reporting.backup_set.throwaway import NotAvailable, Server, ServerError, account
from reporting.text import harmless

_START_SECONDS = 30
# PHP's web server passes auto_prepend_file over when it has a router: so the router does it.
_PREPEND = """<?php
define('DB_NAME', {name}); define('DB_USER', 'root'); define('DB_PASSWORD', ''); define('DB_HOST', {host});
define('WP_HOME', {base}); define('WP_SITEURL', {base}); define('DISABLE_WP_CRON', true);
define('WP_HTTP_BLOCK_EXTERNAL', true); define('AUTOMATIC_UPDATER_DISABLED', true); define('WP_DEBUG', false);
define('WP_CACHE', false);
{https}
"""
_ROUTER = """<?php
require __DIR__ . '/prepend.php';
$laman_path = rawurldecode((string) parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH));
$laman_file = realpath($_SERVER['DOCUMENT_ROOT'] . $laman_path);
if ($laman_file !== false && is_file($laman_file) && !str_ends_with($laman_file, '.php')
    && str_starts_with($laman_file, $_SERVER['DOCUMENT_ROOT'] . '/')) { return false; }
$laman_script = '/index.php';
if ($laman_file !== false && is_file($laman_file)) {
    $laman_script = substr($laman_file, strlen($_SERVER['DOCUMENT_ROOT']));
}
$_SERVER['SCRIPT_NAME'] = $_SERVER['PHP_SELF'] = $laman_script;
$_SERVER['SCRIPT_FILENAME'] = $_SERVER['DOCUMENT_ROOT'] . $laman_script;
unset($_SERVER['PATH_INFO']);
chdir(dirname($_SERVER['SCRIPT_FILENAME']));
require $_SERVER['SCRIPT_FILENAME'];
"""


def wordpress_root(tree: Path) -> Path | None:
    """Where below a restored tree a WordPress lies: its own folder, or one below."""
    for folder in (tree, *sorted(path for path in tree.iterdir() if path.is_dir() and not path.is_symlink())):
        if (folder / "wp-settings.php").is_file() and (folder / "wp-includes/version.php").is_file():
            return folder
    return None


@contextmanager
def wordpress(root: Path, place: Scratch, server: Server, database: str, base: str) -> Iterator[Fetch]:
    """Run the restored WordPress; the fetch asks it for pages as if at `base`.

    Raises:
        NotAvailable: no PHP with mysqli on this machine. ServerError: it does not start.
    """
    php = _php()
    where = urlsplit(base)
    prepend, router, log = (place.folder / name for name in ("prepend.php", "router.php", "php.log"))
    https = "$_SERVER['HTTPS'] = 'on';" if where.scheme == "https" else ""
    quoted = {"name": database, "host": f"localhost:{server.socket}", "base": f"{where.scheme}://{where.netloc}"}
    prepend.write_text(_PREPEND.format(https=https, **{key: _quoted(value) for key, value in quoted.items()}))
    router.write_text(_ROUTER)
    for file in (prepend, router):
        file.chmod(0o644)
    port = _free_port()
    settings = {
        "display_errors": "0", "log_errors": "1", "sendmail_path": "/bin/true",
        "opcache.enable_cli": "0", "memory_limit": "512M", "max_execution_time": "60", "allow_url_include": "0",
        "open_basedir": f"{root}:{prepend}:{router}:/usr/share:/tmp",
    }  # fmt: skip
    words = [word for key, value in settings.items() for word in ("-d", f"{key}={value}")]
    with log.open("wb") as out:
        process = _start([php, *words, "-S", f"127.0.0.1:{port}", "-t", str(root.resolve()), str(router)], root, out)
    try:
        _wait(process, port, log)
        yield fetcher(base, connect_to=("127.0.0.1", port))
    finally:
        process.kill()
        process.wait()


def hand_over(tree: Path) -> None:
    """Give the scratch tree to the account that the servers run as, so that PHP may read it."""
    runs_as = account()
    if runs_as is not None:
        subprocess.run(["chown", "-R", "-h", f"{runs_as[1]}:{runs_as[2]}", "--", tree], check=True)


def _php() -> str:
    php = shutil.which("php")
    if php is None:
        raise NotAvailable(
            "php is not installed on the control node (Debian: apt-get install php-cli php-mysql php-xml)"
        )
    modules = subprocess.run([php, "-m"], capture_output=True, check=True, text=True).stdout.split()
    if "mysqli" not in modules:
        raise NotAvailable("php on the control node has no mysqli (Debian: apt-get install php-mysql)")
    return php


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _start(command: list[str], folder: Path, out: object) -> subprocess.Popen[bytes]:
    runs_as = account()
    identity = {} if runs_as is None else {"user": runs_as[1], "group": runs_as[2], "extra_groups": []}
    return subprocess.Popen(  # type: ignore[call-overload,no-any-return]
        command,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=out,
        stderr=out,
        env={"PATH": os.defpath, "LC_ALL": "C.UTF-8", "HOME": str(folder)},
        preexec_fn=dies_with_us,  # noqa: PLW1509 - as for the database server
        **identity,
    )


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        if process.poll() is not None:
            break
        time.sleep(0.05)
    raise ServerError(f"php's web server did not start: {harmless(log.read_text('utf-8', 'replace')[-500:])}")


__all__ = ["hand_over", "wordpress", "wordpress_root"]
