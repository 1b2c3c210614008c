"""Discs of a set: pieces staged, hashed, given recovery data, made into an image, and read back from it.

On a disc: `set/` with the set's own papers and the pieces, DISC.json, SHA256SUMS, CARA-PULIHKAN.txt, PULIHKAN*.par2.
One disc after another is staged, so that room for all images and one disc more is enough.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from reporting.backup_set import discs as d
from reporting.backup_set import disctools as tools
from reporting.backup_set import manifest as m
from reporting.backup_set.agefiles import read_sums
from reporting.backup_set.disctext import PAR2, how_to_join
from reporting.files import sync_folder

DISC = "DISC.json"
_READ = 4 << 20
_PAPERS = (m.NAME, m.SUMS, m.HOWTO)

Progress = Callable[[int], None]


class DiscPiece(BaseModel):
    """A piece as DISC.json has it. `sha256` is known for the pieces of the disc itself."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    disc: int
    file: str
    name: str
    offset: int
    bytes: int
    sha256: str | None = None


class DiscPapers(BaseModel):
    """DISC.json: which disc of which set this is, and where every byte of the set is. Sizes in bytes."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    format: str = "laman-backup-disc"
    version: int = 1
    set: str
    site: str
    number: int
    volumes: list[str]
    par2_percent: float
    encrypted: bool = False  # to age recipients: `set/` then holds *.age
    pieces: list[DiscPiece]


@dataclass(frozen=True)
class Made:
    """A disc's image, read back: what to compare a burnt disc with. `files`: SHA-256 by name on the disc."""

    number: int
    volume: str
    image: Path
    bytes: int
    sha256: str
    files: dict[str, str]


@dataclass(frozen=True)
class Layout:
    """What goes where: pieces per disc, volume ids, the set's files with their SHA-256."""

    folder: Path
    set: str
    site: str
    size: int
    percent: float
    discs: list[list[d.Piece]]
    volumes: list[str]
    sums: dict[str, str]
    encrypted: bool = False

    @property
    def papers(self) -> list[str]:
        """Papers that every disc carries; of an encrypted set only its SHA256SUMS is readable."""
        return [name for name in _PAPERS if name in self.sums or name == m.SUMS]

    @property
    def total_bytes(self) -> int:
        """Bytes of all pieces."""
        return sum(piece.size for disc in self.discs for piece in disc)


