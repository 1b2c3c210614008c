"""What is printed when a command is refused can be copied into a shell, and said on any terminal."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from reporting.cli.main import typable


@pytest.mark.parametrize(
    ("line", "printed"),
    [
        ("first laman ticket resume T-1", "first laman -i '/srv/a b' ticket resume T-1"),
        ("(see: laman deviation list)", "(see: laman -i '/srv/a b' deviation list)"),
        ("see: laman review, laman status", "see: laman -i '/srv/a b' review, laman -i '/srv/a b' status"),
        ("laman -i x ticket list; laman 1.2; laman checks", "laman -i x ticket list; laman 1.2; laman checks"),
        (
            "/opt/laman check; kelola-laman check; laman due-date",
            "/opt/laman check; kelola-laman check; laman due-date",
        ),
    ],
)
def test_commands_in_refusals_name_the_inventory(line: str, printed: str) -> None:
    assert typable(line, "/srv/a b") == printed
    assert typable(printed, "/srv/a b") == printed, "never twice"
    assert typable(line, None) == line


def test_a_terminal_that_knows_only_ascii_is_no_traceback(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "reporting.cli.main", "-i", str(tmp_path / "kantor\u2026"), "ticket", "list"],
        capture_output=True, text=True, check=False, env={**os.environ, "PYTHONIOENCODING": "ascii"},
    )  # fmt: skip
    assert done.returncode == 1
    assert "\\u2026" in done.stderr
    assert "Traceback" not in done.stderr

    told = subprocess.run(
        [sys.executable, "-m", "reporting.cli.main", "--help"],
        capture_output=True, text=True, check=False, env={**os.environ, "PYTHONIOENCODING": "ascii"},
    )  # fmt: skip
    assert (told.returncode, "\\u2026" in told.stdout) == (0, True)
