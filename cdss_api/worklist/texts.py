"""Texts of FHIR within what DICOM's value representations carry (PS3.5 6.2)."""

from __future__ import annotations

SHORT, LONG = 16, 64  # characters of VR SH and LO


class TooLong(ValueError):
    """An identifier that its value representation cannot hold; cut, it would be somebody else's."""


def plain(text: object, longest: int) -> str:
    """Return a text without control characters and backslashes, which divide values, cut to `longest`."""
    kept = str(text or "")
    if "\\" in kept or not kept.isprintable():  # few are looked at letter by letter: a worklist has thousands
        kept = "".join(" " if one == "\\" or not one.isprintable() else one for one in kept)
    return " ".join(kept.split())[:longest].rstrip()


def identifier(text: object, longest: int) -> str:
    """Return an identifier as it is, without padding.

    Raises:
        TooLong: it is longer than `longest`, or has characters that its value representation does not.
    """
    value = str(text or "").strip()
    if len(value) > longest or "\\" in value or not value.isprintable():
        raise TooLong(f"{value[:80]!r} does not fit into {longest} characters of DICOM")
    return value
