"""Objects that are damaged or harmful, drawn by a seed: files (PS3.10) whose head is right and whose rest is not."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

import pydicom
from pydicom.uid import UID

from tests.hostile.bombs import BOMBS, PATHS, nested
from tests.hostile.mutating import KINDS, damage
from tests.synthetic import make, part10, uid

DEPTHS = (33, 60, 1000, 20_000)
_KEPT = 3  # of each bomb: it takes a second to make one, and the same one comes again as a duplicate
_UIDS = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")
_SYNTAXES = ("u8_implicit", "i12_big_endian", "u8_deflated", "multiframe_rle", "u12_jpegls", "u12_j2k", "u12_htj2k201")
_LONG = (
    b"OB",
    b"OD",
    b"OF",
    b"OL",
    b"OV",
    b"OW",
    b"SQ",
    b"UC",
    b"UN",
    b"UR",
    b"UT",
)  # lengths of 32 bits (PS3.5 7.1.2)
_VRS = (b"AE", b"AT", b"DS", b"FL", b"IS", b"PN", b"SQ", b"UI", b"UN", b"US", b"UT", b"ZZ", b"\0\0")
_LENGTHS = (0, 0x7FFFFFFF, 0xFFFFFFFE, 0xFFFFFFFF)


@dataclass(frozen=True, slots=True)
class Object:
    """A file, and what is wrong with it."""

    kind: str
    file: bytes


def objects(seed: int) -> Iterator[Object]:
    """Yield objects without end: all kinds in turn, each time in another order."""
    dice = random.Random(seed)
    while True:
        for kind in dice.sample(tuple(MAKERS), len(MAKERS)):
            yield Object(kind, MAKERS[kind](dice))


def data_set_at(file: bytes | bytearray) -> int:
    """Return where a file's data set begins: after the group (0002,xxxx), whose first element says how long it is."""
    return 144 + int(struct.unpack_from("<I", file, 140)[0])


def _damaged(dice: random.Random) -> bytes:
    file = part10(make(dice.choice(KINDS), SOPInstanceUID=_new(dice)))
    at = data_set_at(file)
    rest = bytearray(file[at:])
    damage(rest, dice)
    return file[:at] + rest


def _wrong_vr(dice: random.Random) -> bytes:
    file, header = _with_header(dice)
    file[header + 4 : header + 6] = dice.choice(_VRS)
    return bytes(file)


def _wrong_length(dice: random.Random) -> bytes:
    file, header = _with_header(dice)
    where, form = (header + 8, "<I") if bytes(file[header + 4 : header + 6]) in _LONG else (header + 6, "<H")
    struct.pack_into(form, file, where, dice.choice(_LENGTHS) & (0xFFFF if form == "<H" else 0xFFFFFFFF))
    return bytes(file)


def _odd_length(dice: random.Random) -> bytes:
    file, header = _with_header(dice)
    where, form = (header + 8, "<I") if bytes(file[header + 4 : header + 6]) in _LONG else (header + 6, "<H")
    struct.pack_into(form, file, where, struct.unpack_from(form, file, where)[0] ^ 1)
    return bytes(file)


def _wrong_syntax(dice: random.Random) -> bytes:
    told = make(dice.choice(_SYNTAXES), SOPInstanceUID=_new(dice))
    sent = make(dice.choice(("ct", *_SYNTAXES)), SOPInstanceUID=told.SOPInstanceUID)
    return _with_head_of(part10(told), part10(sent))


def _path(dice: random.Random) -> bytes:
    instance = _new(dice)
    told, sent = (make("ct", SOPInstanceUID=instance) for _ in range(2))
    with pydicom.config.disable_value_validation():
        setattr(sent, dice.choice(_UIDS), dice.choice(PATHS))
        return _with_head_of(part10(told), part10(sent))


def _with_head_of(told: bytes, sent: bytes) -> bytes:
    """Return a file that says of itself what the first says, and is the second."""
    return told[: data_set_at(told)] + sent[data_set_at(sent) :]


def _nothing(dice: random.Random) -> bytes:
    file = part10(make("ct", SOPInstanceUID=_new(dice)))
    return file[: data_set_at(file) + dice.choice((0, 1, 7))]


def _nested(depth: int) -> Callable[[random.Random], bytes]:
    return lambda _dice: _made(f"nested {depth}", 0)


def _bomb(name: str) -> Callable[[random.Random], bytes]:
    return lambda dice: _made(name, dice.randrange(_KEPT))


@lru_cache(maxsize=_KEPT * len(BOMBS) + len(DEPTHS))
def _made(name: str, number: int) -> bytes:
    return BOMBS[name](f"{name} {number}") if name in BOMBS else nested(int(name.rpartition(" ")[2]))


def _new(dice: random.Random) -> UID:
    return uid(f"fuzz {dice.getrandbits(64)}")


def _with_header(dice: random.Random) -> tuple[bytearray, int]:
    """Return a CT and where the header of one of its elements is (explicit VR little endian, PS3.5 7.1.2)."""
    file = bytearray(part10(make("ct", SOPInstanceUID=_new(dice))))
    at, headers = data_set_at(file), []
    while at < len(file):
        headers.append(at)
        if bytes(file[at + 4 : at + 6]) in _LONG:
            at += 12 + struct.unpack_from("<I", file, at + 8)[0]
        else:
            at += 8 + struct.unpack_from("<H", file, at + 6)[0]
    return file, dice.choice(headers)


MAKERS: Mapping[str, Callable[[random.Random], bytes]] = {
    "damaged bytes": _damaged,
    "wrong VR": _wrong_vr,
    "wrong length": _wrong_length,
    "odd length": _odd_length,
    "another transfer syntax": _wrong_syntax,
    "path for a UID": _path,
    "no data set": _nothing,
    **{f"nested {depth} deep": _nested(depth) for depth in DEPTHS},
    **{name: _bomb(name) for name in BOMBS},
}
