"""Access logs with a known truth: who visited, who attacked and whether it worked, and which lines are not requests.

Addresses are those that RFC 5737 and RFC 3849 reserve for documentation. Times lie just before the fleet was started,
so that a log is never from the future; the numbers are the same on every start.
"""

import dataclasses
import datetime as dt
import random
from collections.abc import Iterator

# address, quoted request, status, size, agent
Entry = tuple[str, str, int, str, str]
BROWSER = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/128.0 Safari/537.36"
PHONE = "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/127.0 Mobile Safari/537.36"
GOOGLEBOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
QUOTED = 'Mozilla/5.0 \\"Dinas\\" Browser'
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
ORDINARY = ("/", "/feed/", "/category/berita/", "/profil/", "/sitemap.xml", "/aset/gaya.css", "/?s=jadwal+layanan")
# What a server writes for connections that never became a request: TLS to a plain port, a time-out, an empty line.
NOT_REQUESTS = (
    ('"\\x16\\x03\\x01\\x02\\x00\\x01\\x00\\x01\\xFC\\x03\\x03"', 400, "166"),
    ('"-"', 408, "0"),
    ('""', 400, "0"),
)


@dataclasses.dataclass(frozen=True)
class Attack:
    """One client's attack: its requests with the status that the server gave."""

    kind: str
    address: str
    agent: str
    requests: tuple[tuple[str, str, int, int], ...]
    succeeded: bool


ATTACKS = (
    Attack(
        "sqli",
        "192.0.2.66",
        "sqlmap/1.7.8#stable (https://sqlmap.org)",
        tuple(
            ("GET", f"/?id={n}%27%20UNION%20SELECT%20{n},user_pass%20FROM%20wp_users--", 403, 162) for n in range(24)
        ),
        False,
    ),
    Attack("brute_force", "192.0.2.77", BROWSER, tuple(("POST", "/wp-login.php", 200, 4523) for _ in range(60)), False),
    Attack(
        "traversal",
        "2001:db8:bad::1",
        "curl/8.5.0",
        (
            ("GET", "/index.php?page=../../../../etc/passwd", 404, 162),
            ("GET", "/index.php?page=..%2f..%2f..%2fetc%2fpasswd", 404, 162),
            ("GET", "/unduh.php?berkas=%252e%252e%252f%252e%252e%252fwp-config.php", 404, 162),
        ),
        False,
    ),
    Attack(
        "web_shell",
        "192.0.2.99",
        "python-requests/2.31.0",
        (
            ("POST", "/wp-content/plugins/hello-upload/upload.php", 200, 31),
            ("GET", "/wp-content/uploads/2026/11/x.php?cmd=id", 200, 54),
            ("GET", "/wp-content/uploads/2026/11/x.php?cmd=cat%20/etc/passwd", 200, 2871),
        ),
        True,
    ),
)


@dataclasses.dataclass(frozen=True)
class Log:
    """The lines of one log file, and what is true of them."""

    lines: tuple[str, ...]
    attacks: tuple[Attack, ...]

    def text(self) -> bytes:
        """The file's content."""
        return "".join(f"{line}\n" for line in self.lines).encode()

    def truth(self) -> dict[str, object]:
        """What a reader of the log should find."""
        return {
            "lines": len(self.lines),
            "not_requests": len(NOT_REQUESTS),
            "attackers": {
                attack.address: {
                    "kind": attack.kind,
                    "requests": len(attack.requests),
                    "succeeded": attack.succeeded,
                }
                for attack in self.attacks
            },
        }


def _line(when: dt.datetime, entry: Entry) -> str:
    address, request, status, size, agent = entry
    stamp = f"{when.day:02d}/{MONTHS[when.month - 1]}/{when:%Y:%H:%M:%S %z}"
    return f'{address} - - [{stamp}] {request} {status} {size} "-" "{agent}"'


def _visitors(rng: random.Random, count: int) -> Iterator[Entry]:
    for _ in range(count):
        draw = rng.random()
        if draw < 0.08:
            yield "66.249.66.1", '"GET /robots.txt HTTP/1.1"', 200, "67", GOOGLEBOT
        elif draw < 0.12:
            yield f"2001:db8::{rng.randrange(1, 64):x}", '"GET /feed/ HTTP/2.0"', 304, "0", QUOTED
        else:
            status = 404 if draw > 0.95 else 200
            path = f"/halaman-{rng.randrange(9)}" if status == 404 else rng.choice(ORDINARY)
            address = f"{rng.choice(('203.0.113', '198.51.100'))}.{rng.randrange(1, 255)}"
            size = str(rng.randrange(300, 60000))
            yield address, f'"GET {path} HTTP/1.1"', status, size, rng.choice((BROWSER, PHONE))


def make_log(seed: int, end: dt.datetime, visits: int, attacks: tuple[Attack, ...]) -> Log:
    """A day of combined log that ends just before ``end``, in its time zone."""
    rng = random.Random(seed)
    entries = list(_visitors(rng, visits))
    entries += [("203.0.113.200", request, status, size, "-") for request, status, size in NOT_REQUESTS]
    rng.shuffle(entries)
    for attack in attacks:
        burst = [
            (attack.address, f'"{method} {path} HTTP/1.1"', status, str(size), attack.agent)
            for method, path, status, size in attack.requests
        ]
        place = rng.randrange(len(entries))
        entries[place:place] = burst
    step = dt.timedelta(days=1) / (len(entries) + 1)
    start = end - dt.timedelta(days=1)
    lines = tuple(_line(start + step * (number + 1), entry) for number, entry in enumerate(entries))
    return Log(lines, attacks)
