"""The POS as data is the POS: word for word, checked on load."""

from __future__ import annotations

import html
import re
import shutil
from datetime import date
from pathlib import Path
from typing import get_args

import pytest
import yaml

import reporting.standard
from reporting.standard import (
    ACTOR_ROLES,
    Standard,
    StandardError,
    load_standards,
    read_standard,
    read_standards,
    standard_on,
)
from reporting.standard.render import WIDTH, to_text
from reporting.unit import Role

POS = (Path(__file__).parents[1] / "data" / "pos-pemeliharaan-laman.txt").read_text(encoding="utf-8")
SHIPPED = Path(reporting.standard.__file__).parent / "pos_005_2017.yml"


def plain(text: str) -> str:
    """A text of the POS without markup: no tags, no runs of blanks, none inside brackets."""
    text = re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>|\*\*", " ", text))).strip()
    return re.sub(r"\( (.*?) \)", r"(\1)", text)


def header(name: str) -> str:
    """The value of a header line, e.g. `<b>Nomor POS</b>	: …`."""
    found = re.search(rf"^<b>{name}</b>\t:(.*)$", POS, re.MULTILINE)
    assert found, name
    return plain(found[1])


def lists(left: str) -> tuple[list[str], list[str]]:
    """The two numbered lists under a pair of headings, the left one named."""
    found = re.search(rf"^<b>{left} :</b>\t<b>.*?</b>\n(<ol.*?</ol>)\t(<ol.*?</ol>)$", POS, re.MULTILINE)
    assert found, left
    first, second = ([plain(item) for item in re.findall(r"<li>\d+\. (.*?)</li>", part)] for part in found.groups())
    return first, second


def table() -> list[list[str]]:
    """The rows of the POS table: number, activity, four actors, requirement, time, output, remark."""
    rows = [line.split("\t") for line in POS.splitlines() if re.match(r"[1-8]\t", line)]
    return [[plain(cell) for cell in row] for row in rows]


@pytest.fixture(scope="module")
def standard() -> Standard:
    return load_standards()[0]


def test_the_table_is_word_for_word(standard: Standard) -> None:
    rows = [
        [str(a.number), a.text.id, "", "", "", "", a.requirement.id, a.time_text, a.output.id, a.remark]
        for a in standard.activities
    ]
    assert rows == table()
    assert len(rows) == 8


def test_the_lists_are_word_for_word(standard: Standard) -> None:
    ours = [
        (standard.legal_basis, standard.qualifications),
        (standard.related, standard.equipment),
        (standard.warnings, standard.record_keeping),
    ]
    theirs = [lists("Dasar Hukum"), lists("Keterkaitan"), lists("Peringatan")]
    assert [([w.id for w in left], [w.id for w in right]) for left, right in ours] == theirs


def test_the_header_is_word_for_word(standard: Standard) -> None:
    def day(value: date | None) -> str:
        months = {11: "November", 12: "Desember"}
        return f"{value.day} {months[value.month]} {value.year}" if value else ""

    approved = standard.approved_by
    assert header("Nomor POS") == standard.number
    assert header("Tanggal Pembuatan") == day(standard.created)
    assert header("Tanggal Revisi") == day(standard.revised)
    assert header("Tanggal Efektif") == day(standard.effective)
    assert header("Disahkan Oleh") == f"{approved.title}, Nama: {approved.name} NIP : {approved.nip}"
    assert header("Nama POS") == standard.name.id
    bold = [plain(line) for line in POS.splitlines() if line.startswith("**")]
    assert bold == [standard.ministry.id, standard.directorate.id, standard.agency.id]
    columns = next(line for line in POS.splitlines() if line.startswith("\tKasi SI") or "\tKasi SI\t" in line)
    assert [standard.actor(role) for role in ACTOR_ROLES] == [c for c in columns.split("\t") if c][:4]


def test_figures_and_roles(standard: Standard) -> None:
    assert [a.minutes for a in standard.activities] == [300, 300, 300, 30, 30, 450, 300, 900]
    assert [a.slug for a in standard.activities] == [
        *("content_status", "backup", "visitor_log"),
        *("submit_renewal", "approve_renewal", "pay_renewal", "report_renewal", "troubleshooting"),
    ]
    assert {a.role_source for a in standard.activities} == {"our reading, confirm"}
    assert get_args(Role) == ACTOR_ROLES  # the settings know the same roles
    assert standard.activity("backup") is standard.activity(2)
    with pytest.raises(KeyError):
        standard.activity(9)


