"""Where the data set of a file begins, and how it is encoded (PS3.10 7.1), found without parsing it."""

from __future__ import annotations

import struct
import zlib
from typing import Final

from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

LARGEST_INFLATED: Final = 512 << 20
"""Bytes that a deflated data set may grow to (PS3.5 A.5)."""
LONG: Final = frozenset(
    {b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"},
)
"""Value representations whose length has 32 bits (PS3.5 7.1.2)."""

_META = 132  # where the file meta information begins (PS3.10 7.1)
_LARGEST_META = 1 << 16


class Harmful(ValueError):
    """An object that must not be handed to a parser; the message says why, and goes on from "it"."""


def data_set(content: bytes) -> tuple[UID, bytes, int]:
    """Return a file's transfer syntax, the bytes that its data set lies in, inflated if need be, and where it begins.

    What has no file meta information is read as what its first element looks like, what is odd as explicit VR, little
    endian.

    Raises:
        Harmful: its deflated data set is broken, or larger than LARGEST_INFLATED.
    """
    syntax, start = _meta(content)
    if syntax == DeflatedExplicitVRLittleEndian:
        return syntax, _inflated(content[start:]), 0
    return syntax, content, start


def _meta(content: bytes) -> tuple[UID, int]:
    if content[128:_META] != b"DICM":
        if not content[4:6].isalpha():
            return ImplicitVRLittleEndian, 0
        # The first groups have small numbers.
        return (ExplicitVRBigEndian if content[0] == 0 and content[1] else ExplicitVRLittleEndian), 0
    at, syntax = _META, b""
    while at + 8 <= min(len(content), _LARGEST_META) and content[at : at + 2] == b"\x02\0":
        long = content[at + 4 : at + 6] in LONG
        length = struct.unpack_from("<I" if long else "<H", content, at + (8 if long else 6))[0]
        value = at + (12 if long else 8)
        if content[at + 2 : at + 4] == b"\x10\0":
            syntax = content[value : value + length]
        at = value + length
    return UID(syntax.decode("ascii", "replace").strip("\0 ")), at


def _inflated(squeezed: bytes) -> bytes:
    inflating = zlib.decompressobj(wbits=-zlib.MAX_WBITS)
    try:
        content = inflating.decompress(squeezed, LARGEST_INFLATED)
    except zlib.error:
        raise Harmful("its deflated data set cannot be read") from None
    if inflating.unconsumed_tail:
        raise Harmful(f"its deflated data set is larger than {LARGEST_INFLATED >> 20} MiB")
    return content
