"""A byte stream, cut into bounded chunks of whole lines."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

CHUNK_BYTES = 32 << 20
KEPT_OF_OVERLONG = 4_096  # bytes of a line longer than a chunk that are kept to look at


class Readable(Protocol):
    """Anything that gives bytes: a file, a decompressor, a pipe."""

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes; empty at the end."""


@dataclass(frozen=True)
class Chunk:
    """Whole lines of a stream. When `overlong` is set, `data` is the beginning of one line of that many bytes."""

    first_line: int  # number of the first line, from 1
    data: bytes  # the last line may lack its newline only at the end of the stream
    lines: int
    overlong: int = 0


def chunks(stream: Readable, size: int = CHUNK_BYTES) -> Iterator[Chunk]:
    """Cut `stream` into chunks of about `size` bytes; memory stays below three times that, whatever comes.

    A line ends with LF, or with the stream. A line longer than `size` bytes becomes a chunk of its own, cut to
    KEPT_OF_OVERLONG bytes, with its true length.
    """
    line = 1
    rest = b""
    while True:
        block = stream.read(size)
        if not block:
            break
        cut = block.rfind(b"\n") + 1
        if not cut and len(rest) + len(block) > size:
            head = (rest + block)[:KEPT_OF_OVERLONG]
            length, rest, ended = _skip_line(stream, len(rest) + len(block), size)
            yield Chunk(line, head, 1, overlong=length)
            line += 1
            if ended:
                break
            continue
        if not cut:
            rest += block
            continue
        data = rest + block[:cut]
        rest = block[cut:]
        count = data.count(b"\n")
        yield Chunk(line, data, count)
        line += count
    if rest:
        yield from _remainder(rest, line)


def _remainder(rest: bytes, line: int) -> Iterator[Chunk]:
    yield Chunk(line, rest, rest.count(b"\n") + (not rest.endswith(b"\n")))


def _skip_line(stream: Readable, length: int, size: int) -> tuple[int, bytes, bool]:
    """Read on to the end of a line that began `length` bytes ago: its length, what follows it, whether all ended."""
    while block := stream.read(size):
        end = block.find(b"\n")
        if end >= 0:
            return length + end, block[end + 1 :], False
        length += len(block)
    return length, b"", True
