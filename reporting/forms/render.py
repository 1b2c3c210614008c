"""A paper as a DOCX: the unit's template or ours, filled with data that stays data."""

from __future__ import annotations

import io
from pathlib import Path

from docxtpl import DocxTemplate
from jinja2 import StrictUndefined, TemplateError
from jinja2.sandbox import SandboxedEnvironment
from lxml import etree

from reporting.forms.build import TEMPLATES
from reporting.forms.data import FormError, PaperData, PaperKind
from reporting.forms.package import check_passive, packed, parts_of, with_properties

PROPERTY = "laman-paper"  # the custom property that holds the paper's mark
_WORD = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"


def template_of(kind: PaperKind, folder: Path | None) -> Path:
    """The unit's own template (`<inventory>/templates/<kind>.docx`) where there is one, else ours."""
    own = folder / f"{kind}.docx" if folder else None
    return own if own is not None and own.is_file() else TEMPLATES / f"{kind}.docx"


def docx_of(data: PaperData, template: Path) -> bytes:
    """The paper as a DOCX, with its mark in the properties; the same bytes for the same data and template.

    Raises:
        FormError: the template cannot be read or filled, has a macro or a link, or does not print id and hash.
    """
    name = str(template)
    try:
        source = template.read_bytes()
    except OSError as error:
        raise FormError(f"{name}: cannot be read: {error.strerror or error}") from error
    check_passive(parts_of(source, name), name)
    parts = parts_of(_filled(data, source, name), name)
    check_passive(parts, name)
    printed = _printed(parts, name)
    for value, field in ((data.id, "id"), (data.short_hash, "hash"), (data.number, "number")):
        if value not in printed:
            raise FormError(f"{name}: has to print {{{{ {field} }}}}, so that the paper can be recognised")
    return packed(with_properties(parts, {PROPERTY: data.mark}))


def _filled(data: PaperData, source: bytes, name: str) -> bytes:
    environment = SandboxedEnvironment(autoescape=True, undefined=StrictUndefined)
    stream = io.BytesIO()
    try:
        template = DocxTemplate(io.BytesIO(source))
        template.render(data.context(), environment, autoescape=True)
        core = template.docx.core_properties
        core.title = f"{data.title} {data.number}"[:250]
        core.subject = core.keywords = data.mark
        template.docx.save(stream)
    except (TemplateError, etree.LxmlError, KeyError, ValueError, TypeError, AttributeError, OverflowError) as error:
        line = " ".join(str(error).split())[:200]
        raise FormError(f"{name}: cannot be filled: {line}; compare with the template that ships with laman") from error
    return stream.getvalue()


def _printed(parts: dict[str, bytes], name: str) -> str:
    """The text that stands on the pages, headers and footers."""
    found: list[str] = []
    for part, content in parts.items():
        if part.startswith(("word/document", "word/footer", "word/header")) and part.endswith(".xml"):
            try:
                root = etree.fromstring(content, etree.XMLParser(resolve_entities=False, no_network=True))
            except etree.XMLSyntaxError as error:
                raise FormError(f"{name}: makes no valid document ({part}): {error}") from error
            found += ["".join(t.text or "" for t in p.iter(f"{_WORD}t")) for p in root.iter(f"{_WORD}p")]
    return "\n".join(found)
