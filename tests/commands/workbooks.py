"""Workbooks of any kind, also those that no program of ours writes: put together from their XML."""

import io
import zipfile
from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape, quoteattr

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
#: The same of a workbook that is saved as "Strict Open XML Spreadsheet".
STRICT = {
    MAIN: "http://purl.oclc.org/ooxml/spreadsheetml/main",
    OFFICE: "http://purl.oclc.org/ooxml/officeDocument/relationships",
}

HEADER = ("id", "omnitron_id", "email", "first_name", "phone_number")


def text(value: str) -> str:
    """Return a cell with a text."""
    return f'<c t="inlineStr"><is><t xml:space="preserve">{escape(value)}</t></is></c>'


def rows(*given: Sequence[str | int | None], first: int = 1, attributes: str = "") -> str:
    """Return rows: of texts, numbers, nothing, and cells that are XML already."""
    lines = []
    for number, cells in enumerate(given, first):
        lines.append(f'<row r="{number}"{attributes}>')
        for letter, value in zip("ABCDEFGHIJ", cells, strict=False):
            cell = "" if value is None else f"<c><v>{value}</v></c>"
            if isinstance(value, str):
                cell = value if value.startswith("<c") else text(value)
            lines.append(cell.replace("<c", f'<c r="{letter}{number}"', 1))
        lines.append("</row>")
    return "".join(lines)


def sheet(content: str, *, before: str = "", behind: str = "") -> str:
    """Return a sheet with these rows."""
    return (
        f'<worksheet xmlns="{MAIN}" xmlns:r="{OFFICE}">{before}'
        f"<sheetData>{content}</sheetData>{behind}</worksheet>"
    )


def workbook(
    sheets: Mapping[str, str],
    *,
    formats: Sequence[str] = (),
    shared: str = "",
    properties: str = "",
    states: Mapping[str, str] | None = None,
    types: Mapping[str, str] | None = None,
    parts: Mapping[str, str | bytes] | None = None,
    strict: bool = False,
) -> bytes:
    """Return a workbook.

    :param formats: codes of the styles 1, 2 and so on; style 0 is General.
    :param shared: what is in ``sst``.
    :param properties: elements of the workbook.
    :param states: of sheets that are hidden.
    :param types: of sheets that are no worksheets.
    :param parts: more parts, or others in place of these.
    """
    states, types = states or {}, types or {}
    names = "".join(
        f"<sheet name={quoteattr(name)} sheetId={quoteattr(str(number))}"
        f' state="{states.get(name, "visible")}" r:id="rId{number}"/>'
        for number, name in enumerate(sheets, 1)
    )
    codes = "".join(
        f'<numFmt numFmtId="{number}" formatCode={quoteattr(code)}/>'
        for number, code in enumerate(formats, 200)
    )
    styles = "".join(
        f'<xf numFmtId="{number}"/>' for number in (0, *range(200, 200 + len(formats)))
    )
    related = "".join(
        f'<Relationship Id="rId{number}" Type="{OFFICE}/{types.get(name, "worksheet")}"'
        f' Target="worksheets/sheet{number}.xml"/>'
        for number, name in enumerate(sheets, 1)
    )
    content: dict[str, str | bytes] = {
        "_rels/.rels": f'<Relationships xmlns="{RELATIONS}"><Relationship Id="rId1"'
        f' Type="{OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}">{properties}'
        f"<sheets>{names}</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{RELATIONS}">{related}'
        f'<Relationship Id="s" Type="{OFFICE}/styles" Target="styles.xml"/>'
        f'<Relationship Id="t" Type="{OFFICE}/sharedStrings" Target="/xl/sharedStrings.xml"/>'
        "</Relationships>",
        "xl/styles.xml": f'<styleSheet xmlns="{MAIN}"><numFmts>{codes}</numFmts>'
        f'<cellXfs>{styles}</cellXfs><dxfs><dxf><numFmt numFmtId="200" formatCode="0.0"/></dxf>'
        "</dxfs></styleSheet>",
        "xl/sharedStrings.xml": f'<sst xmlns="{MAIN}">{shared}</sst>',
        **{
            f"xl/worksheets/sheet{number}.xml": xml for number, xml in enumerate(sheets.values(), 1)
        },
        **(parts or {}),
    }
    return zipped({name: _strict(xml) if strict else xml for name, xml in content.items()})


def zipped(content: Mapping[str, str | bytes]) -> bytes:
    """Return a zip file."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        for name, part in content.items():
            file.writestr(name, part)
    return buffer.getvalue()


def _strict(xml: str | bytes) -> str | bytes:
    if isinstance(xml, str):
        for transitional, strict in STRICT.items():
            xml = xml.replace(transitional, strict)
    return xml
