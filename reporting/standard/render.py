"""A POS as plain text, for a terminal (`laman standard`)."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable

from reporting.standard.reader import Activity, Language, Standard, Wording

WIDTH = 100
_HEADINGS: dict[str, tuple[str, str]] = {
    "number": ("Nomor POS", "Number"),
    "created": ("Tanggal Pembuatan", "Drawn up"),
    "revised": ("Tanggal Revisi", "Revised"),
    "effective": ("Tanggal Efektif", "Effective from"),
    "approved_by": ("Disahkan Oleh", "Approved by"),
    "name": ("Nama POS", "Name"),
    "legal_basis": ("Dasar Hukum", "Legal basis"),
    "qualifications": ("Kualifikasi Pelaksana", "Qualifications of the executor"),
    "related": ("Keterkaitan", "Related POS"),
    "equipment": ("Peralatan/Perlengkapan", "Equipment"),
    "warnings": ("Peringatan", "Warnings"),
    "record_keeping": ("Pencatatan dan Pendataan", "Record-keeping"),
    "activities": ("Kegiatan", "Activities"),
    "executor": ("Pelaksana", "Executor"),
    "requirement": ("Persyaratan / Kelengkapan", "Requirement"),
    "minutes": ("Waktu", "Time"),
    "output": ("Output", "Output"),
    "remark": ("KET.", "Remark"),
    "reading": ("bacaan kami atas POS, mohon dipastikan", "our reading of the POS, confirm it"),
}
_MONTHS: dict[str, tuple[str, ...]] = {
    "id": (
        *("Januari", "Februari", "Maret", "April", "Mei", "Juni"),
        *("Juli", "Agustus", "September", "Oktober", "November", "Desember"),
    ),
    "en": (
        *("January", "February", "March", "April", "May", "June"),
        *("July", "August", "September", "October", "November", "December"),
    ),
}


def to_text(standard: Standard, lang: Language = "id") -> str:
    """The whole POS, at most WIDTH columns wide: its own words, or (`en`) the English gloss. Ends with a newline."""
    lines = [
        *(w.render(lang) for w in (standard.ministry, standard.directorate, standard.agency)),
        "",
        *_header(standard, lang),
    ]
    for key in ("legal_basis", "qualifications", "related", "equipment", "warnings", "record_keeping"):
        wordings: tuple[Wording, ...] = getattr(standard, key)
        lines += ["", _heading(key, lang), *_numbered(w.render(lang) for w in wordings)]
    lines += ["", _heading("activities", lang)]
    for activity in standard.activities:
        lines += ["", *_activity(standard, activity, lang)]
    return "\n".join(lines) + "\n"


def _heading(key: str, lang: Language) -> str:
    indonesian, english = _HEADINGS[key]
    return english if lang == "en" else indonesian


def _header(standard: Standard, lang: Language) -> list[str]:
    approved = standard.approved_by
    values = {
        "number": standard.number,
        "created": _day(standard, "created", lang),
        "revised": _day(standard, "revised", lang),
        "effective": _day(standard, "effective", lang),
        "approved_by": f"{approved.title}, {approved.name}, NIP {approved.nip}",
        "name": standard.name.render(lang),
    }
    return _fields(values, lang, indent="")


def _day(standard: Standard, key: str, lang: Language) -> str:
    day = getattr(standard, key)
    return "-" if day is None else f"{day.day} {_MONTHS[lang][day.month - 1]} {day.year}"


def _activity(standard: Standard, activity: Activity, lang: Language) -> list[str]:
    executor = standard.actor(activity.role, lang)
    if activity.role_source != "the POS":
        executor = f"{executor} ({_heading('reading', lang)})"
    values = {
        "executor": executor,
        "requirement": activity.requirement.render(lang),
        "minutes": f"{activity.minutes} min" if lang == "en" else activity.time_text,
        "output": activity.output.render(lang),
        "remark": activity.remark or "-",
    }
    title = _wrapped(f"{activity.number}. ", activity.text.render(lang))
    return [*title, *_fields(values, lang, indent="   ")]


def _fields(values: dict[str, str], lang: Language, indent: str) -> list[str]:
    headings = {key: _heading(key, lang) for key in values}
    width = max(map(len, headings.values()))
    return [line for key, value in values.items() for line in _wrapped(f"{indent}{headings[key]:<{width}} : ", value)]


def _numbered(texts: Iterable[str]) -> list[str]:
    return [line for number, text in enumerate(texts, start=1) for line in _wrapped(f"  {number}. ", text)]


def _wrapped(prefix: str, text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=prefix, subsequent_indent=" " * len(prefix))
