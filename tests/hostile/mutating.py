"""Files that were damaged on their way: drawn by a seed, so that what fails can be made again."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable

from tests.synthetic import make, part10, uid

Mutate = Callable[[bytearray, random.Random], None]

# What takes a way of its own through the platform: each transfer syntax, many frames, colours, no pixels.
KINDS = (
    "ct",
    "enhanced_ct",
    "rgb_planar",
    "palette",
    "u8_implicit",
    "i12_big_endian",
    "u8_deflated",
    "multiframe_rle",
    "u12_jpeg70",
    "u12_jpegls",
    "u12_j2k",
    "u12_htj2k201",
    "multiframe_htj2k202",
    "sr",
)
_HEAD = 132  # bytes: the preamble and DICM
_LENGTHS = (0, 1, 7, 0x7FFF, 0xFFFF, 0x10000, 0x7FFFFFFF, 0xFFFFFFFE, 0xFFFFFFFF)
_NUMBERS = (0, 1, 0x7FFF, 0x8000, 0xFFFF)


def damaged(seed: int) -> tuple[str, bytes]:
    """Return a kind and its file with one to four things wrong; each seed has an instance of its own."""
    dice = random.Random(seed)
    kind = KINDS[seed % len(KINDS)]
    file = part10(make(kind, SOPInstanceUID=uid(f"damaged {seed}")))
    content = bytearray(file[_HEAD:])
    damage(content, dice)
    return kind, file[:_HEAD] + content


def damage(content: bytearray, dice: random.Random) -> None:
    """Do one to four things to a file without its preamble, or to a data set."""
    for _ in range(dice.randint(1, 4)):
        dice.choice(_MUTATIONS)(content, dice)


def _flip(content: bytearray, dice: random.Random) -> None:
    for _ in range(dice.randint(1, 16)):
        content[dice.randrange(len(content))] ^= 1 << dice.randrange(8)


def _cut(content: bytearray, dice: random.Random) -> None:
    del content[dice.randrange(min(60, len(content) - 1), len(content)) :]


def _drop(content: bytearray, dice: random.Random) -> None:
    at = dice.randrange(len(content))
    del content[at : at + dice.randint(1, 64)]


def _repeat(content: bytearray, dice: random.Random) -> None:
    at = dice.randrange(len(content))
    content[at:at] = content[at : at + dice.randint(1, 512)]


def _fill(content: bytearray, dice: random.Random) -> None:
    at = dice.randrange(len(content))
    length = min(dice.randint(1, 64), len(content) - at)
    content[at : at + length] = bytes([dice.choice((0, 0x20, 0x5C, 0x7F, 0xFF))]) * length


def _length(content: bytearray, dice: random.Random) -> None:
    at = dice.randrange(max(1, len(content) - 4))
    struct.pack_into("<I", content, at, dice.choice(_LENGTHS)) if at + 4 <= len(content) else None


def _number(content: bytearray, dice: random.Random) -> None:
    # A value of Rows, Columns, Bits Allocated ... where it stands in an explicit little-endian file.
    element = b"\x28\x00" + bytes([dice.choice((0x02, 0x06, 0x10, 0x11, 0x00)), dice.choice((0, 1)), 0x55, 0x53, 2, 0])
    found = content.find(element)
    if found >= 0:
        struct.pack_into("<H", content, found + len(element), dice.choice(_NUMBERS))


_MUTATIONS: tuple[Mutate, ...] = (_flip, _cut, _drop, _repeat, _fill, _length, _number)