def test_the_one_in_force(standard: Standard) -> None:
    later = standard.model_copy(update={"number": "006/2027", "effective": date(2027, 1, 1)})
    assert standard_on(date(2017, 12, 4)) is standard
    assert standard_on(date(2026, 12, 31), [later, standard]) is standard
    assert standard_on(date(2027, 1, 1), [later, standard]) is later
    with pytest.raises(StandardError, match=r"no POS was in force on 2017-12-03.*005.*2017-12-04"):
        standard_on(date(2017, 12, 3))


@pytest.mark.parametrize(
    ("break_it", "message"),
    [
        (
            lambda c: c["activities"].pop(),
            r"activities must be numbered 1 to 8 in order, found \[1, 2, 3, 4, 5, 6, 7\]",
        ),
        (lambda c: c["activities"].reverse(), "numbered 1 to 8 in order"),
        (lambda c: c["activities"][3].update(minutes=0), "activities.3.minutes: .*greater than or equal to 1"),
        (lambda c: c["activities"][3].update(minutes="300 mnt"), "activities.3.minutes: .*integer"),
        (lambda c: c["activities"][1].update(slug="content_status"), "slug 'content_status' is used twice"),
        (lambda c: c["activities"][0].update(role="direktur"), "activities.0.role: "),
        (lambda c: c["warnings"].clear(), "warnings: .*at least 1 item"),
        (lambda c: c["actors"].pop("kasi_si"), "actors: kasi_si missing"),
        (lambda c: c.pop("effective"), "effective: Field required"),
        (lambda c: c.update(effektif=1), "effektif: Extra inputs"),
    ],
)
def test_a_broken_file_is_one_clear_line(tmp_path: Path, break_it: object, message: str) -> None:
    content = yaml.safe_load(SHIPPED.read_text(encoding="utf-8"))
    assert callable(break_it)
    break_it(content)
    path = tmp_path / "pos_broken.yml"
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    with pytest.raises(StandardError, match=message) as caught:
        read_standards(tmp_path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_not_yaml_not_there_not_text(tmp_path: Path) -> None:
    path = tmp_path / "pos_x.yml"
    path.write_text("number: [1\nname: 2\n")
    with pytest.raises(StandardError, match=r"pos_x.yml, line \d+: not valid YAML"):
        read_standard(path)
    path.write_text("number: \x01\n")
    with pytest.raises(StandardError, match=r"pos_x.yml: not valid YAML: [^\n]*$"):
        read_standard(path)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(StandardError, match="cannot be read"):
        read_standard(path)
    path.unlink()
    with pytest.raises(StandardError, match="cannot be read"):
        read_standard(path)
    with pytest.raises(StandardError, match="no pos_"):
        read_standards(tmp_path)


def test_two_on_one_day_are_refused(tmp_path: Path) -> None:
    shutil.copy(SHIPPED, tmp_path / "pos_a.yml")
    shutil.copy(SHIPPED, tmp_path / "pos_b.yml")
    with pytest.raises(StandardError, match=r"pos_b.yml: effective: 2017-12-04 is also the day of 005"):
        read_standards(tmp_path)


@pytest.mark.parametrize("lang", ["id", "en"])
def test_the_text_holds_everything(standard: Standard, lang: str) -> None:
    text = to_text(standard, "en" if lang == "en" else "id")
    flat = re.sub(r"\s+", " ", text)
    wordings = [standard.name, standard.ministry, standard.directorate, standard.agency]
    for group in ("legal_basis", "qualifications", "related", "equipment", "warnings", "record_keeping"):
        wordings += getattr(standard, group)
    for activity in standard.activities:
        wordings += [activity.text, activity.requirement, activity.output]
        assert f"{activity.minutes} {'min' if lang == 'en' else 'mnt'}" in flat
    assert [w.id for w in wordings if w.render("en" if lang == "en" else "id") not in flat] == []
    assert standard.number in flat
    assert standard.approved_by.nip in flat
    assert ("our reading" if lang == "en" else "bacaan kami") in flat
    assert max(map(len, text.splitlines())) <= WIDTH
    assert text.endswith("\n")
