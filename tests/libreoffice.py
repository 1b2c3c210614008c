"""LibreOffice for tests: opens a workbook, recalculates every formula whatever is cached, saves or prints it.

Needs the Debian packages libreoffice-calc and poppler-utils (fonts-crosextra-carlito for pages that look like Excel's).
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

_ALWAYS_RECALCULATE = """<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry">
<item oor:path="/org.openoffice.Office.Calc/Formula/Load">
<prop oor:name="OOXMLRecalcMode" oor:op="fuse"><value>0</value></prop></item>
</oor:items>
"""
_LIMIT = 180  # seconds; a conversion takes about two, ten thousand rows about fifteen


def needs_libreoffice(*tools: str) -> None:
    """Skip on a laptop without it, with the reason; fail in CI, where `make test` has installed it."""
    missing = [tool for tool in ("soffice", *tools) if shutil.which(tool) is None]
    if not missing:
        return
    reason = f"{', '.join(missing)} not found: apt-get install libreoffice-calc poppler-utils"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def needs_writer(*tools: str) -> None:
    """Like `needs_libreoffice`, for papers: the part of it that reads DOCX is a package of its own."""
    needs_libreoffice(*tools)
    program = Path(shutil.which("soffice") or "").resolve().parent
    if (program / "libswlo.so").exists():
        return
    reason = "LibreOffice without Writer: apt-get install libreoffice-writer fonts-liberation"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def converted(workbook: Path, folder: Path, form: str) -> Path:
    """Convert a workbook (`form`: "xlsx" or "pdf") into `folder`, with a profile of its own."""
    profile = folder / "profile"
    (profile / "user").mkdir(parents=True, exist_ok=True)
    (profile / "user" / "registrymodifications.xcu").write_text(_ALWAYS_RECALCULATE, encoding="utf-8")
    kind = "xlsx:Calc MS Excel 2007 XML" if form == "xlsx" else form
    done = subprocess.run(
        [
            *("soffice", f"-env:UserInstallation={profile.as_uri()}", "--headless", "--norestore"),
            *("--convert-to", kind, "--outdir", str(folder), str(workbook)),
        ],
        capture_output=True,
        text=True,
        timeout=_LIMIT,
        check=False,
    )
    made = folder / f"{workbook.stem}.{form}"
    assert made.exists(), f"LibreOffice made no {made.name}: {done.stdout} {done.stderr}"
    return made


def recalculated(workbook: Path, folder: Path) -> Path:
    """The workbook as LibreOffice saves it after it has computed every formula anew."""
    folder.mkdir(parents=True, exist_ok=True)
    return converted(workbook, folder, "xlsx")
