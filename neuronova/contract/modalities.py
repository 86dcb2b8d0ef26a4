"""What a modality's AE title is, and under which name Orthanc keeps it."""

from __future__ import annotations

AE_TITLE = r"[!-\[\]-~]([ -\[\]-~]{0,14}[!-\[\]-~])?"
"""The pattern of a title without padding: 1 to 16 printable characters, no backslash (PS3.5 6.2, AE)."""


def name_in_orthanc(title: str) -> str:
    """Return the symbolic name under which Orthanc keeps an AE title: letters, digits, hyphens and underscores."""
    return "ae-" + title.encode().hex()
