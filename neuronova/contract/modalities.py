"""Under which name Orthanc keeps a modality."""

from __future__ import annotations


def name_in_orthanc(title: str) -> str:
    """Return the symbolic name under which Orthanc keeps an AE title: letters, digits, hyphens and underscores."""
    return "ae-" + title.encode().hex()
