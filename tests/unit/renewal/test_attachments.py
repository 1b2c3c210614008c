"""What may be attached: judged by content, whole, and no paper of our own."""

from __future__ import annotations

import hashlib
import io
import os
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from reporting import attachments
from reporting.attachments import MARK, AttachmentError, attached
from tests.papers import JPG, pdf, png


def put(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def office() -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as packed:
        packed.writestr("[Content_Types].xml", "<Types/>")
        packed.writestr("note.txt", "%PDF-1.7 startxref\n0\n%%EOF")
    return held.getvalue()


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (pdf("halo"), "pdf"),
        (pdf("halo", packed=True), "pdf"),
        (b"\n\n" + pdf("x"), "pdf"),
        (png(), "png"),
        (JPG, "jpg"),
    ],
)
def test_taken_whatever_the_name(tmp_path: Path, content: bytes, kind: str) -> None:
    found = attached(put(tmp_path, "scan.bin", content), "proof_of_payment")
    assert (found.kind, found.bytes, found.ours) == (kind, len(content), None)
    assert found.sha256 == hashlib.sha256(content).hexdigest()
    assert found.archive_name(1) == f"proof_of_payment-01-scan.{kind}"


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (b"", "the file is empty"),
        (b"hello", "no PDF, JPG or PNG, whatever its name"),
        (office(), r"but an office document or an archive \(ZIP\)"),
        (b"<!DOCTYPE html><p>%PDF-1.7", "but a web page"),
        (b"  <html>", "but a web page"),
        (b"\xd0\xcf\x11\xe0" + b"%PDF-1.4", "but an old office document"),
        (b"GIF89a....", "but a GIF"),
        (b"MZ\x90", "but a program"),
        (pdf("x")[:-30], "a broken PDF: its end is missing"),
        (pdf("x").replace(b"startxref", b"startxxxx"), "a broken PDF: it has no startxref"),
        (pdf("x").replace(b"xref\n0", b"xxxx\n0"), "its table of contents"),
        (b"%PDF-1.7\n" + b"x" * 500 + b"\nstartxref\n99999\n%%EOF", "its table of contents"),
        (png()[:-12], "a broken PNG: its end is missing"),
        (png()[:30], "a broken PNG"),
        (png().replace(b"IDAT", b"IDAX"), "a broken PNG: a part of it is damaged"),
        (png()[:-20] + b"\xff" + png()[-19:], "a broken PNG: a part of it is damaged"),
        (JPG[:-2], "a broken JPG: its end is missing"),
        (b"\xff\xd8\xff\xe0\x00\x04xx\xff\xd9", "a broken JPG: its picture is missing"),
        (JPG[:300] + b"\xff\xd9", "a broken JPG"),
        (b"\xff\xd8\xffjunk\xff\xd9", "a broken JPG"),
    ],
)
def test_refused_whatever_the_name(tmp_path: Path, content: bytes, match: str) -> None:
    with pytest.raises(AttachmentError, match=match) as caught:
        attached(put(tmp_path, "bukti.pdf", content), "proof_of_payment")
    assert "bukti.pdf" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_every_cut_of_a_file_is_refused(tmp_path: Path) -> None:
    for whole in (pdf("halo"), png(7, 9), JPG):
        for length in range(1, len(whole) - 6, 7):  # the last six bytes of a PDF may go: %%EOF and its line end
            with pytest.raises(AttachmentError):
                attached(put(tmp_path, "cut", whole[:length]), "invoice")


def test_a_picture_without_size(tmp_path: Path) -> None:
    header = struct.pack(">IIBBBBB", 0, 4, 8, 0, 0, 0, 0)
    chunk = struct.pack(">I", 13) + b"IHDR" + header + struct.pack(">I", zlib.crc32(b"IHDR" + header))
    with pytest.raises(AttachmentError, match="a picture without size"):
        attached(put(tmp_path, "x.png", png()[:8] + chunk + png()[33:]), "invoice")


def test_not_a_file(tmp_path: Path) -> None:
    with pytest.raises(AttachmentError, match="no such file"):
        attached(tmp_path / "none.pdf", "invoice")
    os.mkfifo(tmp_path / "pipe.pdf")
    for path in (tmp_path, Path("/dev/zero"), tmp_path / "pipe.pdf"):
        with pytest.raises(AttachmentError, match="no regular file"):
            attached(path, "invoice")


