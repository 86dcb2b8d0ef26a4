"""A signed report as a PDF, in a font that has Latin and Korean letters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

FONT = Path("/usr/share/fonts/truetype/nanum/NanumGothic.ttf")  # of Debian's fonts-nanum


@dataclass(frozen=True, kw_only=True, slots=True)
class Printed:
    """What stands on it; `facts` are (name, value), `signed` when it was."""

    title: str
    facts: Sequence[tuple[str, str]]
    text: str
    conclusions: Sequence[str]
    signature: str
    signed: datetime
    footer: str


def pdf_of(printed: Printed, font: Path = FONT) -> bytes:
    """Return the file: the same for the same report.

    Raises:
        FileNotFoundError: the font is not installed.
    """
    from cdss_api.reading.sheet import drawn  # loads the library

    return drawn(printed, font)
