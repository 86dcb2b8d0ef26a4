"""The sheets that a signed report is printed on.

The library takes a quarter of a second to load, so that who prints loads it, and no other.
"""

from __future__ import annotations

import logging
from pathlib import Path

from fpdf import FPDF

from cdss_api.reading.printing import Printed

# It tells of tables of a font that it leaves out, each time.
logging.getLogger("fontTools.subset").setLevel(logging.ERROR)
_FAMILY, _BODY, _SMALL, _TITLE = "report", 10.5, 8, 15  # points
_LINE = 6  # mm


class _Sheet(FPDF):
    """A4 with a line at the foot of each page that says whose report it is."""

    foot = ""

    def footer(self) -> None:
        """Write the line; without it, a page that is lost from the others would be nobody's."""
        self.set_y(-15)
        self.set_font(_FAMILY, size=_SMALL)
        self.cell(0, 8, f"{self.foot}   {self.page_no()}/{{nb}}", align="C")


def drawn(printed: Printed, font: Path) -> bytes:
    """Return the file; raises as `printing.pdf_of`."""
    sheet = _Sheet(format="A4")
    sheet.foot = printed.footer
    sheet.add_font(_FAMILY, fname=font)
    sheet.set_creation_date(printed.signed)
    sheet.set_title(printed.title)
    sheet.set_auto_page_break(auto=True, margin=20)
    sheet.add_page()
    _lines(sheet, printed.title, _TITLE)
    sheet.ln(2)
    for name, value in printed.facts:
        if value:
            _lines(sheet, f"{name}: {value}", _BODY)
    sheet.ln(2)
    sheet.line(sheet.l_margin, sheet.get_y(), sheet.w - sheet.r_margin, sheet.get_y())
    sheet.ln(4)
    _lines(sheet, printed.text, _BODY)
    sheet.ln(4)
    for conclusion in printed.conclusions:
        _lines(sheet, f"- {conclusion}", _BODY)
    sheet.ln(4)
    _lines(sheet, printed.signature, _BODY)
    return bytes(sheet.output())


def _lines(sheet: FPDF, text: str, size: float) -> None:
    sheet.set_font(_FAMILY, size=size)
    sheet.multi_cell(0, _LINE if size < _TITLE else _LINE + 2, text, align="L", new_x="LMARGIN", new_y="NEXT")
