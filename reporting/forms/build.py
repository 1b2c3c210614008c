"""Builds the templates that ship with laman: `python -m reporting.forms.build [FOLDER]`.

A template is a Word file with Jinja in it (docxtpl). A unit that wants another look copies one into the folder
`templates/` of its inventory, under the same name, and restyles it in Word or LibreOffice.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from docx import Document
from docx.enum.table import WD_TABLE_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Cm, Pt

from reporting.files import replace_whole
from reporting.forms.package import repacked
from reporting.forms.words import FIRST_LINES, TITLES

TEMPLATES = Path(__file__).parent / "templates"
_FONT = "Arial"
_WIDTH = 17.0  # cm of text on A4 between margins of 2 cm
_CENTRE, _RIGHT = WD_ALIGN_PARAGRAPH.CENTER, WD_ALIGN_PARAGRAPH.RIGHT
_EDGES = ("top", "left", "bottom", "right", "insideH", "insideV")
_AFTER_BORDERS = (  # what the schema wants behind borders, in a paragraph's and in a table's properties
    *("w:shd", "w:tabs", "w:spacing", "w:ind", "w:jc", "w:rPr"),
    *("w:tblLayout", "w:tblCellMar", "w:tblLook"),
)
_Column = tuple[str, str, float, Any]  # heading, value, width in cm, alignment


def submission() -> Any:
    """Lembar Pengajuan Pembayaran."""
    page = _page("submission")
    _text(page, FIRST_LINES["submission"], after=4)
    _labels(page, _INVOICE)
    _service_table(page)
    _text(page, "Invoice dari penyedia terlampir. Mohon persetujuan dan pembayarannya.", before=6, after=6)
    _place(page)
    _signatures(page, [("submitter", "Yang mengajukan,"), ("approver", "Menyetujui,"), ("payer", "Mengetahui,")])
    return page


def approval() -> Any:
    """Lembar Persetujuan: the officer ticks, signs and dates it by hand."""
    page = _page("approval")
    _text(page, FIRST_LINES["approval"], after=4)
    _labels(page, [("Pengajuan nomor", "{{ submission_number or '-' }}"), ("Kasus", "{{ case or '-' }}"), *_INVOICE])
    _service_table(page)
    _text(page, "dengan ini kami nyatakan bahwa pengajuan tersebut (beri tanda pada salah satu):", before=6, after=3)
    boxes = page.add_table(rows=1, cols=3)
    _fixed(boxes, [_WIDTH / 3] * 3)
    for cell, word in zip(boxes.rows[0].cells, ("Disetujui", "Dikembalikan", "Ditolak"), strict=True):
        _fill(cell, f"[     ]  {word}", bold=True)
    _text(page, "Catatan: " + "." * 118, before=6, after=4)
    _text(page, "." * 134, after=6)
    _text(page, "{{ place }}{{ ', ' if place }}" + "." * 40, align=_RIGHT, after=2, keep=True)
    _signatures(page, [("payer", "Mengetahui,"), ("approver", "Yang memutuskan,")])
    return page


def receipt() -> Any:
    """Kuitansi/Bukti Pembayaran in the fields of PMK 190/PMK.05/2012, Lampiran III; the lines of taxes are added."""
    page = _page("receipt", numbered=False)
    _labels(
        page,
        [("Tahun anggaran", "{{ year }}"), ("Nomor bukti", "{{ number }}"),
         ("Mata anggaran", "{{ budget_line or '-' }}"), ("DIPA", "{{ dipa or '-' }}")],
    )  # fmt: skip
    _text(page, "", after=2)
    satker = "Satuan Kerja {{ satker }}{% if satker_code %} ({{ satker_code }}){% endif %}"
    _labels(
        page,
        [(FIRST_LINES["receipt"], f"Pejabat Pembuat Komitmen {satker}"),
         ("NPWP satuan kerja", "{{ satker_npwp }}"),
         ("Jumlah uang", "Rp{{ sums.total }}"), ("Terbilang", "{{ sums.words }}"),
         ("Untuk pembayaran", "{{ about }}{% if sums.partial %} (pembayaran sebagian){% endif %}"),
         ("Rekening", "{{ bank or '-' }} {{ bank_account }} a.n. {{ bank_holder }}")],
        bold=("Jumlah uang", "Terbilang"),
    )  # fmt: skip
    _text(page, "", after=2)
    _labels(
        page,
        [("Dasar pengenaan pajak", "Rp{{ sums.amount }}"), ("{{ sums.tax_label }}", "Rp{{ sums.tax }}"),
         ("Jumlah kotor", "Rp{{ sums.total }}"), ("PPN dipungut", "Rp{{ sums.kept_tax }}"),
         ("{{ sums.income_tax_label }} dipotong", "Rp{{ sums.income_tax }}"),
         ("Jumlah bersih diterima", "Rp{{ sums.net }}")],
        bold=("Jumlah bersih diterima",), right=4.0,
    )  # fmt: skip
    _text(page, "{{ place }}{{ ', ' if place }}" + "." * 40, align=_RIGHT, before=6, keep=True)
    _receiver(page)
    _text(page, "", after=2, keep=True)
    _signatures(page, [("ppk", "Setuju dibayar,"), ("treasurer", "Lunas dibayar tanggal ................")])
    _text(
        page,
        "Barang/pekerjaan tersebut telah diterima/diselesaikan dengan lengkap dan baik.",
        align=_CENTRE, before=6, after=0, keep=True,
    )  # fmt: skip
    _signatures(page, [("goods_receiver", "")])
    return page


def status_report() -> Any:
    """Laporan Status Perpanjangan: a nota dinas from Pengelola to Kasi SI."""
    page = _page("status_report")
    _labels(
        page,
        [("Kepada Yth.", "{{ approver.title }}"), ("Dari", "{{ submitter.title }}"), ("Tanggal", "{{ date }}"),
         ("Hal", "Laporan status perpanjangan layanan"),
         ("Kasus", "{{ case }} (invoice nomor {{ invoice_number }})"), ("Penyedia", "{{ provider }}"),
         ("Jumlah", "Rp{{ sums.total }} ({{ sums.words }})"), ("Status", "{{ case_state }}")],
        bold=("Hal", "Status"),
    )  # fmt: skip
    _text(page, FIRST_LINES["status_report"], before=6, after=4)
    _table(
        page, "s", "services",
        [("No.", "{{ s.number }}", 1.0, _CENTRE), ("Layanan", "{{ s.name }}", 5.4, None),
         ("Akhir lama", "{{ s.old_end }}", 2.5, _CENTRE), ("Akhir baru", "{{ s.new_end }}", 2.5, _CENTRE),
         ("Terlihat berakhir", "{{ s.seen }}", 2.5, _CENTRE), ("Bukti", "{{ s.proof }}", 3.1, None)],
    )  # fmt: skip
    _text(
        page, "Waktu setiap langkah (menit kerja, dari masukan tersedia sampai selesai):", before=8, after=4, keep=True
    )
    _table(
        page, "t", "steps",
        [("No.", "{{ t.number }}", 1.0, _CENTRE), ("Langkah", "{{ t.name }}", 2.8, None),
         ("Pelaksana (diketik oleh)", "{{ t.executor }} ({{ t.agent }})", 4.4, None),
         ("Selesai", "{{ t.done }}", 3.2, _CENTRE), ("Menit", "{{ t.minutes }}", 1.6, _RIGHT),
         ("Baku", "{{ t.standard }}", 1.4, _RIGHT), ("Penilaian", "{{ t.verdict }}", 2.6, _CENTRE)],
    )  # fmt: skip
    _text(page, "Penyimpangan:", before=8, after=2, bold=True, keep=True)
    _text(page, "{%p if not deviations %}")
    _text(page, "Tidak ada.")
    _text(page, "{%p endif %}")
    _text(page, "{%p for d in deviations %}")
    _text(page, "{{ loop.index }}. {{ d }}", after=2)
    _text(page, "{%p endfor %}")
    _text(page, "Demikian laporan ini kami sampaikan. Bukti pembayaran dan bukti perpanjangan ada di arsip.", before=6)
    _place(page)
    _signatures(page, [("", ""), ("submitter", "{{ submitter.title }},")], titled=False)
    return page


BUILDERS: dict[str, Callable[[], Any]] = {
    "submission": submission,
    "approval": approval,
    "receipt": receipt,
    "status_report": status_report,
}
_INVOICE = [
    ("Penyedia", "{{ provider }}"),
    ("Alamat", "{{ provider_address or '-' }}"),
    ("NPWP", "{{ npwp }}"),
    ("Rekening", "{{ bank or '-' }} {{ bank_account }} a.n. {{ bank_holder }}"),
    ("Nomor invoice", "{{ invoice_number }}"),
    ("Tanggal invoice", "{{ invoice_date }}"),
    ("Jatuh tempo", "{{ invoice_due }}"),
    ("Mata anggaran", "{{ budget_line or '-' }}"),
]


def _page(kind: str, *, numbered: bool = True) -> Any:
    """A4 with the unit's head, the title, and a footer that says which paper it is."""
    page = Document()
    section = page.sections[0]
    section.page_width, section.page_height = Cm(21), Cm(29.7)
    section.left_margin = section.right_margin = Cm(2)
    section.top_margin, section.bottom_margin = Cm(1.5), Cm(1.6)
    section.footer_distance = Cm(0.8)
    style = page.styles["Normal"]
    style.font.name, style.font.size = _FONT, Pt(10)
    style.element.rPr.rFonts.set(qn("w:eastAsia"), _FONT)
    style.paragraph_format.space_after = Pt(0)
    style.paragraph_format.line_spacing = 1.0
    _text(page, "{%p if parent %}")
    _text(page, "{{ parent|upper }}", align=_CENTRE, size=10)
    _text(page, "{%p endif %}")
    _text(page, "{{ unit|upper }}", align=_CENTRE, bold=True, size=12)
    line = _text(page, "{{ address }}", align=_CENTRE, size=8, after=8)
    _border(line._p.get_or_add_pPr(), "w:pBdr", ("bottom",), size=12)
    _text(page, TITLES[kind], align=_CENTRE, bold=True, size=13)
    _text(page, "Nomor: {{ number }}" if numbered else "", align=_CENTRE, after=6)
    foot = section.footer.paragraphs[0]
    foot.alignment = _CENTRE
    _run(foot, "Dokumen {{ id }} · sidik {{ hash }} · keaslian berkas: laman verify BERKAS", size=7)
    core = page.core_properties
    core.author, core.title, core.comments = "laman", TITLES[kind], ""
    core.created = core.modified = datetime(2026, 1, 1, tzinfo=UTC)
    return page


