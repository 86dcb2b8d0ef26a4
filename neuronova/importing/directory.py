"""The DICOMDIR of a disc: which of the files that it names are not there."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import BinaryIO

from pydicom import dcmread

from neuronova.importing.limits import Limits
from neuronova.importing.outcome import Refused


def missing_files(file: BinaryIO, path: bytes, limits: Limits) -> tuple[bytes, ...]:
    """Return the paths of files that the DICOMDIR at `path` names (PS3.3 F.3.2.2) and that do not exist.

    Raises:
        Refused: it cannot be read, or is too large.
    """
    file.seek(0, os.SEEK_END)
    if file.tell() > limits.directory:
        raise Refused(f"the DICOMDIR is larger than {limits.directory:,} bytes")
    file.seek(0)
    folder = os.path.dirname(path)  # noqa: PTH120 - bytes
    try:
        records = dcmread(file).get("DirectoryRecordSequence") or []
        named = [one.ReferencedFileID for one in records if one.get("ReferencedFileID")]
        components = [[one] if isinstance(one, str) else [str(part) for part in one] for one in named]
    except Exception as odd:  # whatever a broken file makes the parser raise
        raise Refused(f"broken DICOMDIR: {type(odd).__name__}") from None
    if any(part in ("", ".", "..") or "/" in part or "\0" in part for one in components for part in one):
        raise Refused("the DICOMDIR names files outside of its folder")
    missing = {b"/".join([folder, *one]): None for one in _encoded(components) if not _exists(folder, one)}
    return tuple(missing)


def _encoded(components: list[list[str]]) -> Iterator[list[bytes]]:
    for one in components:
        yield [part.encode() for part in one]


def _exists(folder: bytes, parts: Sequence[bytes]) -> bool:
    """Look for a name as it stands, and as systems show names of ISO 9660: in lower case, with a version."""
    for part in parts:
        shown = (folder + b"/" + one for one in (part, part.lower(), part + b";1", part.lower() + b".;1"))
        found = next(filter(os.path.lexists, shown), None)
        if found is None:
            return False
        folder = found
    return True
