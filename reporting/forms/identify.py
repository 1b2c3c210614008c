"""Which paper a file says it is: the mark in the properties of a DOCX, in the metadata of a PDF. Pure."""

from __future__ import annotations

import hashlib
import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from reporting.events import PaperIssued
from reporting.forms.data import FormError
from reporting.forms.package import parts_of

_MARK = re.compile(r"laman-paper:([A-Za-z0-9._-]{1,80}):([0-9a-f]{12})")
_HEX = re.compile(rb"<([0-9A-Fa-f\s]{40,4096})>")
_LITERAL = re.compile(rb"\(((?:\\.|[^\\()]){13,2000})\)", re.DOTALL)
_STREAM = re.compile(rb"stream\r?\n")
_MOST_INFLATED = 4 << 20  # of one stream
_MOST_STREAMS = 200


@dataclass(frozen=True, slots=True)
class Identified:
    """What a file is: issued (byte for byte), altered (our mark, other bytes), unknown."""

    state: Literal["issued", "altered", "unknown"]
    paper: PaperIssued | None = None
    mark: str | None = None  # the id that the file carries
    same_data: bool = False  # altered: its mark has the hash of the issued paper's data


def identified(content: bytes, issued: Iterable[PaperIssued]) -> Identified:
    """Compare a file with every paper that was issued."""
    papers = list(issued)
    digest = hashlib.sha256(content).hexdigest()
    for paper in papers:
        if any(file.sha256 == digest for file in paper.files):
            return Identified("issued", paper, paper.paper, same_data=True)
    mark = mark_in(content)
    if mark is None:
        return Identified("unknown")
    name, short = mark
    known = next((p for p in papers if p.paper == name), None)
    return Identified("altered", known, name, known is not None and known.content_hash.startswith(short))


def mark_in(content: bytes) -> tuple[str, str] | None:
    """The id and the hash of the mark that a file carries; None when it carries none."""
    for text in _docx_texts(content) if content.startswith(b"PK") else _pdf_texts(content):
        if match := _MARK.search(text):
            return match[1], match[2]
    return None


def _docx_texts(content: bytes) -> Iterator[str]:
    try:
        parts = parts_of(content, "the file")
    except FormError:
        return  # no DOCX: it carries no mark of ours
    for name in ("docProps/custom.xml", "docProps/core.xml"):
        yield parts.get(name, b"").decode("utf-8", "replace")


def _pdf_texts(content: bytes) -> Iterator[str]:
    """The file as it is, its strings (plain, UTF-16, in hex), and what its metadata streams unpack to."""
    for block in (content, *_unpacked(content)):
        yield block.decode("latin-1")
        yield block.replace(b"\0", b"").decode("latin-1")
        for match in _HEX.finditer(block):
            digits = re.sub(rb"\s", b"", match[1])
            raw = bytes.fromhex((digits if len(digits) % 2 == 0 else digits + b"0").decode())
            yield raw.replace(b"\0", b"").decode("latin-1")
        for match in _LITERAL.finditer(block):
            yield re.sub(rb"\\(.)", rb"\1", match[1], flags=re.DOTALL).replace(b"\0", b"").decode("latin-1")


def _unpacked(content: bytes) -> Iterator[bytes]:
    """Streams that can keep metadata; each up to 4 MB, so that a bomb is not blown up."""
    for number, match in enumerate(_STREAM.finditer(content)):
        if number >= _MOST_STREAMS:
            return
        head = content[max(0, match.start() - 512) : match.start()].rpartition(b"endobj")[2]
        if b"/ObjStm" not in head and b"/Metadata" not in head:
            continue
        try:
            yield zlib.decompressobj().decompress(content[match.end() : match.end() + _MOST_INFLATED], _MOST_INFLATED)
        except zlib.error:
            continue  # packed in another way: nothing that we wrote
