"""The addresses of a host name, and when there are none, which of the ways to have none it is.

Through the system (getaddrinfo, /etc/hosts included), or by asking name servers directly (RFC 1035 over UDP), where an
administrator wants to see what the public sees. "The name does not exist" and "nobody answered" are never mixed up.
"""

from __future__ import annotations

import ipaddress
import secrets
import socket
import struct
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

Outcome = Literal["found", "nxdomain", "no_address", "no_answer", "server_failure"]
_TYPES = {1: 4, 28: 16}  # A, AAAA -> bytes of an address
_RCODES: dict[int, Outcome] = {0: "no_address", 3: "nxdomain"}


@dataclass(frozen=True)
class Resolved:
    """What became of a name. `said`: the resolver's own words or code; `asked`: who was asked."""

    outcome: Outcome
    addresses: list[str] = field(default_factory=list)
    said: str = ""
    asked: str = "the system's resolver"


def is_address(host: str) -> bool:
    """Whether a host is an address already."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def resolve(host: str, nameservers: Sequence[tuple[str, int]], seconds: float) -> Resolved:
    """The addresses (A and AAAA) of a name, within `seconds`."""
    return _ask_servers(host, nameservers, seconds) if nameservers else _ask_system(host, seconds)


def _ask_system(host: str, seconds: float) -> Resolved:
    """The system call (getaddrinfo) knows no time limit: it is left behind in a thread when it takes too long."""
    answers: list[Resolved] = []
    thread = threading.Thread(target=lambda: answers.append(_system(host)), daemon=True, name="resolve")
    thread.start()
    thread.join(seconds)
    return answers[0] if answers else Resolved("no_answer", said=f"no answer within {seconds:g} s")


_SYSTEM: dict[int, Outcome] = {socket.EAI_NONAME: "nxdomain", socket.EAI_AGAIN: "no_answer"}
if hasattr(socket, "EAI_NODATA"):
    _SYSTEM[socket.EAI_NODATA] = "no_address"


def _system(host: str) -> Resolved:
    try:
        found = socket.getaddrinfo(host, None, proto=socket.IPPROTO_TCP)
    except socket.gaierror as error:
        return Resolved(_SYSTEM.get(error.errno or 0, "server_failure"), said=error.strerror or "")
    except UnicodeError:
        return Resolved("nxdomain", said="not a possible host name")
    return Resolved("found", list(dict.fromkeys(str(entry[4][0]) for entry in found)))


# -- name servers, asked directly


def _ask_servers(host: str, servers: Sequence[tuple[str, int]], seconds: float) -> Resolved:
    deadline = time.monotonic() + seconds
    answers = []
    for number, server in enumerate(servers):
        share = max(0.2, (deadline - time.monotonic()) / (len(servers) - number))
        answer = _ask(host, server, share)
        if answer.outcome in ("found", "nxdomain", "no_address"):
            return answer
        answers.append(answer)
    return next((answer for answer in answers if answer.outcome == "server_failure"), answers[0])


def _ask(host: str, server: tuple[str, int], seconds: float) -> Resolved:
    asked = f"name server {server[0]}"
    deadline = time.monotonic() + seconds
    outcomes: list[Outcome] = []
    addresses: list[str] = []
    try:
        questions = {kind: _question(host, kind) for kind in _TYPES}
    except ValueError as error:
        return Resolved("nxdomain", said=str(error), asked=asked)
    for kind, (number, packet) in questions.items():
        reply = _exchange(server, number, packet, deadline, seconds / 2)
        if isinstance(reply, str):
            return Resolved("found", addresses, asked=asked) if addresses else Resolved("no_answer", [], reply, asked)
        outcome, found = _read(reply, kind)
        outcomes.append(outcome)
        addresses += found
        if outcome == "nxdomain":
            break
    if addresses:
        return Resolved("found", addresses, asked=asked)
    worst: Outcome = "nxdomain" if "nxdomain" in outcomes else outcomes[0]
    said = {"nxdomain": "NXDOMAIN", "server_failure": "SERVFAIL or refused"}.get(worst, "")
    return Resolved(worst, said=said, asked=asked)


def _question(host: str, kind: int) -> tuple[int, bytes]:
    number = secrets.randbelow(1 << 16)
    labels = host.encode("ascii").rstrip(b".").split(b".")
    if not all(0 < len(label) < 64 for label in labels):
        raise ValueError("not a possible host name")
    name = b"".join(bytes([len(label)]) + label for label in labels) + b"\0"
    return number, struct.pack("!6H", number, 0x0100, 1, 0, 0, 0) + name + struct.pack("!2H", kind, 1)


def _exchange(server: tuple[str, int], number: int, packet: bytes, deadline: float, once: float) -> bytes | str:
    """Send, and wait for the reply with our number; asked again once. A string says why there is none."""
    family = socket.AF_INET6 if ":" in server[0] else socket.AF_INET
    said = "no answer"
    with socket.socket(family, socket.SOCK_DGRAM) as channel:
        try:
            channel.connect(server)
            for _ in range(2):
                channel.send(packet)
                until = min(deadline, time.monotonic() + once)
                while (left := until - time.monotonic()) > 0:
                    channel.settimeout(left)
                    try:
                        reply = channel.recv(4096)
                    except TimeoutError:
                        break
                    if len(reply) >= 12 and reply[:2] == number.to_bytes(2, "big") and reply[2] & 0x80:
                        return reply
        except OSError as error:
            said = error.strerror or said
    return said


def _read(reply: bytes, kind: int) -> tuple[Outcome, list[str]]:
    """Outcome and addresses of a reply; one that is cut or crooked is a failure of the server."""
    _, flags, questions, answers, _, _ = struct.unpack("!6H", reply[:12])
    outcome = _RCODES.get(flags & 0xF, "server_failure")
    addresses: list[str] = []
    try:
        place = 12
        for _ in range(questions):
            place = _skip_name(reply, place) + 4
        for _ in range(answers):
            place = _skip_name(reply, place)
            found, _, _, length = struct.unpack_from("!HHIH", reply, place)
            place += 10
            if found == kind and length == _TYPES[kind]:
                addresses.append(str(ipaddress.ip_address(reply[place : place + length])))
            place += length
        if place > len(reply):
            raise ValueError("cut off")
    except (struct.error, IndexError, ValueError):
        return ("found" if addresses else "server_failure"), addresses
    return ("found" if addresses else outcome), addresses


def _skip_name(reply: bytes, place: int) -> int:
    while (length := reply[place]) != 0:
        if length & 0xC0:
            return place + 2
        place += length + 1
    return place + 1


__all__ = ["Resolved", "is_address", "resolve"]