def lay_out(folder: Path, site: str, size: int, percent: float, encrypted: bool = False) -> Layout:
    """Cut a set, as it lies on its medium, to discs. `encrypted`: the folder is what `agefiles` made of one.

    Raises:
        CutError: it cannot be cut so. DiscError: the set is not whole. OSError: it cannot be read.
    """
    sums = read_sums(folder)
    sizes = {name: (folder / name).stat().st_size for name in sums}
    papers = sum(sizes[name] for name in _PAPERS if name in sizes) + (folder / m.SUMS).stat().st_size
    rest = {name: length for name, length in sizes.items() if name not in _PAPERS}
    own = (64 << 10) + 1024 * len(rest) + 512 * (sum(rest.values()) // size + 1)  # DISC.json, SHA256SUMS, how to join
    discs = d.cut(rest, papers + own, size, percent)
    volumes = [d.volume_id(site, folder.name, number) for number in range(1, len(discs) + 1)]
    return Layout(folder, folder.name, site, size, percent, discs, volumes, sums, encrypted)


def check_room(layout: Layout, target: Path) -> None:
    """All images and one disc more must fit into the target folder.

    Raises:
        DiscError: they do not, or an image is there already.
    """
    for volume in layout.volumes:
        if (target / f"{volume}.iso").exists():
            raise tools.DiscError(f"{target / f'{volume}.iso'} is there already: choose another folder, or remove it")
    share = 1 + layout.percent / 100
    needed = (
        int(layout.total_bytes * share * 1.02) + min(layout.size, layout.total_bytes * 2) + (len(layout.discs) << 21)
    )
    space = os.statvfs(target)
    if space.f_bavail * space.f_frsize < needed:
        free = space.f_bavail * space.f_frsize
        raise tools.DiscError(f"{target} has {free / 1e9:.2f} GB free, {needed / 1e9:.2f} GB are needed for the images")


def make_discs(layout: Layout, target: Path, progress: Progress | None = None) -> Iterator[Made]:
    """Make the images one after another, each read back and compared before it is given out.

    Raises:
        DiscError: the set is damaged, a program failed, an image does not give back what was put in. OSError: disk.
    """
    tools.need("xorriso", "par2")
    whole = {name: hashlib.sha256() for name in layout.sums}
    for number in range(1, len(layout.discs) + 1):
        image = target / f"{layout.volumes[number - 1]}.iso"
        with _stage(target, image.stem) as stage:
            files = _fill(layout, number, stage, whole, progress)
            beside = image.with_name(f".{image.name}.part")
            try:
                made = _image(layout, number, stage, files, beside)
                beside.rename(image)
            finally:
                beside.unlink(missing_ok=True)
        sync_folder(target)
        yield replace(made, image=image)


@contextmanager
def _stage(target: Path, name: str) -> Iterator[Path]:
    stage = target / f".{name}.stage"
    if stage.exists():
        shutil.rmtree(stage)  # of a run that was killed
    (stage / "set").mkdir(parents=True)
    try:
        yield stage
    finally:
        shutil.rmtree(stage)


def _fill(
    layout: Layout, number: int, stage: Path, whole: Mapping[str, hashlib._Hash], progress: Progress | None
) -> dict[str, str]:
    """Everything of one disc but its recovery data; SHA-256 by name on the disc."""
    files: dict[str, str] = {}
    for piece in layout.discs[number - 1]:
        files[f"set/{piece.name}"] = _copy(layout.folder, piece, stage / "set", whole[piece.file], progress)
        ends = piece.offset + piece.size == (layout.folder / piece.file).stat().st_size
        if ends and whole[piece.file].hexdigest() != layout.sums[piece.file]:
            raise tools.DiscError(f"{layout.folder / piece.file} is damaged: verify the set; export a whole one")
    for name in layout.papers:
        content = (layout.folder / name).read_bytes()
        if name != m.SUMS and hashlib.sha256(content).hexdigest() != layout.sums.get(name):
            raise tools.DiscError(f"{layout.folder / name} is damaged: verify the set; export a whole one")
        files[f"set/{name}"] = _write(stage / "set" / name, content)
    papers = _papers(layout, number, files)
    files[DISC] = _write(stage / DISC, (papers.model_dump_json(indent=1) + "\n").encode())
    text = how_to_join(layout.set, layout.volumes, layout.discs, layout.encrypted)
    files[m.HOWTO] = _write(stage / m.HOWTO, text.encode())
    return files


def _papers(layout: Layout, number: int, files: Mapping[str, str]) -> DiscPapers:
    pieces = [
        DiscPiece(
            disc=at, file=p.file, name=p.name, offset=p.offset, bytes=p.size,
            sha256=files[f"set/{p.name}"] if at == number else None,
        )
        for at, disc in enumerate(layout.discs, 1)
        for p in disc
    ]  # fmt: skip
    return DiscPapers(
        set=layout.set, site=layout.site, number=number, volumes=layout.volumes, par2_percent=layout.percent,
        encrypted=layout.encrypted, pieces=pieces,
    )  # fmt: skip


def _copy(folder: Path, piece: d.Piece, target: Path, whole: hashlib._Hash, progress: Progress | None) -> str:
    digest = hashlib.sha256()
    left = piece.size
    with (folder / piece.file).open("rb") as origin, (target / piece.name).open("xb") as out:
        origin.seek(piece.offset)
        while left and (data := origin.read(min(_READ, left))):
            digest.update(data)
            whole.update(data)
            out.write(data)
            left -= len(data)
            if progress is not None:
                progress(len(data))
    if left:
        raise tools.DiscError(f"{folder / piece.file} ends {left} bytes too early: verify the set")
    return digest.hexdigest()


def _write(path: Path, content: bytes) -> str:
    path.write_bytes(content)
    return hashlib.sha256(content).hexdigest()


def _image(layout: Layout, number: int, stage: Path, files: dict[str, str], image: Path) -> Made:
    names = sorted(files)
    wanted = d.recovery([(stage / name).stat().st_size for name in names], layout.percent)
    tools.make_recovery(stage, PAR2, names, wanted.block, wanted.count)
    for extra in sorted(stage.glob("*.par2")):
        files[extra.name] = _digest(extra)
    sums = "".join(f"{files[name]}  {name}\n" for name in sorted(files)).encode()
    files[m.SUMS] = _write(stage / m.SUMS, sums)
    volume = layout.volumes[number - 1]
    image.unlink(missing_ok=True)
    tools.make_image(stage, image, volume)
    size = image.stat().st_size
    if size > layout.size:
        raise tools.DiscError(f"{volume}: the image has {size} bytes, a disc {layout.size}: give a smaller --size")
    made = Made(number, volume, image, size, _digest(image), files)
    read_back(made, tools.address(image))
    return made


def read_back(made: Made, source: str) -> str:
    """Every file of a disc, or of its image, read through xorriso and compared; returns how, for the record.

    Raises:
        DiscError: it is another disc, or a file on it is not what was put there.
    """
    how = tools.drop_pages(source)
    volume = tools.volume_of(source)
    if volume != made.volume:
        raise tools.DiscError(f"{source}: holds volume {volume[:40]!r}, expected {made.volume}")
    for name, digest in sorted(made.files.items()):
        found, size = tools.digest_in(source, name)
        if found != digest:
            raise tools.DiscError(f"{source}: {name} is not what was written ({size} bytes read back): throw it away")
    return f"{len(made.files)} files read back through xorriso, SHA-256 equal; {how}"


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


__all__ = ["DISC", "DiscPapers", "DiscPiece", "Layout", "Made", "check_room", "lay_out", "make_discs", "read_back"]
