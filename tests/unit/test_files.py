"""Files are whole or not there."""

from __future__ import annotations

import os
import resource
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from reporting.files import replace_whole, replacing, sha256_file, whole_file, write_whole


def test_a_file_gets_its_name_only_when_the_block_ends_well(tmp_path: Path) -> None:
    target = tmp_path / "a" / "file"

    def half() -> None:
        with whole_file(target) as stream:
            stream.write(b"half")
            assert not target.exists()
            raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError, match="in the middle"):
        half()
    assert list((tmp_path / "a").iterdir()) == []


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    target = tmp_path / "file"
    digest = write_whole(target, b"first")
    with pytest.raises(FileExistsError):
        write_whole(target, b"second")
    assert target.read_bytes() == b"first"
    assert sha256_file(target) == (digest, 5)
    assert list(tmp_path.iterdir()) == [target]


def test_replacing_is_one_step_and_leaves_nothing_beside(tmp_path: Path) -> None:
    target = tmp_path / "file"
    replace_whole(target, b"first")
    replace_whole(target, b"second")
    assert target.read_bytes() == b"second"
    assert list(tmp_path.iterdir()) == [target]


@contextmanager
def files_end_at_1000_bytes() -> Iterator[None]:
    """A write that fails in its middle, as on a full disk, but without one.

    Around the write alone: pytest's own output may go to a file that is longer.
    """
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


@pytest.mark.parametrize("write", [write_whole, replace_whole])
def test_a_write_that_fails_leaves_nothing(tmp_path: Path, write: Callable[[Path, bytes], object]) -> None:
    with pytest.raises(OSError, match="too large"), files_end_at_1000_bytes():
        write(tmp_path / "file", b"x" * 5_000)
    assert list(tmp_path.iterdir()) == []


def test_a_name_that_cannot_be_is_an_error_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="File name too long"):
        write_whole(tmp_path / ("x" * 300), b"content")
    assert list(tmp_path.iterdir()) == []


def test_a_replacement_waits_for_the_block_and_keeps_the_old_file_when_it_fails(tmp_path: Path) -> None:
    target = tmp_path / "file"
    replace_whole(target, b"old")

    def fails() -> None:
        with replacing(target, b"new"):
            assert target.read_bytes() == b"old"
            raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError, match="in the middle"):
        fails()
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_fifo_in_the_place_of_a_file_holds_nobody(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(OSError, match="not a regular file"):
        sha256_file(tmp_path / "fifo")
