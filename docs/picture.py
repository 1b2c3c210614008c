"""A picture of a workbook's first page for the README: LibreOffice prints it, poppler draws it.

    python docs/picture.py WORKBOOK.xlsx docs/workbook.png

Needs the Debian packages libreoffice-calc, poppler-utils and, for letters like Excel's, fonts-crosextra-carlito.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

LIMIT = 200 * 1024  # bytes: a README should open at once
TOOLS = {"soffice": "libreoffice-calc", "pdftoppm": "poppler-utils"}
RESOLUTIONS = (130, 120, 110, 100, 90, 80)  # dots per inch, the first that keeps the limit


def main() -> int:
    """Parse, draw, say where it is; 1 and one line when it cannot be done."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workbook", type=Path)
    parser.add_argument("picture", type=Path)
    options = parser.parse_args()
    missing = [package for tool, package in TOOLS.items() if shutil.which(tool) is None]
    if missing:
        say(f"picture: not installed: {', '.join(missing)} (apt-get install {' '.join(missing)})")
        return 1
    if not options.workbook.is_file():
        say(f"picture: {options.workbook}: no such workbook (make one with: laman report)")
        return 1
    with tempfile.TemporaryDirectory(prefix="laman-picture-") as folder:
        try:
            drawn = draw(options.workbook, Path(folder))
        except (subprocess.SubprocessError, RuntimeError) as error:
            say(f"picture: {error}")
            return 1
        shutil.copyfile(drawn, options.picture)
    sys.stdout.write(f"{options.picture}: {options.picture.stat().st_size} bytes\n")
    return 0


def say(problem: str) -> None:
    """One line about what went wrong."""
    sys.stderr.write(f"{problem}\n")


def draw(workbook: Path, folder: Path) -> Path:
    """The first page as PNG, as large as the limit lets it be.

    Raises:
        RuntimeError: LibreOffice printed nothing, or no resolution keeps the limit.
        subprocess.SubprocessError: a tool failed or hung.
    """
    profile = f"-env:UserInstallation={(folder / 'profile').as_uri()}"  # of its own: a running LibreOffice stays alone
    command = ["soffice", profile, "--headless", "--convert-to", "pdf", "--outdir", str(folder), str(workbook)]
    subprocess.run(command, check=True, capture_output=True, timeout=180)
    paper = folder / f"{workbook.stem}.pdf"
    if not paper.is_file():
        raise RuntimeError(f"LibreOffice printed no page of {workbook}")
    for resolution in RESOLUTIONS:
        page = folder / "page"
        command = ["pdftoppm", "-png", "-singlefile", "-r", str(resolution), str(paper), str(page)]
        subprocess.run(command, check=True, capture_output=True, timeout=60)
        drawn = page.with_suffix(".png")
        if drawn.stat().st_size <= LIMIT:
            return drawn
    raise RuntimeError(f"the page of {workbook} takes more than {LIMIT} bytes at any resolution")


if __name__ == "__main__":
    sys.exit(main())
