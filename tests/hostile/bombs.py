"""Files that are small and ask for much, or name what is not theirs to name."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Mapping

from pydicom import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian, JPEG2000Lossless, RLELossless

from tests.synthetic import make, part10, uid

_MEBIBYTE = 1 << 20
_SEQUENCE = struct.pack("<HH2sHI", 0x7FE1, 0x1010, b"SQ", 0, 0xFFFFFFFF)  # after the pixels
_ITEM = struct.pack("<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF)
_ITEM_END = struct.pack("<HHI", 0xFFFE, 0xE00D, 0)
_SEQUENCE_END = struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)


def _object(word: str, **attributes: object) -> Dataset:
    return make("ct", SOPInstanceUID=uid(f"bomb {word}"), **attributes)


def _deflated(word: str, size: int) -> bytes:
    """Return a file that grows to `size` bytes when it is read."""
    whole = part10(_object(word))
    head, data = _split(whole)
    squeezed = zlib.compressobj(1, wbits=-15)
    content = squeezed.compress(data + struct.pack("<HH2sHI", 0x7FE1, 0x1010, b"OB", 0, size))
    for _ in range(size // _MEBIBYTE):
        content += squeezed.compress(bytes(_MEBIBYTE))
    content += squeezed.flush()
    return head + content + b"\0" * (len(content) % 2)  # PS3.5 A.5


def _split(whole: bytes) -> tuple[bytes, bytes]:
    """Return what stands before the data set, which says that it is deflated, and the data set."""
    length = struct.unpack_from("<I", whole, 140)[0]
    old = whole[132 : 144 + length]
    syntax = b"1.2.840.10008.1.2.1\0"
    new = DeflatedExplicitVRLittleEndian.encode() + b"\0" * (len(DeflatedExplicitVRLittleEndian) % 2)
    meta = old.replace(struct.pack("<H", len(syntax)) + syntax, struct.pack("<H", len(new)) + new)
    meta = meta[:8] + struct.pack("<I", len(meta) - 12) + meta[12:]
    return whole[:132] + meta, whole[144 + length :]


def nested(depth: int) -> bytes:
    """Return an object with sequences in sequences."""
    return part10(_object(f"nested {depth}")) + (_SEQUENCE + _ITEM) * depth + (_ITEM_END + _SEQUENCE_END) * depth


def _items(word: str, count: int) -> bytes:
    empty = struct.pack("<HHI", 0xFFFE, 0xE000, 0)
    return part10(_object(word)) + _SEQUENCE + empty * count + _SEQUENCE_END


def _frames(word: str, syntax: str, *frames: bytes, **attributes: object) -> bytes:
    ds = _object(word, **attributes)
    ds.file_meta.TransferSyntaxUID = UID(syntax)
    ds.PixelData = encapsulate(list(frames), has_bot=False)
    ds["PixelData"].VR = "OB"
    ds["PixelData"].is_undefined_length = True
    return part10(ds)


def _j2k(rows: int, columns: int) -> bytes:
    """Return the head of a JPEG 2000 codestream (ISO/IEC 15444-1 A.5.1) that promises so many pixels, and no more."""
    size = struct.pack(">HHIIIIIIIIH", 41, 0, columns, rows, 0, 0, columns, rows, 0, 0, 1) + bytes([15, 1, 1])
    return b"\xff\x4f\xff\x51" + size + b"\xff\xd9"


def _rle(segments: int, size: int) -> bytes:
    """Return a frame (PS3.5 Annex G) whose segments each repeat one byte until `size` bytes are there."""
    segment = b"\x81\0" * (size // 128)
    offsets = [64 + number * len(segment) for number in range(segments)] + [0] * (15 - segments)
    return struct.pack("<16I", segments, *offsets) + segment * segments


BOMBS: Mapping[str, Callable[[str], bytes]] = {
    "deflated-600-MiB": lambda word: _deflated(word, 600 * _MEBIBYTE),
    "deflated-200-MiB": lambda word: _deflated(word, 200 * _MEBIBYTE),
    "rows-and-columns": lambda word: part10(_object(word, Rows=65535, Columns=65535)),
    "two-billion-frames": lambda word: part10(_object(word, NumberOfFrames=2147483647)),
    "two-billion-j2k-frames": lambda word: _frames(word, JPEG2000Lossless, _j2k(64, 64), NumberOfFrames=2147483647),
    "j2k-of-3.6-gigapixels": lambda word: _frames(
        word, JPEG2000Lossless, _j2k(60000, 60000), Rows=60000, Columns=60000
    ),
    "rle-of-8-GiB": lambda word: _frames(word, RLELossless, _rle(2, 1 << 20), Rows=65535, Columns=65535),
    "rle-that-goes-on": lambda word: _frames(word, RLELossless, _rle(2, 1 << 26)),
    "a-hundred-thousand-fragments": lambda word: _frames(
        word, JPEG2000Lossless, *[b"\0\0"] * 100_000, NumberOfFrames=7
    ),
    "two-hundred-thousand-items": lambda word: _items(word, 200_000),
    "a-text-of-8-MiB": lambda word: part10(_object(word, TextValue="x" * (8 * _MEBIBYTE))),
}

PATHS = (
    "../../../../../../tmp/harm",
    "/etc/passwd",
    "1.2.3/../../harm",
    "1.2.3;rm -rf .",
    "1.2.3\n1.2.4",
    "%2e%2e%2fharm",
    "1.2.3%00.dcm",
    "<script>alert(1)</script>",
    "1" * 300,
)
"""What stands in place of UIDs."""
