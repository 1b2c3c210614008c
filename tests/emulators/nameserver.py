"""A name server on loopback that answers well, wrongly, or not at all (RFC 1035 over UDP)."""

from __future__ import annotations

import ipaddress
import socket
import struct
import threading
from typing import Literal

Behaviour = Literal["answer", "nxdomain", "empty", "servfail", "silent", "garbage"]


class NameServer:
    """Answers every name with `addresses`, or as `behaviour` says. Use as a context manager."""

    def __init__(self, addresses: list[str] | None = None, behaviour: Behaviour = "answer") -> None:
        self.addresses = addresses or []
        self.behaviour: Behaviour = behaviour
        self.asked: list[str] = []
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve, daemon=True)

    @property
    def place(self) -> str:
        """address:port."""
        return f"127.0.0.1:{self._socket.getsockname()[1]}"

    def __enter__(self) -> NameServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.behaviour = "silent"
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as knock:  # a closed socket would not wake the thread
            knock.sendto(b"", self._socket.getsockname())
        self._thread.join(5)
        self._socket.close()

    def _serve(self) -> None:
        while True:
            packet, sender = self._socket.recvfrom(512)
            if not packet:
                return
            reply = self._reply(packet)
            if reply is not None:
                self._socket.sendto(reply, sender)

    def _reply(self, packet: bytes) -> bytes | None:
        end = packet.index(b"\0", 12) + 5
        question = packet[12:end]
        (kind,) = struct.unpack("!H", question[-4:-2])
        self.asked.append(_name(question))
        if self.behaviour == "silent":
            return None
        code = {"nxdomain": 3, "servfail": 2}.get(self.behaviour, 0)
        version = {1: 4, 28: 6}.get(kind)
        answers = [a for a in map(ipaddress.ip_address, self.addresses) if a.version == version]
        if self.behaviour not in ("answer", "garbage"):
            answers = []
        head = packet[:2] + struct.pack("!5H", 0x8180 | code, 1, len(answers), 0, 0)
        records = b"".join(
            struct.pack("!HHHIH", 0xC00C, kind, 1, 60, len(a.packed)) + a.packed for a in answers
        )  # fmt: skip
        reply = head + question + records
        return reply[:-3] + b"\xff" if self.behaviour == "garbage" else reply


def _name(question: bytes) -> str:
    labels, place = [], 0
    while question[place]:
        labels.append(question[place + 1 : place + 1 + question[place]].decode())
        place += question[place] + 1
    return ".".join(labels)