def _run(paragraph: Any, text: str, *, bold: bool = False, size: float | None = None, italic: bool = False) -> Any:
    run = paragraph.add_run(text)
    run.bold, run.italic = bold, italic
    if size is not None:
        run.font.size = Pt(size)
    return run


def _text(  # noqa: PLR0913 - what a paragraph can be, all by name
    page: Any, text: str, *, align: Any = None, bold: bool = False, size: float | None = None, before: float = 0,
    after: float = 0, keep: bool = False,
) -> Any:  # fmt: skip
    paragraph = page.add_paragraph()
    paragraph.alignment = align
    paragraph.paragraph_format.space_before = Pt(before)
    paragraph.paragraph_format.space_after = Pt(after)
    paragraph.paragraph_format.keep_with_next = keep
    _run(paragraph, text, bold=bold, size=size)
    return paragraph


def _fill(  # noqa: PLR0913 - likewise
    cell: Any, text: str, *, align: Any = None, bold: bool = False, italic: bool = False, size: float | None = None,
    keep: bool = False,
) -> None:  # fmt: skip
    paragraph = cell.paragraphs[0]
    paragraph.alignment = align
    paragraph.paragraph_format.keep_with_next = keep
    _run(paragraph, text, bold=bold, italic=italic, size=size)


def _labels(
    page: Any, rows: Sequence[tuple[str, str]], *, bold: Sequence[str] = (), right: float | None = None
) -> None:
    """Label, colon, value. `right`: width in cm of a column of amounts, aligned to the right."""
    table = page.add_table(rows=0, cols=3)
    widths = [5.2 if right else 3.8, 0.4, right or _WIDTH - 4.2]
    for label, value in rows:
        row = table.add_row()
        _whole_row(row)
        _fill(row.cells[0], label)
        _fill(row.cells[1], ":")
        _fill(row.cells[2], value, bold=label in bold, align=_RIGHT if right else None)
    _fixed(table, widths)