def test_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    big = tmp_path / "big.pdf"
    with big.open("wb") as stream:
        stream.truncate((50 << 20) + 1)
    with pytest.raises(AttachmentError, match="at most 50 MB"):
        attached(big, "invoice")
    monkeypatch.setattr(attachments, "MOST_BYTES", 10)
    with pytest.raises(AttachmentError, match="MB"):
        attached(put(tmp_path, "x.pdf", pdf("x")), "invoice")


@pytest.fixture
def an_ordinary_user() -> Iterator[None]:
    """Root reads everything: while the test runs, it is nobody."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(65534)
    yield
    os.seteuid(before)


def test_unreadable(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    path = put(tmp_path, "x.pdf", pdf("x"))
    path.chmod(0)
    request.getfixturevalue("an_ordinary_user")
    with pytest.raises(AttachmentError, match="cannot be read"):
        attached(path, "invoice")


@pytest.mark.parametrize(
    ("name", "archived"),
    [
        ("../../etc/passwd\x1b[2J.pdf", "invoice-03-passwd_2J.pdf"),
        ("-rf *;$(reboot).pdf", "invoice-03-rf_reboot.pdf"),
        ("ﬁle … é.pdf", "invoice-03-le.pdf"),
        (".pdf", "invoice-03-pdf.pdf"),
        ("日本.pdf", "invoice-03.pdf"),
        ("a" * 200 + ".pdf", f"invoice-03-{'a' * 60}.pdf"),
    ],
)
def test_hostile_names(tmp_path: Path, name: str, archived: str) -> None:
    path = tmp_path / name.rpartition("/")[2]
    path.write_bytes(pdf("x"))
    assert attached(path, "invoice").archive_name(3) == archived


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("role", ["proof_of_payment", "approved_sheet", "decision_sheet", "invoice"])
def test_our_own_papers_by_their_mark(tmp_path: Path, packed: bool, role: str) -> None:
    path = put(tmp_path, "kuitansi.pdf", pdf("Kuitansi", f"{MARK}K-2026-007", packed=packed))
    with pytest.raises(AttachmentError, match=r"kuitansi.pdf: this is a paper that laman printed \(K-2026-007\)"):
        attached(path, role)
    assert attached(path, "submission_sheet", own_paper=True).ours == "K-2026-007"


def test_our_mark_as_pdf_metadata_keeps_text(tmp_path: Path) -> None:
    wide = (MARK + "K-2026-007").encode("utf-16-be")
    for meta in (b"\xfe\xff" + wide, wide.hex().encode(), wide.hex().upper().encode()):
        content = pdf("x", "T" * len(meta)).replace(b"T" * len(meta), meta)
        with pytest.raises(AttachmentError, match=r"this is a paper that laman printed \(K-2026-007\)"):
            attached(put(tmp_path, "x.pdf", content), "proof_of_payment")


def test_our_own_papers_by_their_hash(tmp_path: Path) -> None:
    content = pdf("printed before marks")
    path = put(tmp_path, "x.pdf", content)
    printed = {hashlib.sha256(content).hexdigest()}
    with pytest.raises(AttachmentError, match="it proves nothing: attach the proof that came from outside"):
        attached(path, "proof_of_payment", printed)
    attached(put(tmp_path, "y.pdf", pdf("something else")), "proof_of_payment", printed)


def test_a_scan_counts_whatever_text_was_recognised_on_it(tmp_path: Path) -> None:
    """The page's own (packed) text may name the paper: a scanner that reads printed text puts it there."""
    scan = pdf(f"{MARK}K-2026-007")
    assert attached(put(tmp_path, "scan.pdf", scan), "approved_sheet").ours is None


def test_a_bomb_is_not_blown_up(tmp_path: Path) -> None:
    zeros = zlib.compress(b"\0" * (64 << 20))
    bomb = b"<< /Type /ObjStm /Filter /FlateDecode >>\nstream\n" + zeros + b"\nendstream"
    body = pdf("x")
    content = body.replace(b"%PDF-1.7\n", b"%PDF-1.7\n" + (b"7 0 obj\n" + bomb + b"\nendobj\n") * 3)
    shift = len(content) - len(body)
    where = body.rindex(b"startxref\n") + 10
    old = body[where : body.index(b"\n", where)]
    content = content.replace(b"startxref\n" + old, b"startxref\n%d" % (int(old) + shift))
    assert attached(put(tmp_path, "b.pdf", content), "invoice").kind == "pdf"
