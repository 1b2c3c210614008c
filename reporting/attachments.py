"""What people attach: an invoice, a signed sheet, a proof of payment. Judged by its content, never by its name.

A paper that laman printed is no proof of payment and no signed sheet: it is known by its hash and by the mark that
stands in its metadata. A scan of the signed print is a picture, has neither, and counts.
"""

from __future__ import annotations

import hashlib
import re
import struct
import zlib
from collections.abc import Container, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from reporting.text import harmless

MARK = "laman-paper:"  # followed by the paper's id, in the metadata of what we print
MOST_BYTES = 50 << 20
_CHUNK = 1 << 20
_PDF_HEAD = 1024  # %PDF- may follow some junk (ISO 32000-1, Annex H)
_PDF_TAIL = 2048
_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_KINDS = {b"IHDR", b"IDAT", b"IEND"}
_STREAM = re.compile(rb"stream\r?\n")
_KEEPS_METADATA = re.compile(rb"/(ObjStm|Metadata)\b")
_DICTIONARY = 1024  # bytes before a stream in which its dictionary stands
_INFLATED_MOST = 4 << 20  # of one stream while the mark is looked for: a bomb is not blown up
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")

Kind = Literal["pdf", "jpg", "png"]


class AttachmentError(Exception):
    """A file that does not count; one line that says which, why, and what is expected."""


@dataclass(frozen=True, slots=True)
class Attached:
    """A file that was looked at and found whole: what it will be archived as."""

    source: Path
    role: str
    kind: Kind
    bytes: int
    sha256: str
    ours: str | None  # the id of the paper that it is, when we printed it

    def archive_name(self, number: int) -> str:
        """A readable name without surprises: role, number, the outside name made plain, the ending of what it is."""
        plain = _UNSAFE.sub("_", self.source.stem.encode("ascii", "ignore").decode())[:60].strip("._-")
        return f"{self.role}-{number:02d}{'-' + plain if plain else ''}.{self.kind}"


def attached(source: Path, role: str, printed: Container[str] = (), *, own_paper: bool = False) -> Attached:
    """Look at a file that is to be attached.

    `printed`: SHA-256 of every file that `paper.issued` names. `own_paper`: one of them may be attached as it is.

    Raises:
        AttachmentError: not a file, empty, larger than 50 MB, not a whole PDF, JPG or PNG, or a paper of our own.
    """
    shown = harmless(str(source), 200)
    content = _read(source, shown)
    kind = _kind(content, shown)
    digest = hashlib.sha256(content).hexdigest()
    ours = _paper_id(content) or ("by its hash" if digest in printed else None)
    if ours is not None and not own_paper:
        raise AttachmentError(
            f"{shown}: this is a paper that laman printed ({harmless(ours, 60)}), it proves nothing: attach "
            f"{_EXPECTED.get(role, 'the signed original, scanned')}"
        )
    return Attached(source, role, kind, len(content), digest, ours)


_EXPECTED = {
    "proof_of_payment": "the proof that came from outside (bank, SPM/SP2D, the provider's receipt)",
    "approved_sheet": "a scan of the signed sheet",
    "decision_sheet": "a scan of the sheet with the signed decision",
    "invoice": "the provider's invoice",
}


def _read(source: Path, shown: str) -> bytes:
    try:
        if source.exists() and not source.is_file():
            raise AttachmentError(f"{shown}: no regular file (a PDF, JPG or PNG is expected)")
        if not source.is_file():
            raise AttachmentError(f"{shown}: no such file (a PDF, JPG or PNG is expected)")
        size = source.stat().st_size
        if size == 0:
            raise AttachmentError(f"{shown}: the file is empty")
        if size > MOST_BYTES:
            raise AttachmentError(f"{shown}: {size >> 20} MB, at most {MOST_BYTES >> 20} MB are taken: scan it smaller")
        with source.open("rb") as stream:
            content = stream.read(MOST_BYTES + 1)
    except (OSError, ValueError) as error:
        raise AttachmentError(f"{shown}: cannot be read: {getattr(error, 'strerror', None) or error}") from error
    if not 0 < len(content) <= MOST_BYTES:
        raise AttachmentError(f"{shown}: the file changed while it was read: attach it again")
    return content


def _kind(content: bytes, shown: str) -> Kind:
    if b"%PDF-" in content[:_PDF_HEAD] and not content.startswith((b"PK", b"<", b"\xd0\xcf")):
        problem, kind = _pdf_problem(content), "pdf"
    elif content.startswith(_PNG):
        problem, kind = _png_problem(content), "png"
    elif content.startswith(b"\xff\xd8\xff"):
        problem, kind = _jpg_problem(content), "jpg"
    else:
        what = next((name for magic, name in _OTHERS if content[:512].lstrip().lower().startswith(magic)), "")
        raise AttachmentError(
            f"{shown}: its content is no PDF, JPG or PNG{f' but {what}' if what else ''}, whatever its name: scan it "
            "or print it to PDF"
        )
    if problem:
        raise AttachmentError(f"{shown}: a broken {kind.upper()}: {problem}: scan or copy it again")
    return "pdf" if kind == "pdf" else "png" if kind == "png" else "jpg"


_OTHERS = (
    (b"pk\x03\x04", "an office document or an archive (ZIP)"),
    (b"\xd0\xcf\x11\xe0", "an old office document"),
    (b"<!doctype html", "a web page"),
    (b"<html", "a web page"),
    (b"<?xml", "XML"),
    (b"gif8", "a GIF"),
    (b"{\\rtf", "an RTF text"),
    (b"mz", "a program"),
    (b"\x7felf", "a program"),
)


