"""The demo's papers: PDF files of one page, so that a renewal has something to attach. Standard library only."""

from __future__ import annotations

from pathlib import Path

_LINE = 18  # points between two lines
_TOP = 780  # points from the bottom of an A4 page


def write(path: Path, lines: list[str]) -> None:
    """Write `lines` (ASCII) onto one A4 page."""
    shown = "".join(f"({_escaped(line)}) Tj 0 -{_LINE} Td " for line in lines)
    page = f"BT /F1 12 Tf 72 {_TOP} Td {shown}ET".encode("ascii")
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R "
        b"/Resources << /Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(page), page),
    ]
    out, offsets = bytearray(b"%PDF-1.4\n"), []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    where = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    out += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, where)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(out)


def _escaped(line: str) -> str:
    return line.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")