def _service_table(page: Any) -> None:
    _text(page, "", after=2)
    _table(
        page, "s", "services",
        [("No.", "{{ s.number }}", 1.0, _CENTRE),
         ("Layanan", "{{ s.name }}{% if s.account %} (no. pelanggan {{ s.account }}){% endif %}", 6.4, None),
         ("Berlaku sampai", "{{ s.old_end }}", 3.1, _CENTRE),
         ("Diperpanjang sampai", "{{ s.new_end }}", 3.1, _CENTRE), ("Jumlah (Rp)", "{{ s.amount }}", 3.4, _RIGHT)],
        [("Jumlah sebelum pajak", "{{ sums.amount }}"), ("{{ sums.tax_label }}", "{{ sums.tax }}"),
         ("Total", "{{ sums.total }}")],
    )  # fmt: skip
    terbilang = _text(page, "Terbilang: ", before=4)
    _run(terbilang, "{{ sums.words }}", bold=True, italic=True)


def _table(page: Any, name: str, source: str, columns: Sequence[_Column], sums: Sequence[tuple[str, str]] = ()) -> None:
    """A ruled table, one row an item of `source`; its heading is repeated on every page. `sums`: lines at its end."""
    table = page.add_table(rows=1, cols=len(columns))
    for cell, (heading, _, _, _) in zip(table.rows[0].cells, columns, strict=True):
        _fill(cell, heading, bold=True, align=_CENTRE, size=9)
        _shade(cell)
    table.rows[0]._tr.get_or_add_trPr().append(OxmlElement("w:tblHeader"))
    _fill(table.add_row().cells[0], f"{{%tr for {name} in {source} %}}")
    row = table.add_row()
    _whole_row(row)
    for cell, (_, value, _, align) in zip(row.cells, columns, strict=True):
        _fill(cell, value, align=align, size=9)
    _fill(table.add_row().cells[0], "{%tr endfor %}")
    _fixed(table, [width for _, _, width, _ in columns])
    for label, value in sums:
        row = table.add_row()
        _whole_row(row)
        merged = row.cells[0].merge(row.cells[-2])
        _fill(merged, label, align=_RIGHT, bold=label == "Total", size=9)
        _fill(row.cells[-1], value, align=_RIGHT, bold=label == "Total", size=9)
        row.cells[-1].width = Cm(columns[-1][2])
    _border(table._tbl.tblPr, "w:tblBorders", _EDGES, size=4)


