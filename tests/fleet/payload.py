"""What a host finds under ``/fleet`` when it starts: keys, certificate, logs and dated files. Fresh on every start."""

import dataclasses
import datetime as dt
import gzip
from pathlib import Path
from typing import Any

from tests.fleet import credentials, site
from tests.fleet.traffic import ATTACKS, MONTHS, Log, make_log

Facts = dict[str, Any]
DOMAIN = "dinas-contoh.test"
JAKARTA = dt.timezone(dt.timedelta(hours=7))


@dataclasses.dataclass(frozen=True)
class Paths:
    """Where the fleet keeps what its hosts are given."""

    run: Path

    @property
    def key(self) -> Path:
        """Private key with which the tests log in."""
        return self.run / "keys" / "id_ed25519"

    @property
    def known_hosts(self) -> Path:
        """The hosts' real keys. Outside the inventory directory: Ansible would parse it as inventory."""
        return self.run / "known_hosts"

    @property
    def ca(self) -> Path:
        """Certificate of the fleet's own authority."""
        return self.run / "keys" / "tls" / "ca.crt"

    def host(self, name: str) -> Path:
        """What one host is given."""
        return self.run / "hosts" / name


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def authority(paths: Paths) -> None:
    """Make the authority that signs the certificates of all hosts; before their payloads."""
    credentials.authority(paths.ca.parent)


def _keys(paths: Paths, name: str, address: str, tls_names: list[str], tls_days: int) -> tuple[str, Facts]:
    """The host's keys and certificate; returns its line of known_hosts, and facts."""
    directory = paths.host(name)
    public = credentials.ssh_key(paths.key, "laman-fleet")
    host_key = credentials.ssh_key(directory / "ssh_host_ed25519_key", name)
    _write(directory / "authorized_keys", f"{public} laman-fleet\n".encode())
    ends = credentials.server_certificate(directory, paths.ca, [address, *tls_names], tls_days)
    facts = {
        "fleet_url": f"http://{address}",
        "fleet_https_url": f"https://{address}",
        "fleet_tls_ca": str(paths.ca),
        "fleet_tls_not_after": ends.isoformat(),
    }
    return f"{address} {host_key}\n", facts


def _put_log(path: Path, log: Log) -> dict[str, object]:
    text = log.text()
    _write(path, gzip.compress(text, mtime=0) if path.suffix == ".gz" else text)
    return log.truth()


def vps(paths: Paths, address: str, now: dt.datetime) -> tuple[str, Facts]:
    """Payload of the virtual server: the last three days of its access log, rotated as logrotate does."""
    known, facts = _keys(paths, "vps", address, ["vps.fleet.test"], 60)
    local = now.astimezone(JAKARTA)
    logs = paths.host("vps") / "logs"
    names = ("access.log", "access.log.1", "access.log.2.gz")
    attacks = (ATTACKS, ATTACKS[:1], ())
    truth = {
        f"/var/log/nginx/{name}": _put_log(logs / name, make_log(n, local - dt.timedelta(days=n), 400, attacks[n]))
        for n, name in enumerate(names)
    }
    return known, facts | VPS | {"fleet_log_truth": truth}


def shared(paths: Paths, address: str, now: dt.datetime) -> tuple[str, Facts]:
    """Payload of the shared host: HTTP and HTTPS logs apart, last month's archive, feed and site map."""
    known, facts = _keys(paths, "shared", address, [DOMAIN], 10)
    directory = paths.host("shared")
    logs = directory / "logs"
    last_month = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    month = last_month - dt.timedelta(days=1)
    archive = f"{DOMAIN}-{MONTHS[month.month - 1]}-{month.year}.gz"
    truth = {
        f"/home/agency/access-logs/{DOMAIN}": _put_log(logs / DOMAIN, make_log(11, now, 300, ATTACKS[:2])),
        f"/home/agency/access-logs/{DOMAIN}-ssl_log": _put_log(
            logs / f"{DOMAIN}-ssl_log", make_log(12, now, 200, ATTACKS[2:])
        ),
        f"/home/agency/logs/{archive}": _put_log(directory / "archive" / archive, make_log(13, last_month, 500, ())),
    }
    base = facts["fleet_url"]
    _write(directory / "site" / "feed.xml", site.feed(base, now).encode())
    _write(directory / "site" / "sitemap.xml", site.sitemap(base, now).encode())
    more = {"fleet_log_truth": truth, "fleet_feed_url": f"{base}/feed/", "fleet_sitemap_url": f"{base}/sitemap.xml"}
    return known, facts | SHARED | {"fleet_log_archive": f"/home/agency/logs/{archive}"} | more


# Constants of the images; the passwords are those of throw-away hosts that only this machine can reach.
VPS: Facts = {
    "fleet_kind": "vps",
    "fleet_site_path": "/var/www/laman",
    "fleet_uploads_path": "/var/www/laman/wp-content/uploads",
    "fleet_db_name": "wordpress",
    "fleet_db_socket": "/run/mysqld/mysqld.sock",
    "fleet_db_user": "wp_backup",
    "fleet_db_password": "fleet-backup",
    "fleet_db_poor_user": "wp_poor",
    "fleet_db_poor_password": "fleet-poor",
    "fleet_db_owner_user": "wordpress",
    "fleet_db_owner_password": "fleet-wordpress",
    "fleet_sqlite_path": "/srv/app/data/app.sqlite",
    "fleet_sqlite_rows": 200,
    "fleet_log_paths": ["/var/log/nginx/access.log", "/var/log/nginx/access.log.1", "/var/log/nginx/access.log.2.gz"],
    "fleet_wp_user": "admin",
    "fleet_wp_password": "fleet-admin",
    "fleet_wp_app_password": "fleetapplicationpassword",
    "fleet_wp_posts": 30,
    "fleet_wp_newest_days": {"berita": 0, "pengumuman": 1, "kegiatan": 45, "regulasi": 210},
    "fleet_stale_category": "regulasi",
}
SHARED: Facts = {
    "fleet_kind": "shared",
    "fleet_domain": DOMAIN,
    "fleet_home": "/home/agency",
    "fleet_site_path": "/home/agency/public_html",
    "fleet_banner": "Welcome to shared hosting",
    "fleet_unreadable_path": "/home/agency/private_root/kunci.txt",
    "fleet_db_name": "agency_web",
    "fleet_db_socket": "/run/mysqld/mysqld.sock",
    "fleet_db_user": "agency_web",
    "fleet_db_password": "fleet-agency",
    "fleet_log_paths": [f"/home/agency/access-logs/{DOMAIN}", f"/home/agency/access-logs/{DOMAIN}-ssl_log"],
}
