"""How much an import takes in at most."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 1 << 20
GIB = 1 << 30


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """Sizes in bytes; what is larger is refused, and said so.

    `ratio` is of unpacked to packed bytes and holds from `ratio_from` on: a small blank image packs well too.
    """

    file: int = 4 * GIB
    members: int = 1_000_000
    archive: int = 1024 * GIB  # all members of one zip file, unpacked
    ratio: int = 200
    ratio_from: int = 64 * MIB
    depth: int = 64  # folders within folders
    directory: int = 64 * MIB  # a DICOMDIR
