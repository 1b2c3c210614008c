"""Listings of hostile trees by the commands themselves, compared with a stored tree; excludes as GNU tar has them."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from reporting.backup_set import listing as ls
from reporting.backup_set.index import decode, encode, key_of_row, settle
from reporting.backup_set.plan import plan
from reporting.backup_set.request import RequestError, TreeRequest, read_request
from reporting.backup_set.tarcommands import names_input, read_messages, unescaped, walk_command, which_tar
from reporting.backup_set.tarstream import Member, TarReader

NAMES = (
    b"new\nline", b"back\\slash", b"caf\xe9-latin1", "titik-é".encode(), b"esc\x1b[31m", b"x" * 255, b"-rf", b" blank ",
    b"q'\"`$(id)", b"%2F", b"\\0000", b"a\n\nb\n", b"tab\t", b"laman-x gnu 1",
)  # fmt: skip
MARK = "laman-0123456789abcdef"


@pytest.fixture
def site(tmp_path: Path) -> Path:
    folder = tmp_path / "site"
    (folder / "sub").mkdir(parents=True)
    for name in NAMES:
        Path(os.fsdecode(os.fsencode(folder) + b"/" + name)).write_bytes(name)
    (folder / "sub" / "x").write_text("x")
    (folder / "sub.txt").write_text("sorts between sub and sub/x for bytes, behind both for a walk")
    (folder / "soft").symlink_to("../outside")
    os.link(folder / "sub" / "x", folder / "hard")
    os.mkfifo(folder / "fifo")
    return folder


def listed(site: Path, path: str | None = None) -> ls.Listing:
    environment = os.environ | ({"PATH": path} if path else {})
    done = subprocess.run(["sh", "-c", ls.listing_command(str(site), MARK)], env=environment, capture_output=True)
    assert done.returncode == 0, done.stderr
    return ls.read_listing([done.stdout], MARK)


@pytest.fixture(params=["gnu", "stat", "busybox"])
def path(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A PATH in which find is GNU's, knows no -printf, or is busybox's with busybox's stat."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("sh", "date", "stat"):
        (programs / name).symlink_to(shutil.which(name) or name)
    real = shutil.which("find")
    if request.param == "gnu":
        (programs / "find").symlink_to(real or "find")
    elif request.param == "stat":
        (programs / "find").write_text(f'#!/bin/sh\ncase "$*" in *-printf*) exit 1;; esac\nexec {real} "$@"\n')
        (programs / "find").chmod(0o755)
    else:
        busybox = shutil.which("busybox")
        if busybox is None:
            (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)("busybox is not installed")
        (programs / "stat").unlink()
        for name in ("find", "stat"):
            (programs / name).symlink_to(str(busybox))
    return str(programs)


def test_every_name_is_listed_by_every_find(site: Path, path: str) -> None:
    listing = listed(site, path)
    found = {ls.name_of(ls.entry(line)[0]): ls.entry(line)[1] for line in listing.lines}
    wanted = {b"site/" + name for name in NAMES}
    wanted |= {b"site", b"site/sub", b"site/sub/x", b"site/sub.txt", b"site/soft", b"site/hard", b"site/fifo"}
    assert set(found) == wanted
    assert (found[b"site/sub"], found[b"site/soft"], found[b"site/fifo"], found[b"site/hard"]) == ("d", "l", "p", "f")
    for line in listing.lines:
        if ls.name_of(ls.entry(line)[0]) == b"site/hard":
            assert ls.links_of(ls.entry(line)[2]) == (str((site / "hard").stat().st_ino).encode(), 2)


def test_the_order_is_that_of_a_walk(site: Path) -> None:
    tar = which_tar("tar (GNU tar) 1.34")
    command = walk_command(TreeRequest(name="laman", path=str(site)), tar)
    seen: list[Member] = []
    reader = TarReader(seen.append)
    reader.feed(subprocess.run(["sh", "-c", command], capture_output=True, check=True).stdout)
    assert [ls.name_of(ls.entry(line)[0]) for line in listed(site).lines] == [member.name for member in seen]


@pytest.mark.parametrize("step", [1, 7, 100, 1 << 20])
def test_pieces_of_any_size_give_the_same(site: Path, path: str, step: int) -> None:
    environment = os.environ | {"PATH": path}
    done = subprocess.run(["sh", "-c", ls.listing_command(str(site), MARK)], env=environment, capture_output=True)
    pieces = [done.stdout[start : start + step] for start in range(0, len(done.stdout), step)]
    assert ls.read_listing(pieces, MARK).lines == ls.read_listing([done.stdout], MARK).lines


def test_a_cut_listing_is_none(site: Path) -> None:
    done = subprocess.run(["sh", "-c", ls.listing_command(str(site), MARK)], capture_output=True)
    for data in (b"", b"Welcome\n", done.stdout[:10], done.stdout[:-1], done.stdout[:-30]):
        with pytest.raises(ls.ListingError):
            ls.read_listing([data], MARK)


def test_a_folder_that_cannot_be_entered_is_named() -> None:
    stderr = "find: './site/tertutup: x': Permission denied\nfind: './site/gone': No such file or directory\n"
    assert ls.listing_problems(stderr, "/srv/site") == [
        (b"site/tertutup: x", "/srv/site: could not be listed: './site/tertutup: x': Permission denied")
    ]


@pytest.mark.parametrize(
    "patterns",
    [
        ["cache"], ["cache/*"], ["*/tmp"], ["*.log"], ["a?c"], ["[a-c]*"], ["[!a-c]*"], ["[]x]"], ["tmp*", "cache/x"],
        ["a\\*c"], ["wp-*/cache"], ["cache/"], ["c*e"], ["*é*"],
    ],
)  # fmt: skip
def test_excludes_are_those_of_gnu_tar(tmp_path: Path, patterns: list[str]) -> None:
    site = tmp_path / "site"
    for name in (
        "cache/x", "cache/y/z", "tmp/a", "sub/tmp/b", "sub/cache/c", "a.log", "sub/b.log", "abc", "a*c", "adc", "b",
        "]", "x", "d", "wp-content/cache/q", "wp-content/x/cache/q", "cacheé/1",
    ):  # fmt: skip
        (site / name).parent.mkdir(parents=True, exist_ok=True)
        (site / name).write_text("x")
    command = walk_command(TreeRequest(name="laman", path=str(site), exclude=patterns), which_tar("tar (GNU tar) 1.34"))
    seen: list[Member] = []
    reader = TarReader(seen.append)
    reader.feed(subprocess.run(["sh", "-c", command], capture_output=True, check=True).stdout)
    left = [ls.name_of(ls.entry(line)[0]) for line in ls.without(listed(site).lines, b"site", patterns)]
    assert left == [member.name for member in seen]


# -- rows and plans


def _rows(lines: list[bytes], listed_at: int = 1 << 40) -> list[bytes]:
    """Rows as if everything in a listing had been stored, in its order."""
    raw = []
    first: dict[bytes, bytes] = {}
    for number, line in enumerate(lines):
        key, kind, stat = ls.entry(line)
        name, size = ls.name_of(key), ls.size_of(stat) if kind == "f" else 0
        linked = first.setdefault(ls.links_of(stat)[0], name) if kind == "f" else name
        what = {"f": "file", "d": "directory", "l": "symlink", "p": "fifo"}[kind]
        if linked != name:
            member = Member(name, "hardlink", 0, 0o644, b"1", linked, "0" * 64)
        else:
            member = Member(name, what, size, 0o644, b"1", b"", "0" * 64 if kind == "f" else "")
        raw.append(encode(member, "r", number << 20, 512 + -(-member.size // 512) * 512))
    return list(settle(lambda: raw, lines, listed_at))


def test_rows_survive_hostile_names(site: Path) -> None:
    lines = listed(site).lines
    rows = _rows(lines)
    assert [key_of_row(row) for row in rows] == [ls.entry(line)[0] for line in lines]
    assert {decode(row).name for row in rows} == {ls.name_of(ls.entry(line)[0]) for line in lines}
    assert [row for row in rows if b"\n" in row.rstrip(b"\n")] == []


def test_an_unchanged_tree_is_taken_over_and_every_change_is_read(site: Path) -> None:
    def touch_again() -> None:
        before = (site / "sub.txt").stat()
        (site / "sub.txt").write_text("SORTS between sub and sub/x for bytes, behind both for a walk")
        os.utime(site / "sub.txt", ns=(before.st_atime_ns, before.st_mtime_ns))

    def folder_for_link() -> None:
        (site / "soft").unlink()
        (site / "soft").mkdir()

    rows = _rows(listed(site).lines)
    todo = plan(listed(site).lines, [rows])
    assert todo.fetched == []
    assert len(todo.carried) == len(rows)
    changes: list[tuple[Callable[[], object], set[bytes]]] = [
        (lambda: (site / "baru").write_text("x"), {b"site", b"site/baru"}),
        (lambda: (site / "sub.txt").chmod(0o600), {b"site/sub.txt"}),
        (touch_again, {b"site/sub.txt"}),  # same size, same mtime: only ctime tells
        (lambda: (site / "hard").write_text("y"), {b"site/hard", b"site/sub/x"}),  # both names of one file
        (folder_for_link, {b"site", b"site/soft"}),
    ]
    for change, wanted in changes:
        rows = _rows(listed(site).lines)
        time.sleep(0.02)
        change()
        assert {ls.name_of(key) for key in plan(listed(site).lines, [rows]).fetched} == wanted


def test_what_was_written_in_the_second_of_the_listing_is_not_relied_on(site: Path) -> None:
    listing = listed(site)
    assert all(decode(row).stat == b"-" for row in _rows(listing.lines, listing.listed_at))
    assert plan(listing.lines, [_rows(listing.lines, listing.listed_at)]).carried == []


def test_the_first_base_is_preferred_and_links_stay_together(site: Path) -> None:
    lines = listed(site).lines
    rows = _rows(lines)
    only = [row for row in rows if decode(row).name in (b"site/sub.txt", b"site/hard")]
    todo = plan(lines, [only, rows])
    chosen = {ls.name_of(key): base for key, base, _ in todo.carried}
    assert chosen[b"site/sub.txt"] == 0
    assert chosen[b"site/soft"] == 1
    assert {ls.name_of(key) for key in todo.fetched} == {b"site/hard", b"site/sub/x"}


def test_late_rows_replace_earlier_ones() -> None:
    def rows() -> Iterator[bytes]:
        for number, name in enumerate((b"t", b"t/a", b"t/b", b"t/c", b"t/a")):
            yield encode(Member(name, "file", 0, 0, b"%d" % number, b"", "0" * 64), "r", number * 512, 512)

    assert [(decode(row).name, decode(row).mtime) for row in settle(rows, [], 0)] == [
        (b"t", b"0"), (b"t/a", b"4"), (b"t/b", b"2"), (b"t/c", b"3")
    ]  # fmt: skip


# -- names to and from tar


@pytest.mark.parametrize("shell", ["sh", "bash", "busybox sh"])
def test_names_reach_tar_as_they_are(shell: str) -> None:
    if not shutil.which(shell.split(maxsplit=1)[0]):
        pytest.skip(f"{shell} is not installed")
    script = 's=$(cat; echo .); printf %b "${s%.}"'
    done = subprocess.run(
        [*shell.split(), "-c", f"LC_ALL=C; {script}"], input=names_input(list(NAMES)), capture_output=True
    )
    assert done.stdout == b"".join(name + b"\0" for name in NAMES)


def test_names_in_messages_are_read_back(tmp_path: Path) -> None:
    if os.geteuid() == 0 and not shutil.which("setpriv"):
        pytest.skip("root reads everything, and setpriv is not installed")
    site = tmp_path / "site"
    site.mkdir()
    tmp_path.chmod(0o755)
    for name in NAMES:
        file = Path(os.fsdecode(os.fsencode(site) + b"/" + name))
        file.write_bytes(b"x")
        file.chmod(0)
    for folder in tmp_path.parents:
        folder.chmod(folder.stat().st_mode | 0o055) if folder.owner() == tmp_path.owner() else None
    prefix = ["setpriv", "--reuid=65534", "--clear-groups"] if os.geteuid() == 0 else []
    command = walk_command(TreeRequest(name="laman", path=str(site)), which_tar("tar (GNU tar) 1.34"))
    done = subprocess.run([*prefix, "sh", "-c", command], capture_output=True)
    messages = read_messages(done.stderr.decode("utf-8", "backslashreplace"), done.returncode, str(site))
    assert {name for name, _ in messages.unreadable} == {b"site/" + name for name in NAMES}
    assert [*messages.others, *messages.changed, *messages.gone] == []


@pytest.mark.parametrize(
    ("line", "kind", "name"),
    [
        ("tar: site/a: file changed as we read it", "changed", b"site/a"),
        ("tar: site/caf\\351: file changed as we read it: file changed as we read it", "changed",
         b"site/caf\xe9: file changed as we read it"),
        ("tar: site/a\\n: File shrank by 17 bytes; padding with zeros", "changed", b"site/a\n"),
        ("tar: site/a: Cannot stat: No such file or directory", "gone", b"site/a"),
        ("tar: site/a: File removed before we read it", "gone", b"site/a"),
    ],
)  # fmt: skip
def test_messages_of_tar(line: str, kind: str, name: bytes) -> None:
    messages = read_messages(line + "\ntar: Exiting with failure status due to previous errors\n", 2, "/s")
    assert getattr(messages, kind) == [name]
    assert [*messages.unreadable, *messages.others] == []


def test_silence_with_an_exit_code_is_a_problem() -> None:
    assert read_messages("", 2, "/s").others == ["/s: tar ended with exit code 2 and said nothing"]
    assert unescaped("a\\\\b\\tc\\040") == b"a\\b\tc "


# -- settings


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"environment": ["tls"]}, "site_backup_domains"),
        ({"environment": ["printer"]}, "environment.0"),
        ({"environment": ["tls"], "domains": ["x; rm -rf /"]}, "domains.0"),
        ({"environment": ["cms"], "trees": [{"name": "lingkungan", "path": "/srv/x"}]}, "'lingkungan'"),
        ({"full_every": 0}, "full_every"),
        ({"trees": [{"name": "a", "path": "/srv/x", "accept": ["../x"]}]}, "exclude or accept"),
    ],
)
def test_settings_that_cannot_be_meant(more: dict[str, object], message: str) -> None:
    with pytest.raises(RequestError, match=message):
        read_request({"site": "web", "execution": "x", "trees": [{"name": "a", "path": "/srv/x"}]} | more)
