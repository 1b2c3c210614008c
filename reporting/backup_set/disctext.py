"""CARA-PULIHKAN.txt on a disc: how to join the discs of a set by hand, and what to do when one of them is damaged."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from reporting.backup_set.discs import Piece
from reporting.backup_set.manifest import HOWTO, SUMS

PAR2 = "PULIHKAN.par2"


def how_to_join(
    set_name: str, volumes: Sequence[str], discs: Sequence[Sequence[Piece]], encrypted: bool = False
) -> str:
    """The same text for every disc of a set."""
    lines = [*_head(set_name, volumes), *_join(set_name, discs)]
    lines += [*(_decrypt() if encrypted else ()), *_last(5 if encrypted else 4), *_damaged(set_name)]
    return "\n".join(lines) + "\n"


def _head(set_name: str, volumes: Sequence[str]) -> Iterator[str]:
    yield f"CARA MENGGABUNGKAN CAKRAM SET BACKUP {set_name}"
    yield f"HOW TO JOIN THE DISCS OF BACKUP SET {set_name}"
    yield ""
    yield f"Set ini ada pada {len(volumes)} cakram / this set is on {len(volumes)} discs: " + ", ".join(volumes)
    yield "Isi tiap cakram ada di DISC.json. / What each disc holds: see DISC.json."
    yield ""
    yield "Yang diperlukan hanya sh dan coreutils; par2 hanya bila ada cakram yang rusak. Baris yang menjorok empat"
    yield "spasi adalah perintah. / Needed: sh and coreutils; par2 only when a disc is damaged. Lines indented by four"
    yield "blanks are commands."


def _join(set_name: str, discs: Sequence[Sequence[Piece]]) -> Iterator[str]:
    yield ""
    yield "1. Buat satu folder. / Make one folder."
    yield f'    SET="$HOME/{set_name}"'
    yield '    mkdir "$SET"'
    yield ""
    yield "2. Untuk SETIAP cakram: masuk ke cakram itu (sesuaikan tempatnya), periksa, salin. Setiap baris harus OK."
    yield "   For EACH disc: go to it (adjust the place), check it, and copy it. Every line must say OK."
    yield "    cd /media/cdrom"
    yield f"    sha256sum -c {SUMS}"
    yield '    cp set/* "$SET/"'
    cut = sorted({piece.file for disc in discs for piece in disc if piece.number})
    yield ""
    yield "3. Gabungkan potongan, lalu periksa seluruh set. / Join the pieces, then check the whole set."
    yield '    cd "$SET"'
    for file in cut:
        names = [piece.name for disc in discs for piece in disc if piece.file == file]
        yield f"    cat {' '.join(names)} > {file}"
        yield f"    rm {' '.join(names)}"
    yield f"    sha256sum -c {SUMS}"


def _decrypt() -> Iterator[str]:
    yield ""
    yield "4. Set ini dienkripsi (age). Buka dengan kunci pribadi Anda; program age diperlukan."
    yield "   This set is encrypted (age). Open it with your private key; the program age is needed."
    yield '    KUNCI="$HOME/kunci-age.txt"'
    yield f"    rm {SUMS}"
    yield '    for f in *.age; do age -d -i "$KUNCI" -o "${f%.age}" "$f" && rm "$f" || break; done'
    yield f"    sha256sum -c {SUMS}"


def _last(number: int) -> Iterator[str]:
    yield ""
    yield f"{number}. Lanjutkan dengan {HOWTO} di folder itu. / Go on with {HOWTO} in that folder."


def _damaged(set_name: str) -> Iterator[str]:
    yield ""
    yield "BILA ADA CAKRAM YANG RUSAK / WHEN A DISC IS DAMAGED"
    yield "Salin cakram itu ke satu berkas; bagian yang tidak terbaca boleh kosong (paket gddrescue). Data par2-nya"
    yield "ada di cakram itu sendiri, dan ditemukan par2 di dalam berkas itu walaupun daftar isinya rusak."
    yield "Copy the disc into one file; what cannot be read may stay empty (package gddrescue). par2 finds its recovery"
    yield "data inside that file, even where the disc's directory is gone."
    yield f'    mkdir "$HOME/perbaikan-{set_name}"'
    yield f'    cd "$HOME/perbaikan-{set_name}"'
    yield "    ddrescue /dev/sr0 cakram.iso cakram.map"
    yield "    ln cakram.iso cakram.par2"
    yield '    par2 repair -B"$PWD" cakram.par2 cakram.iso'
    yield "Folder `set` di sini lalu menggantikan folder `set` cakram itu pada langkah 2."
    yield "The folder `set` that is here now takes the place of that disc's in step 2."


__all__ = ["PAR2", "how_to_join"]
