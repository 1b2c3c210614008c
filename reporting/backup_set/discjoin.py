"""Discs joined to the set they were cut from: images, drives or copied folders; damaged ones repaired by their par2.

A disc that is missing is named before anything is written; what comes out is the set, its SHA256SUMS fulfilled.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from reporting.backup_set import disctools as tools
from reporting.backup_set import manifest as m
from reporting.backup_set.agefiles import ENDING, decrypt_set
from reporting.backup_set.catalog import SET_NAME, SITE_NAME
from reporting.backup_set.discmake import DISC, DiscPapers
from reporting.text import harmless

_READ = 4 << 20
_MAX_PAPERS = 16 << 20

Say = Callable[[str], None]


@dataclass
class _Disc:
    """A disc that was read: its papers, the folder that its files are in now."""

    source: str
    papers: DiscPapers
    folder: Path
    repaired: bool = False
    bad: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Joined:
    """The set that came out, and which discs had to be repaired (volume ids)."""

    folder: Path
    set: str
    site: str
    repaired: list[str]
    encrypted: bool = False  # still


def join(sources: Sequence[str], target: Path, say: Say, identity: Path | None = None) -> Joined:
    """Put a set together below `target`, as a new folder with the set's name.

    Args:
        sources: images, drives (/dev/sr0), or folders with a disc's content.
        target: an existing folder; needs room for the set and one disc more.
        say: called with a line for people at each step.
        identity: file with the private age key, for discs that are encrypted; without it they stay so (`*.age`).

    Raises:
        DiscError: a disc is missing (named), of another set, or damaged beyond repair; the set is there already.
        OSError: the target is full.
    """
    tools.need("xorriso")
    work = Path(tempfile.mkdtemp(prefix=".laman-join-", dir=target))
    try:
        discs = {disc.papers.number: disc for disc in (_read(source, work / str(n), say) for n, source in
                                                       enumerate(sources))}  # fmt: skip
        papers = _agree(list(discs.values()))
        if not SET_NAME.fullmatch(papers.set) or not SITE_NAME.fullmatch(papers.site):
            raise tools.DiscError(f"{DISC}: {harmless(papers.set, 80)!r} of {harmless(papers.site, 80)!r} names no set")
        locked = papers.encrypted and identity is None
        done = target / (papers.set + (ENDING if locked else ""))
        if done.exists():
            raise tools.DiscError(f"{done} is there already: choose another folder")
        beside = work / "set"
        _assemble(discs, papers, beside)
        if papers.encrypted and identity is not None:
            decrypt_set(beside, work / "opened", identity)
            beside = work / "opened"
        beside.rename(done)
    finally:
        shutil.rmtree(work)
    repaired = [papers.volumes[n - 1] for n, disc in discs.items() if disc.repaired]
    return Joined(done, papers.set, papers.site, repaired, locked)


def _read(source: str, folder: Path, say: Say) -> _Disc:
    """One disc's files, whole: as they are where they are whole, else through par2."""
    path = Path(source)
    if path.is_dir():
        read = path
    else:
        read = folder
        if not tools.extract(tools.address(source), folder):
            say(f"{source}: its directory cannot be read")
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
    disc = _look(source, read)
    if disc is not None and not disc.bad:
        say(f"{source}: disc {disc.papers.number} of {len(disc.papers.volumes)}, whole")
        return disc
    say(f"{source}: damaged ({', '.join(disc.bad[:3]) if disc else 'no papers'}): repairing with its par2 data")
    return _repair(source, read, folder)


def _look(source: str, folder: Path) -> _Disc | None:
    try:
        content = (folder / DISC).read_bytes()[: _MAX_PAPERS + 1]
        disc = _Disc(source, DiscPapers.model_validate_json(content), folder)
    except (OSError, ValidationError):
        return None
    for piece in disc.papers.pieces:
        if piece.disc == disc.papers.number and _digest(folder / "set" / piece.name) != piece.sha256:
            disc.bad.append(piece.name)
    return disc


def _repair(source: str, read: Path, folder: Path) -> _Disc:
    tools.need("par2")
    path = Path(source)
    mended = folder.with_name(folder.name + "-mended")
    mended.mkdir()
    if path.is_dir():
        whole = tools.recover_folder(read, mended)
    elif path.is_file():
        whole = tools.recover(path, mended)
    else:
        advice = f"copy the disc into a file (ddrescue {source} disc.iso disc.map) and give that file"
        raise tools.DiscError(f"{source}: damaged: {advice}")
    disc = _look(source, mended) if whole else None
    if disc is None or disc.bad:
        raise tools.DiscError(f"{source}: damaged beyond what its recovery data can bring back: use another copy")
    shutil.rmtree(folder, ignore_errors=True)
    disc.repaired = True
    return disc


def _agree(discs: Sequence[_Disc]) -> DiscPapers:
    """All discs of one set must be there.

    Raises:
        DiscError: naming those that are not, or that belong to another set.
    """
    first = discs[0].papers
    for disc in discs:
        if (disc.papers.set, disc.papers.volumes) != (first.set, first.volumes):
            raise tools.DiscError(f"{disc.source} belongs to set {harmless(disc.papers.set, 80)}, not to {first.set}")
    there = {disc.papers.number for disc in discs}
    missing = [f"{n} ({volume})" for n, volume in enumerate(first.volumes, 1) if n not in there]
    if missing:
        raise tools.DiscError(
            f"set {first.set} has {len(first.volumes)} discs; missing: disc {', disc '.join(missing)}"
        )
    return first


def _assemble(discs: dict[int, _Disc], papers: DiscPapers, target: Path) -> None:
    target.mkdir(mode=0o700)
    any_disc = discs[papers.number].folder / "set"
    for name in (m.NAME, m.SUMS, m.HOWTO):
        if name == m.SUMS or (any_disc / name).is_file():  # of an encrypted set the others are no papers
            shutil.copyfile(any_disc / name, target / name)
    for piece in sorted(papers.pieces, key=lambda p: (p.file, p.offset)):
        if "/" in piece.file + piece.name or piece.file.startswith("."):
            raise tools.DiscError(f"{DISC}: {harmless(piece.file, 80)!r} is no file name of a set")
        with (
            (target / piece.file).open("ab") as out,
            (discs[piece.disc].folder / "set" / piece.name).open("rb") as part,
        ):
            if out.tell() != piece.offset:
                raise tools.DiscError(f"{piece.file}: the piece at byte {piece.offset} does not follow the one before")
            shutil.copyfileobj(part, out, _READ)
    for line in (target / m.SUMS).read_text(encoding="utf-8").splitlines():
        digest, _, name = line.partition("  ")
        if "/" in name or _digest(target / name) != digest:
            raise tools.DiscError(f"{harmless(name, 100)}: joined, but its SHA-256 is not the one in {m.SUMS}")


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError:
        return ""


__all__ = ["Joined", "join"]
