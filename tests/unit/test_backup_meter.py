"""Progress on standard error: how far, how fast, how long still; and silence where it is not wanted."""

from __future__ import annotations

import pytest

from reporting.cli.backup_known import Meter, size


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_speed_and_time_left_are_told_now_and_then(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    meter = Meter(1_000_000_000, clock=clock)
    meter.name("20261122T0100\x1b[31m")
    clock.now += 5
    meter(250_000_000)  # too soon for a line where nobody watches
    assert capsys.readouterr().err == ""
    clock.now += 5
    meter(250_000_000)
    line = capsys.readouterr().err
    assert "50 %, 500.0 MB of 1.0 GB, 50 MB/s, 0:10 left" in line
    assert "\x1b" not in line
    assert meter.end() == "500.0 MB in 10.0 s, 50 MB/s"


def test_json_has_no_progress_beside_it(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    meter = Meter(10, quiet=True, clock=clock)
    clock.now += 100
    meter(5)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0 B"), (999, "999 B"), (1500, "1.5 kB"), (4_700_000_000, "4.7 GB"), (2.5e12, "2.50 TB")]
)
def test_sizes_as_disks_are_sold(number: float, text: str) -> None:
    assert size(number) == text