def _pdf_problem(content: bytes) -> str:
    """Why a PDF is not whole: header, at least one object and page, an end mark, a cross-reference it points to."""
    tail = content[-_PDF_TAIL:]
    if b"%%EOF" not in tail:
        return "its end is missing"
    pointer = re.findall(rb"startxref\s+(\d{1,10})\s", tail)
    if not pointer:
        return "it has no startxref"
    begin = content.index(b"%PDF-")
    where = int(pointer[-1])
    spots = (content[where : where + 64], content[begin + where : begin + where + 64])
    if not any(re.match(rb"\s*(xref|\d+\s+\d+\s+obj)", spot) for spot in spots):
        return "its table of contents (xref) is not where it says"
    return ""


def _png_problem(content: bytes) -> str:
    """Why a PNG is not whole: every chunk with its checksum, a header first, data, an end (RFC 2083)."""
    at, seen, packed = len(_PNG), [], bytearray()
    while at + 12 <= len(content):
        (length,) = struct.unpack(">I", content[at : at + 4])
        name, body = content[at + 4 : at + 8], content[at + 8 : at + 8 + length]
        check = content[at + 8 + length : at + 12 + length]
        if len(check) < 4 or struct.unpack(">I", check)[0] != zlib.crc32(name + body):
            return "a part of it is damaged"
        seen.append(name)
        if name == b"IHDR":
            width, height = struct.unpack(">II", body[:8])
            if not width or not height:
                return "a picture without size"
        if name == b"IDAT":
            packed += body
        if name == b"IEND":
            break
        at += 12 + length
    if seen[:1] != [b"IHDR"] or not set(seen) >= _PNG_KINDS:
        return "its end is missing"
    return _inflates(bytes(packed))


def _inflates(packed: bytes) -> str:
    """Whether compressed data unpack to their end, a piece at a time."""
    machine = zlib.decompressobj()
    try:
        left = packed
        while left and not machine.eof:
            machine.decompress(left, _CHUNK)
            left = machine.unconsumed_tail
    except zlib.error:
        return "its data cannot be unpacked"
    return "" if machine.eof else "its data end too early"


_ALONE = frozenset([0x01, *range(0xD0, 0xD8)])  # JPEG markers without a body
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


def _jpg_problem(content: bytes) -> str:
    """Why a JPEG is not whole: segments up to the scan, a frame with a size, an end mark (ITU T.81, Annex B)."""
    end = content.rfind(b"\xff\xd9")
    if end < 0:
        return "its end is missing"
    at, framed = 2, False
    while at + 4 <= len(content):
        if content[at] != 0xFF:
            return "a part of it is damaged"
        marker = content[at + 1]
        if marker == 0xFF or marker in _ALONE:
            at += 1 if marker == 0xFF else 2
            continue
        (length,) = struct.unpack(">H", content[at + 2 : at + 4])
        if marker in _FRAMES:
            height, width = struct.unpack(">HH", content[at + 5 : at + 9].ljust(4, b"\0"))
            framed = bool(width)  # a height of 0 is told later (DNL)
            if not framed or not (height or b"\xff\xdc" in content):
                return "a picture without size"
        if marker == 0xDA:
            return "" if framed and at + 2 + length < end else "its picture is missing"
        if marker == 0xD9 or length < 2:
            break
        at += 2 + length
    return "its picture is missing"


def _paper_id(content: bytes) -> str | None:
    """The id after our mark, in plain bytes, as UTF-16 (how PDF keeps metadata), or in a packed metadata stream."""
    return _mark_in(content) or next((found for text in _packed_metadata(content) if (found := _mark_in(text))), None)


def _mark_in(content: bytes) -> str | None:
    for mark, step in ((MARK.encode(), 1), (MARK.encode("utf-16-be"), 2)):
        if (where := content.find(mark)) >= 0:
            after = content[where + len(mark) : where + len(mark) + 80 * step]
            known = re.match(rb"\s*([A-Za-z0-9._/-]+)", after[step - 1 :: step])
            return known[1].decode() if known else "its mark"
    return _hex_mark_in(content)


_HEX_MARK = re.compile(
    b"(?:%s|%s)((?:[0-9a-f]{2}){0,160})"
    % (re.escape(MARK.encode("utf-16-be").hex().encode()), re.escape(MARK.encode().hex().encode())),
    re.IGNORECASE,
)


def _hex_mark_in(content: bytes) -> str | None:
    """The id where the mark stands in hexadecimal, as LibreOffice writes the properties of a PDF."""
    match = _HEX_MARK.search(content)
    if match is None:
        return None
    known = re.match(rb"\s*([A-Za-z0-9._/-]+)", bytes.fromhex(match[1].decode()).replace(b"\0", b""))
    return known[1].decode() if known else "its mark"


def _packed_metadata(content: bytes) -> Iterator[bytes]:
    """What Flate streams of a PDF hold that can keep metadata (object streams, XMP), each up to 4 MB, 64 MB in all.

    Pages are left out: the text that a scanner recognised on a signed print is no mark of ours.
    """
    total = 0
    for match in _STREAM.finditer(content):
        head = content[max(0, match.start() - _DICTIONARY) : match.start()]
        if not _KEEPS_METADATA.search(head.rpartition(b"endobj")[2]):
            continue
        try:
            text = zlib.decompressobj().decompress(content[match.end() : match.end() + _INFLATED_MOST], _INFLATED_MOST)
        except zlib.error:
            continue
        yield text
        total += len(text)
        if total > 16 * _INFLATED_MOST:
            return
