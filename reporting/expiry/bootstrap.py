"""Which RDAP server answers for a name: the bootstrap registry (RFC 9224)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from urllib.parse import urlsplit

from reporting.expiry.model import DATA
from reporting.expiry.names import is_loopback
from reporting.text import harmless

SHIPPED = DATA / "rdap_dns.json"
_MOST_BYTES = 4 << 20


class BootstrapError(Exception):
    """A bootstrap file or a base URL that cannot be used; one line."""


@lru_cache(maxsize=4)
def read_bootstrap(path: Path = SHIPPED) -> dict[str, tuple[str, ...]]:
    """Ending (lower case, without dot) -> base URLs, of a file in IANA's format.

    Raises:
        BootstrapError: no such file, or not in that format.
    """
    try:
        raw = path.read_bytes()
        if len(raw) > _MOST_BYTES:
            raise BootstrapError(f"{path}: more than {_MOST_BYTES >> 20} MiB: no bootstrap registry")
        services = json.loads(raw)["services"]
        found = {
            str(ending).lower().strip("."): tuple(map(str, urls)) for endings, urls in services for ending in endings
        }
    except OSError as error:
        raise BootstrapError(f"{path}: {error.strerror or error}") from None
    except (ValueError, KeyError, TypeError, RecursionError):
        raise BootstrapError(f"{path}: not a bootstrap registry in IANA's format (RFC 9224)") from None
    if not found:
        raise BootstrapError(f"{path}: names no service")
    return found


def base_url(name: str, registry: Mapping[str, tuple[str, ...]], overrides: Mapping[str, str]) -> str | None:
    """The base URL for an ASCII name: the longest ending wins, an override before the registry, HTTPS only.

    Returns None when nobody answers for the name over RDAP.
    """
    labels = name.split(".")
    own = {ending.lower().strip("."): url for ending, url in overrides.items()}
    for start in range(1, len(labels)):
        ending = ".".join(labels[start:])
        urls = (own[ending],) if ending in own else registry.get(ending, ())
        usable = [url for url in urls if _secure(url)]
        if usable:
            return usable[0]
        if ending in own:
            raise BootstrapError(f"the RDAP base for .{ending}, {harmless(own[ending], 120)!r}, is no https:// address")
    return None


def _secure(url: str) -> bool:
    parts = urlsplit(url)
    return bool(parts.hostname) and (
        parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname or ""))
    )