def _place(page: Any) -> None:
    _text(page, "{{ place }}{{ ', ' if place }}{{ date }}", align=_RIGHT, before=6, after=2, keep=True)


def _signatures(page: Any, places: Sequence[tuple[str, str]], *, titled: bool = True) -> None:
    """Places to sign side by side, kept together on one page."""
    table = page.add_table(rows=4, cols=len(places))
    for column, (who, above) in enumerate(places):
        cells = [row.cells[column] for row in table.rows]
        _fill(cells[0], above, align=_CENTRE, keep=True)
        if titled and who:
            cells[0].add_paragraph().alignment = _CENTRE
            cells[0].paragraphs[1].paragraph_format.keep_with_next = True
            _run(cells[0].paragraphs[1], f"{{{{ {who}.title }}}}")
        _fill(cells[1], "", keep=True)
        _fill(cells[2], f"{{{{ {who}.name }}}}" if who else "", align=_CENTRE, bold=True, keep=True)
        _fill(cells[3], f"NIP {{{{ {who}.nip or '.' * 28 }}}}" if who else "", align=_CENTRE)
    table.rows[1].height = Cm(1.5)
    for row in table.rows:
        _whole_row(row)
    _fixed(table, [_WIDTH / len(places)] * len(places))


def _receiver(page: Any) -> None:
    """Whoever receives the money: name, stamp, stamp duty."""
    table = page.add_table(rows=3, cols=2)
    _fill(table.rows[0].cells[1], "Penerima,", align=_CENTRE, keep=True)
    _fill(table.rows[1].cells[1], "(stempel perusahaan, meterai)", align=_CENTRE, size=7, keep=True)
    _fill(table.rows[2].cells[1], "{{ bank_holder }}", align=_CENTRE, bold=True)
    table.rows[1].height = Cm(1.6)
    for row in table.rows:
        _whole_row(row)
    _fixed(table, [_WIDTH / 2] * 2)


def _whole_row(row: Any) -> None:
    """A row is not split over two pages."""
    row._tr.get_or_add_trPr().append(OxmlElement("w:cantSplit"))


def _fixed(table: Any, widths: Sequence[float]) -> None:
    """Columns keep their widths whatever stands in them: long words wrap."""
    table.autofit = False
    table.alignment = WD_TABLE_ALIGNMENT.LEFT
    for column, width in zip(table.columns, widths, strict=True):
        column.width = Cm(width)
    for row in table.rows:
        for cell, width in zip(row.cells, widths, strict=True):
            cell.width = Cm(width)


def _shade(cell: Any) -> None:
    shade = OxmlElement("w:shd")
    for key, value in (("val", "clear"), ("color", "auto"), ("fill", "E7E6E6")):
        shade.set(qn(f"w:{key}"), value)
    cell._tc.get_or_add_tcPr().append(shade)


def _border(parent: Any, name: str, edges: Sequence[str], *, size: int) -> None:
    borders = OxmlElement(name)
    for edge in edges:
        line = OxmlElement(f"w:{edge}")
        for key, value in (("val", "single"), ("sz", str(size)), ("space", "1"), ("color", "000000")):
            line.set(qn(f"w:{key}"), value)
        borders.append(line)
    parent.insert_element_before(borders, *_AFTER_BORDERS)


def built(kind: str) -> bytes:
    """One template as a DOCX; the same bytes each time."""
    stream = io.BytesIO()
    BUILDERS[kind]().save(stream)
    return repacked(stream.getvalue())


def main(folder: Path = TEMPLATES) -> None:
    """Write all templates."""
    for kind in BUILDERS:
        replace_whole(folder / f"{kind}.docx", built(kind), mode=0o644)


if __name__ == "__main__":
    main(*(Path(argument) for argument in sys.argv[1:2]))
