"""How deep the sequences of an object nest (PS3.5 7.5).

Whoever parses them goes one call deeper with each: Orthanc's HTTP threads have 100 kB of stack and die, with the whole
server, of some fifty levels. So an object is looked at before Orthanc reads it.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from pydicom.uid import ExplicitVRBigEndian, ImplicitVRLittleEndian

from neuronova.contract.part10 import LONG, Harmful, data_set

DEEPEST: Final = 32
"""Levels that an object may have. Reports and segmentations have under ten."""

_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_PIXEL_DATA = 0x7FE00010
_UNDEFINED = 0xFFFFFFFF


def require_harmless(content: bytes) -> None:
    """Raise Harmful for a file, or a data set without file meta information, whose parser would need too much.

    What is no DICOM, or is cut off, is left to whoever reads it.
    """
    syntax, content, start = data_set(content)
    order = ">" if syntax == ExplicitVRBigEndian else "<"
    item = struct.pack(order + "HH", _ITEM >> 16, _ITEM & 0xFFFF)
    if content.count(item, start) > DEEPEST:  # it takes as many to be so deep; few objects get further than this
        _Walk(content, order, start, is_implicit=syntax == ImplicitVRLittleEndian).to_the_end()


class _Open(NamedTuple):
    """A sequence or an item that is not over: at its delimiter if it has no `end`."""

    end: int | None
    is_implicit: bool
    has_fragments: bool = False  # of encapsulated pixels: items without elements (PS3.5 A.4)


@dataclass
class _Walk:
    """Goes from element to element, and into sequences, without a call for each level."""

    content: bytes
    order: str
    at: int
    is_implicit: bool
    open: list[_Open] = field(default_factory=list)

    def to_the_end(self) -> None:
        while self.at + 8 <= len(self.content):
            while self.open and self.open[-1].end is not None and self.open[-1].end <= self.at:
                self.open.pop()
            if len(self.open) > 2 * DEEPEST:  # a sequence and its item are a level
                raise Harmful(f"its sequences are nested deeper than {DEEPEST} levels")
            tag = self._tag()
            if tag in (_ITEM, _ITEM_END, _SEQUENCE_END):
                self._delimiter(tag)
            else:
                self._element(tag)

    def _tag(self) -> int:
        group, element = struct.unpack_from(self.order + "HH", self.content, self.at)
        return int(group << 16 | element)

    def _delimiter(self, tag: int) -> None:
        (length,) = struct.unpack_from(self.order + "I", self.content, self.at + 4)
        self.at += 8
        if not self.open:
            raise Harmful("its sequences cannot be followed")
        if tag != _ITEM:
            self.open.pop()
        elif self.open[-1].has_fragments:
            self.at += length
        else:
            self.open.append(_Open(None if length == _UNDEFINED else self.at + length, self.open[-1].is_implicit))

    def _element(self, tag: int) -> None:
        implicit = self.open[-1].is_implicit if self.open else self.is_implicit
        vr, length = self._head(implicit)
        if length == _UNDEFINED:
            # What has no VR that is known has items as in implicit VR (PS3.5 6.2.2).
            self.open.append(_Open(None, implicit or vr == b"UN", tag == _PIXEL_DATA))
        elif vr == b"SQ" or (implicit and self.at + 8 <= len(self.content) and length >= 8 and self._tag() == _ITEM):
            self.open.append(_Open(self.at + length, implicit))
        else:
            self.at += length

    def _head(self, implicit: bool) -> tuple[bytes, int]:
        """Go past an element's head; return its VR (none where it is implicit) and the length of its value."""
        vr = b"" if implicit else self.content[self.at + 4 : self.at + 6]
        offset, kind = (4, "I") if implicit else (8, "I") if vr in LONG else (6, "H")
        start = self.at + offset + struct.calcsize(kind)
        if start > len(self.content):
            self.at = start
            return vr, 0
        (length,) = struct.unpack_from(self.order + kind, self.content, self.at + offset)
        self.at = start
        return vr, length
