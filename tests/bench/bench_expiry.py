"""RDAP look-ups per second, beside whodap and whoisit, all asking the same nginx on loopback.

    python -m tests.bench.bench_expiry [--names 1000] [--rounds 3] [--peer-python PATH]

nginx serves one RDAP answer (RFC 9083) per name. Each engine reads the end of every name and must find the right one,
or the bench fails. Peers one name after the other; ours too, and as `laman service check` does it, many at once. The
peers run in a virtual environment of their own (in a temporary folder, from PyPI, unless --peer-python names one). On
loopback there is no waiting to share, so at once is no faster here: it is for registries that take their time.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from reporting.expiry import rdap
from reporting.expiry.look import Request, look_at_all
from reporting.expiry.model import Job, Limits
from reporting.expiry.rdap import Registry
from reporting.service import Watch
from tests.bench.bench_content import nginx
from tests.emulators.rdap import RdapServer

FIRST = datetime(2027, 1, 1, 16, 59, 59, tzinfo=UTC)

# What a peer runs: argv = library, base URL, how many names; prints the seconds that it took and the ends it found.
_PEER = """
import json, sys, time, warnings
warnings.simplefilter("ignore")
library, base, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
if library == "whodap":
    import httpx2
    from whodap.client import DNSClient
    client = DNSClient(httpx2.Client())
    def look(name):
        answer = client.lookup(name.removesuffix(".id"), "id", auth_href=f"{base}domain/{name}")
        return next(event.eventDate for event in answer.events if event.eventAction == "expiration")
else:
    import requests, whoisit
    known = {"asn": "1-2", "dns": "id", "ipv4": "192.0.2.0/24", "ipv6": "2001:db8::/32", "object": "X"}
    data = {kind: {"services": [[[key], [base]]]} for kind, key in known.items()}
    whoisit.load_bootstrap_data(json.dumps(data | {"timestamp": int(time.time())}), allow_insecure=True)
    session = requests.Session()
    def look(name):
        return whoisit.domain(name, session=session, follow_related=False)["expiration_date"]
began = time.perf_counter()
found = [look(f"n{number}.uji.id") for number in range(count)]
seconds = time.perf_counter() - began
print(json.dumps([seconds, [moment.isoformat() for moment in found]]))
"""


def end_of(number: int) -> datetime:
    """The end of the n-th name."""
    return FIRST + timedelta(days=number % 3000)


def answers(folder: Path, count: int) -> None:
    """One RDAP answer per name, as files."""
    shapes = RdapServer()  # never started: it knows what a good answer looks like
    (folder / "domain").mkdir()
    for number in range(count):
        name = f"n{number}.uji.id"
        shapes.ends[name] = end_of(number)
        (folder / "domain" / name).write_text(json.dumps(shapes.domain(name)))


def ours_in_turn(base: str, count: int) -> tuple[float, list[datetime | None]]:
    """One look-up after the other."""
    now, limits, registry = datetime.now(UTC), Limits(), Registry()
    watches = [Watch(method="rdap", name=f"n{n}.uji.id", base_url=base) for n in range(count)]
    began = time.perf_counter()
    found = [rdap.look(watch, now, limits, registry).ends_at for watch in watches]
    return time.perf_counter() - began, found


def ours_at_once(base: str, count: int) -> tuple[float, list[datetime | None]]:
    """All as one request, with the limits that the role has by default."""
    jobs = [Job(id=f"n{n}", watch=Watch(method="rdap", name=f"n{n}.uji.id", base_url=base)) for n in range(count)]
    began = time.perf_counter()
    found = [look.ends_at for look in look_at_all(jobs, Request(datetime.now(UTC), UTC))]
    return time.perf_counter() - began, found


def peer(python: Path, library: str, base: str, count: int) -> tuple[float, list[datetime | None]]:
    """A peer in its own interpreter; its start and imports are not counted."""
    done = subprocess.run([python, "-c", _PEER, library, base, str(count)], check=True, capture_output=True, text=True)
    seconds, found = json.loads(done.stdout)
    ends = (datetime.fromisoformat(text) for text in found)
    return float(seconds), [end if end.tzinfo else end.replace(tzinfo=UTC) for end in ends]  # whodap drops the zone


def peer_python(folder: Path) -> Path:
    """A virtual environment with the peers."""
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    subprocess.run([folder / "bin/pip", "install", "-q", "whodap", "whoisit"], check=True)
    return folder / "bin/python"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--names", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peer-python", type=Path, help="an interpreter that has whodap and whoisit")
    options = parser.parse_args()
    count = options.names
    with tempfile.TemporaryDirectory() as temporary:
        root, work = Path(temporary) / "root", Path(temporary) / "work"
        root.mkdir()
        work.mkdir()
        python = options.peer_python or peer_python(Path(temporary) / "peers")
        answers(root, count)
        with nginx(root, work, "application/rdap+json id") as url:
            base = f"{url}/"
            engines: dict[str, Callable[[], tuple[float, list[datetime | None]]]] = {
                "ours, one by one": lambda: ours_in_turn(base, count),
                "ours, at once": lambda: ours_at_once(base, count),
                "whodap": lambda: peer(python, "whodap", base, count),
                "whoisit": lambda: peer(python, "whoisit", base, count),
            }
            rates: dict[str, float] = {}
            for _ in range(options.rounds):
                for name, engine in engines.items():
                    seconds, found = engine()
                    if found != [end_of(number) for number in range(count)]:
                        sys.exit(f"{name}: not every end is right")
                    rates[name] = max(rates.get(name, 0.0), count / seconds)
    for name, rate in rates.items():
        print(f"{name:<18}{rate:10,.0f} look-ups/s   {rate / rates['whodap']:5.1f}x whodap")
    return 0


if __name__ == "__main__":
    sys.exit(main())
