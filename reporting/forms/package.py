"""A DOCX as the ZIP that it is: packed the same each time, looked into, marked with custom properties."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from xml.sax.saxutils import escape, quoteattr

from reporting.forms.data import FormError

_EPOCH = (1980, 1, 1, 0, 0, 0)
_MOST_BYTES = 32 << 20  # of everything in it, unpacked
_CUSTOM = "docProps/custom.xml"
_CUSTOM_TYPE = "application/vnd.openxmlformats-officedocument.custom-properties+xml"
_CUSTOM_RELATION = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/custom-properties"
_CUSTOM_SPACE = "http://schemas.openxmlformats.org/officeDocument/2006/custom-properties"
_VALUE_SPACE = "http://schemas.openxmlformats.org/officeDocument/2006/docPropsVTypes"
_FORMAT = "{D5CDD505-2E9C-101B-9397-08002B2CF9AE}"  # of custom properties (ECMA-376, Part 1, 22.3)
_ACTIVE = ("vbaproject", "activex", "oleobject", "embeddings/")


def parts_of(content: bytes, name: str) -> dict[str, bytes]:
    """The parts of a DOCX by name, in order.

    Raises:
        FormError: no DOCX, or one that unpacks to more than 32 MB; `name` says which file.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as package:
            entries = package.infolist()
            if sum(e.file_size for e in entries) > _MOST_BYTES:
                raise FormError(f"{name}: unpacks to more than {_MOST_BYTES >> 20} MB")
            parts = {e.filename: package.read(e) for e in entries}
    except (zipfile.BadZipFile, ValueError, EOFError, OSError, NotImplementedError, RuntimeError) as error:
        raise FormError(f"{name}: is no DOCX that can be read ({error}): save it as Word document (.docx)") from None
    if "word/document.xml" not in parts or "[Content_Types].xml" not in parts:
        raise FormError(f"{name}: is no DOCX (it has no document): save it as Word document (.docx)")
    return parts


def check_passive(parts: Mapping[str, bytes], name: str) -> None:
    """No macro, no embedded object, nothing fetched from elsewhere when it is opened.

    Raises:
        FormError: there is.
    """
    for part, content in parts.items():
        if any(word in part.lower() for word in _ACTIVE):
            raise FormError(f"{name}: holds a macro or an embedded object ({part[:60]}): take it out")
        if part.endswith(".rels") and b"External" in content:
            raise FormError(f"{name}: links to something outside ({part[:60]}): take the link or the picture out")


def packed(parts: Mapping[str, bytes]) -> bytes:
    """A DOCX of parts; the same bytes for the same parts."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as package:
        for part, content in parts.items():
            entry = zipfile.ZipInfo(part, _EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o600 << 16
            package.writestr(entry, content)
    return stream.getvalue()


def repacked(content: bytes) -> bytes:
    """A DOCX without the times at which its parts were written."""
    return packed(parts_of(content, "the template"))


def with_properties(parts: Mapping[str, bytes], properties: Mapping[str, str]) -> dict[str, bytes]:
    """The parts with these custom properties (those of a template are replaced)."""
    values = "".join(
        f'<property fmtid="{_FORMAT}" pid="{number}" name={quoteattr(name)}><vt:lpwstr>{escape(value)}</vt:lpwstr>'
        "</property>"
        for number, (name, value) in enumerate(properties.items(), 2)
    )
    head = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
    custom = f'{head}<Properties xmlns="{_CUSTOM_SPACE}" xmlns:vt="{_VALUE_SPACE}">{values}</Properties>'
    marked = {**parts, _CUSTOM: custom.encode()}
    if _CUSTOM not in parts:
        override = f'<Override PartName="/{_CUSTOM}" ContentType="{_CUSTOM_TYPE}"/></Types>'
        relation = f'<Relationship Id="rIdLaman" Type="{_CUSTOM_RELATION}" Target="{_CUSTOM}"/></Relationships>'
        _add(marked, "[Content_Types].xml", b"</Types>", override.encode())
        _add(marked, "_rels/.rels", b"</Relationships>", relation.encode())
    return marked


def _add(parts: dict[str, bytes], part: str, end: bytes, more: bytes) -> None:
    before, found, after = parts[part].rpartition(end)
    if not found:
        raise FormError(f"the template's {part} is broken: save it anew as Word document (.docx)")
    parts[part] = before + more + after
