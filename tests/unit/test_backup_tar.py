"""The one-pass tar reader: truncations and members that ordinary tools take without a word."""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from reporting.backup_set.tarstream import Member, TarError, TarReader, checksum_line


def read(data: bytes, step: int = 10_000) -> tuple[list[Member], TarReader]:
    members: list[Member] = []
    reader = TarReader(members.append)
    for start in range(0, len(data), step):
        reader.feed(data[start : start + step])
    reader.close()
    return members, reader


def made(*entries: tuple[str, bytes | None, dict[str, object]], form: int = tarfile.GNU_FORMAT) -> bytes:
    """A tar with the given members; content None makes a directory unless the attributes say otherwise."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form, errors="surrogateescape") as archive:
        for name, content, attributes in entries:
            info = tarfile.TarInfo(name)
            info.type = tarfile.DIRTYPE if content is None else tarfile.REGTYPE
            info.size = len(content or b"")
            for key, value in attributes.items():
                setattr(info, key, value)
            archive.addfile(info, io.BytesIO(content or b"") if content is not None else None)
    return out.getvalue()


@pytest.fixture
def site(tmp_path: Path) -> Path:
    folder = tmp_path / "site"
    (folder / "sub" / ("long-" * 30)).mkdir(parents=True)
    (folder / "a").write_bytes(b"x" * 512)
    (folder / "empty").touch()
    (folder / "sub" / ("long-" * 30) / ("name-" * 30)).write_bytes(os.urandom(100_001))
    (folder / "-starts-with-a-dash").write_text("x")
    os.link(folder / "a", folder / "hard")
    (folder / "soft").symlink_to("../outside")
    for name in (b"new\nline", b"back\\slash", b"caf\xe9-latin1", "titik-é".encode(), b"esc\x1b[31m", b"cr\rx"):
        Path(os.fsdecode(os.fsencode(folder) + b"/" + name)).write_bytes(name)
    return folder


def tar_argv(program: str, form: str, site: Path) -> list[str]:
    words = {"tar": ["tar"], "busybox": ["busybox", "tar"]}[program]
    return [*words, *([f"--format={form}"] if form else []), "-cf", "-", "-C", str(site.parent), "site"]


@pytest.mark.parametrize(("program", "form"), [("tar", "gnu"), ("tar", "posix"), ("busybox", "")])
@pytest.mark.parametrize("step", [1 << 20, 511])
def test_every_file_of_a_real_tar_is_hashed(site: Path, program: str, form: str, step: int, tmp_path: Path) -> None:
    if not shutil.which(program):
        if os.environ.get("CI") == "true":
            pytest.fail(f"{program} is not installed")
        pytest.skip(f"{program} is not installed")
    data = subprocess.run(tar_argv(program, form, site), capture_output=True, check=True).stdout
    members, reader = read(data, step)
    wanted = {}
    for folder, _, names in os.walk(os.fsencode(site)):
        for name in names:
            path = Path(os.fsdecode(folder + b"/" + name))
            if not path.is_symlink():
                wanted[os.fsencode(path.relative_to(tmp_path))] = hashlib.sha256(path.read_bytes()).hexdigest()
    assert {m.name: m.sha256 for m in members if m.sha256} == wanted
    assert reader.counts.files == len(wanted)
    assert reader.counts.directories == 3
    assert reader.counts.links == 1
    listing = tmp_path / "list"
    listing.write_bytes(b"".join(checksum_line(m) for m in members if m.sha256))
    done = subprocess.run(["sha256sum", "--quiet", "--strict", "-c", listing], cwd=tmp_path, capture_output=True)
    assert (done.returncode, done.stdout) == (0, b"")


def test_size_of_a_reading_step_does_not_matter(site: Path) -> None:
    data = subprocess.run(tar_argv("tar", "gnu", site), capture_output=True, check=True).stdout
    assert len({read(data, step)[1].members_digest for step in (1, 7, 512, 4096, 1 << 24)}) == 1


def test_a_cut_anywhere_is_refused_also_between_two_members() -> None:
    data = made(("t", None, {}), ("t/a", b"1" * 700, {}), ("t/b", b"2", {}))
    whole = len(data.rstrip(b"\0")) // 512 * 512 + 512 + 1024  # members and the two end blocks
    read(data[:whole])
    with tarfile.open(fileobj=io.BytesIO(data[: 512 + 512 + 1024])) as archive:
        assert archive.getnames() == ["t", "t/a"]  # Python's reader is content with a cut at a member's boundary
    for length in range(whole - 1):
        with pytest.raises(TarError):
            read(data[:length], 512)


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ([("/etc/passwd", b"x", {})], "plain paths"),
        ([("t", None, {}), ("t/../../x", b"x", {})], "plain paths"),
        ([("./t", None, {})], "plain paths"),
        ([("t/./x", b"x", {})], "plain paths"),
        ([("t//x", b"x", {})], "plain paths"),
        ([("t", None, {}), ("other/x", b"x", {})], "outside of the tree"),
        ([("t", None, {}), ("t/x", b"1", {}), ("t/x", b"2", {})], "comes twice"),
        (
            [("t", None, {}), ("t/l", None, {"type": tarfile.SYMTYPE, "linkname": "/etc"}), ("t/l/x", b"x", {})],
            "behind a symbolic link",
        ),
        ([("t", None, {}), ("t/h", None, {"type": tarfile.LNKTYPE, "linkname": "/etc/shadow"})], "did not come before"),
        ([("t", None, {}), ("t/s", None, {"type": tarfile.GNUTYPE_SPARSE})], "unknown type"),
        ([("t", None, {}), ("t/s", None, {"type": b"Q"})], "unknown type"),
    ],
)
def test_hostile_members_are_refused(entries: list[tuple[str, bytes | None, dict[str, object]]], message: str) -> None:
    with pytest.raises(TarError, match=message):
        read(made(*entries))


def test_a_symlink_out_of_the_tree_is_kept_as_a_link() -> None:
    members, _ = read(made(("t", None, {}), ("t/l", None, {"type": tarfile.SYMTYPE, "linkname": "/etc/passwd"})))
    assert members[-1].kind == "symlink"
    assert members[-1].target == b"/etc/passwd"


def _flip(position: int) -> Callable[[bytes], bytes]:
    return lambda data: data[:position] + bytes([data[position] ^ 1]) + data[position + 1 :]


@pytest.mark.parametrize(
    "damage",
    [
        _flip(0),
        _flip(100),
        _flip(130),
        lambda data: data + b"x" * 512,
        lambda data: data + b"\0",
        lambda data: data[:1024] + b"\0" * 512 + data[1024:],
        lambda data: b"<html>" + data,
        lambda _data: b"",
        lambda _data: b"Selamat datang\n",
    ],
)
def test_damage_is_refused(damage: Callable[[bytes], bytes]) -> None:
    data = made(("t", None, {}), ("t/a", b"1" * 700, {}))
    with pytest.raises(TarError):
        read(damage(data))


def test_pax_header_without_end_is_refused() -> None:
    data = bytearray(made(("t/" + "x" * 300, b"1", {}), form=tarfile.PAX_FORMAT))
    data[512:515] = b"999"
    with pytest.raises(TarError, match="pax"):
        read(bytes(data))


def test_absurd_long_name_is_refused_before_it_fills_memory() -> None:
    info = tarfile.TarInfo("././@LongLink")
    info.type, info.size = tarfile.GNUTYPE_LONGNAME, 1 << 33
    with pytest.raises(TarError, match="no tar writes that"):
        read(info.tobuf(tarfile.GNU_FORMAT))


def test_members_digest_sees_content_mode_and_name() -> None:
    plain = read(made(("t", None, {}), ("t/a", b"1", {"mode": 0o644})))[1].members_digest
    assert plain != read(made(("t", None, {}), ("t/a", b"2", {"mode": 0o644})))[1].members_digest
    assert plain != read(made(("t", None, {}), ("t/a", b"1", {"mode": 0o600})))[1].members_digest
    assert plain != read(made(("t", None, {}), ("t/b", b"1", {"mode": 0o644})))[1].members_digest
