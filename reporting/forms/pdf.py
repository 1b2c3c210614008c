"""A DOCX as a PDF, by LibreOffice without a window: a profile of its own, a time limit, nothing left running."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

from reporting.forms.data import FormError

_LIMIT_SECONDS = 120.0  # a page takes about three seconds with a new profile
_GRACE_SECONDS = 5.0
HOW_TO = "install LibreOffice (Debian: apt install libreoffice-writer), or open the DOCX and print it to PDF"


def pdf_of(docx: bytes, limit: float = _LIMIT_SECONDS, program: str = "soffice") -> bytes:
    """The PDF of a DOCX.

    Raises:
        FormError: there is no LibreOffice, it took longer than `limit` seconds, or it made no PDF.
    """
    found = shutil.which(program)
    if found is None:
        raise FormError(f"no PDF was made: {program} is not installed; {HOW_TO}")
    with tempfile.TemporaryDirectory(prefix="laman-pdf-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        source = folder / "paper.docx"
        source.write_bytes(docx)
        said = _converted(found, source, folder, limit)
        made = folder / "paper.pdf"
        content = made.read_bytes() if made.is_file() else b""
    if not content.startswith(b"%PDF-") or b"%%EOF" not in content[-1024:]:
        raise FormError(f"no PDF was made: LibreOffice said: {' '.join(said.split())[:200] or 'nothing'}; {HOW_TO}")
    return content


def _converted(program: str, source: Path, folder: Path, limit: float) -> str:
    process = subprocess.Popen(
        [
            *(program, f"-env:UserInstallation={(folder / 'profile').as_uri()}", "--headless", "--norestore"),
            *("--nologo", "--convert-to", "pdf:writer_pdf_Export", "--outdir", str(folder), str(source)),
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
        env={**os.environ, "HOME": str(folder), "LC_ALL": "C.UTF-8"},
    )
    try:
        said, _ = process.communicate(timeout=limit)
    except subprocess.TimeoutExpired:
        raise FormError(f"no PDF was made: LibreOffice took more than {limit:g} s; {HOW_TO}") from None
    finally:
        _end_group(process)
    return said


def _end_group(process: subprocess.Popen[str]) -> None:
    """End soffice and the soffice.bin that it started; its session is its process group."""
    for number, patience in ((signal.SIGTERM, _GRACE_SECONDS), (signal.SIGKILL, None)):
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            break  # all gone
        try:
            process.wait(timeout=patience)
        except subprocess.TimeoutExpired:
            continue
    process.wait()
    if process.stdout is not None:
        process.stdout.close()
