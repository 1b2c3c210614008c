"""The workbook into a folder or share: whole or not there, nothing overwritten, nothing twice, nothing made up."""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from reporting.cli.common import opened
from reporting.cli.report_folder import Parcel, put, unmounted
from reporting.unit import read_inventory
from tests.integration.agency import Agency
from tests.integration.test_renewal import good
from tests.integration.test_report_mail import PEOPLE, events

SEND = ("report", "--send", "--period", "2026-10")
NAME = "laman-uji-2026-10"


@pytest.fixture
def share(tmp_path: Path) -> Path:
    folder = tmp_path / "share"
    folder.mkdir()
    return folder


@pytest.fixture
def agency(tmp_path: Path, share: Path) -> Agency:
    unit = {"officers": PEOPLE, "schedule": [], "delivery": {"folder": str(share)}}
    return Agency(tmp_path, {"laman": {}}, unit).write()


@contextmanager
def mounted(folder: Path, options: str) -> Iterator[None]:
    """A small file system of its own."""
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], capture_output=True)
    if done.returncode != 0:
        reason = f"nothing can be mounted here: {done.stderr.decode().strip()}"
        pytest.fail(reason) if os.environ.get("CI") == "true" else pytest.skip(reason)
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def refused(agency: Agency, *words: str) -> str:
    done = agency.laman(*SEND, *words)
    assert done.returncode == 1, done.stdout
    (line,) = done.stderr.strip().splitlines()
    assert line.startswith("laman: NOT put into the folder: ")
    return line


def test_put_there_once(agency: Agency, share: Path) -> None:
    out = good(agency.laman(*SEND))
    assert f"{share / NAME}.xlsx: written and read back" in out
    (path,) = share.iterdir()
    assert path.read_bytes() == (agency.folder / f"{NAME}.xlsx").read_bytes()
    assert path.stat().st_mode & 0o777 == 0o644
    (event,) = events(agency, "report.delivered")
    assert (event["folder"], event["file"]) == (str(share), f"{NAME}.xlsx")
    assert event["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert "not put there again: " in good(agency.laman(*SEND))
    assert list(share.iterdir()) == [path]
    good(agency.laman(*SEND, "--again"))
    assert sorted(p.name for p in share.iterdir()) == [f"{NAME}-2.xlsx", f"{NAME}.xlsx"]


def test_what_is_there_stays(agency: Agency, share: Path) -> None:
    """Signed, filled in, or somebody else's: another name is taken, be it a broken link that has the first."""
    (share / f"{NAME}.xlsx").write_bytes(b"ditandatangani")
    (share / f"{NAME}-2.xlsx").symlink_to("/nowhere")
    assert f"{share / NAME}-3.xlsx: written" in good(agency.laman(*SEND))
    assert (share / f"{NAME}.xlsx").read_bytes() == b"ditandatangani"


def test_a_share_that_is_not_there(agency: Agency, share: Path) -> None:
    share.rmdir()
    assert f"{share}: no such folder: is the share mounted? laman does not make it" in refused(agency)
    assert not share.exists()
    assert events(agency, "report.delivered") == []
    share.write_text("a file")
    assert "no such folder" in refused(agency)
    share.unlink()
    share.mkdir()
    good(agency.laman(*SEND))


def test_full_and_read_only(agency: Agency, share: Path) -> None:
    with mounted(share, "size=16k"):
        assert f"{share} is full; nothing was put there" in refused(agency)
        assert list(share.iterdir()) == []
    with mounted(share, "ro"):
        assert f"{share} is read-only; nothing was put there" in refused(agency)
    assert events(agency, "report.delivered") == []
    with mounted(share, "size=4m"):
        good(agency.laman(*SEND))
        assert [p.name for p in share.iterdir()] == [f"{NAME}.xlsx"]


def test_mail_and_folder_fail_apart(agency: Agency, share: Path) -> None:
    """One of two ways is no success, and no loss."""
    agency.unit["delivery"] = {"folder": str(share), "report_to": ["siti"]}
    agency.unit["mail"] = {"host": "localhost", "port": 1, "sender": "laman@kantor.example"}
    agency.write()
    done = agency.laman(*SEND, "--wait", "0")
    assert (done.returncode, "written and read back" in done.stdout) == (1, True)
    assert "NOT sent to siti: mail server localhost:1: nobody answers there" in done.stderr
    assert len(events(agency, "report.delivered")) == len(events(agency, "mail.failed")) == 1


def test_what_is_read_back_otherwise_never_gets_the_name(
    agency: Agency, share: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from reporting.cli import report_folder
    from reporting.cli.common import Refused

    monkeypatch.setattr(report_folder, "sha256_file", lambda _: ("0" * 64, 3))
    with opened(read_inventory(agency.inventory)) as record, pytest.raises(Refused, match="is not what was written"):
        put(record, share, Parcel("2026-10", b"abc", "0" * 64), again=False)
    assert list(share.iterdir()) == []
    assert events(agency, "report.delivered") == []


def test_a_mount_point_without_its_share(tmp_path: Path) -> None:
    """The empty folder under an unmounted share would take the file, and nobody would find it there."""
    fstab = tmp_path / "fstab"
    (tmp_path / "my share" / "laporan").mkdir(parents=True)
    lines = ["# //old /mnt/old cifs", "/dev/sda1 / ext4 defaults 0 1", "tmpfs /proc proc 0 0", "broken"]
    escaped = str(tmp_path / "my share").replace(" ", "\\040")
    fstab.write_text("\n".join([*lines, f"//server/bagi {escaped} cifs credentials=/root/.smb 0 0"]))
    assert unmounted(tmp_path / "my share" / "laporan", fstab) == tmp_path / "my share"
    assert unmounted(tmp_path / "elsewhere", fstab) is None
    assert unmounted(Path("/proc/1"), fstab) is None  # mounted
    assert unmounted(tmp_path / "my share", tmp_path / "no fstab") is None
