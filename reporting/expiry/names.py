"""Domain and host names as registries and certificates write them: ASCII, lower case, no final dot."""

from __future__ import annotations

import ipaddress
import re

_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")


def ascii_name(text: str) -> str:
    """The name in ASCII (A-labels for names in other scripts), lower case, without the final dot.

    Raises:
        ValueError: not a name of at least two labels.
    """
    try:
        name = text.strip().rstrip(".").encode("idna").decode("ascii").lower()
    except UnicodeError:
        name = ""
    labels = name.split(".")
    if len(labels) < 2 or len(name) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise ValueError(f"{text[:80]!r} is no domain name; one like lpmp.example.id is expected")
    return name


def same_name(said: object, asked: str) -> bool:
    """Whether what an answer calls itself is the (ASCII) name that was asked."""
    try:
        return isinstance(said, str) and ascii_name(said) == asked
    except ValueError:
        return False


def host_name(text: str) -> str:
    """A host: a name (one label will do) or an IP address, in ASCII.

    Raises:
        ValueError: neither.
    """
    bare = text.strip().strip("[]")
    try:
        return str(ipaddress.ip_address(bare))
    except ValueError:
        return bare.lower() if _LABEL.fullmatch(bare.lower()) else ascii_name(bare)


def is_loopback(host: str) -> bool:
    """Whether the host is this machine."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"
