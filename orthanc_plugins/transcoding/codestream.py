"""The main header of a JPEG 2000 codestream, and the frame header of the older JPEGs."""

import struct
from dataclasses import dataclass

from orthanc_plugins.transcoding.eligibility import Reason, Skipped

_SOC_SIZ = b"\xff\x4f\xff\x51"
_JP2_SIGNATURE = b"\x00\x00\x00\x0cjP  \r\n\x87\n"
_CAP, _COD, _TLM, _SOT, _EOC = 0xFF50, 0xFF52, 0xFF55, 0xFF90, 0xFFD9
_PROGRESSIONS = ("LRCP", "RLCP", "RPCL", "PCRL", "CPRL")
_FIRST_SSIZ = 42
# Start of frame, all processes, and JPEG-LS; not DHT (C4), JPG (C8) and DAC (CC), which lie in between.
_START_OF_FRAME = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC} | {0xF7}


@dataclass(frozen=True, kw_only=True)
class Codestream:
    """What a JPEG 2000 main header says (ISO/IEC 15444-1 Annex A); JPEGs fill the first six fields only."""

    rows: int
    columns: int
    components: int
    precision: int
    is_signed: bool
    is_subsampled: bool
    is_reversible: bool = False
    has_component_transform: bool = False
    is_high_throughput: bool = False
    has_tile_part_lengths: bool = False
    decomposition_levels: int = 0
    progression: str = ""

    @property
    def base_size(self) -> int:
        """Longer side, in pixels, of the lowest resolution (PS3.5 10.18 asks for at most 64 in .202)."""
        return -(-max(self.rows, self.columns) >> self.decomposition_levels)


def parse_codestream(data: bytes) -> Codestream:
    """Parse a JPEG 2000 main header; raises Skipped(broken) where it is not one or its components differ."""
    if data.startswith(_JP2_SIGNATURE):
        data = data[max(data.find(_SOC_SIZ), 0) :]
    if not data.startswith(_SOC_SIZ):
        raise Skipped(Reason.BROKEN, "a frame does not begin with a JPEG 2000 codestream")
    try:
        return _parse(data)
    except (struct.error, IndexError) as error:
        raise Skipped(Reason.BROKEN, "a JPEG 2000 main header is truncated") from error


def _parse(data: bytes) -> Codestream:
    x1, y1, x0, y0 = struct.unpack_from(">4I", data, 8)
    (components,) = struct.unpack_from(">H", data, 40)
    sizes = [tuple(data[_FIRST_SSIZ + 3 * i : _FIRST_SSIZ + 3 * i + 3]) for i in range(components)]
    if not sizes or len({size[0] for size in sizes}) > 1 or x1 <= x0 or y1 <= y0:
        raise Skipped(Reason.BROKEN, "the components of a JPEG 2000 codestream differ in depth, or are empty")
    markers = _markers(data)
    cod = markers[_COD]
    return Codestream(
        rows=y1 - y0,
        columns=x1 - x0,
        components=components,
        precision=(sizes[0][0] & 0x7F) + 1,
        is_signed=bool(sizes[0][0] & 0x80),
        is_subsampled=any(size[1:] != (1, 1) for size in sizes),
        is_reversible=cod[9] == 1,
        has_component_transform=cod[4] == 1,
        is_high_throughput=_CAP in markers,
        has_tile_part_lengths=_TLM in markers,
        decomposition_levels=cod[5],
        progression=_PROGRESSIONS[cod[1]],
    )


def _markers(data: bytes) -> dict[int, bytes]:
    """Payloads of the main header's marker segments, by marker; raises Skipped where there is no COD."""
    markers: dict[int, bytes] = {}
    position = 2
    while True:
        marker, length = struct.unpack_from(">HH", data, position)
        if marker == _SOT:
            break
        if marker < 0xFF00 or length < 2:
            raise Skipped(Reason.BROKEN, "a JPEG 2000 main header has an invalid marker")
        markers[marker] = data[position + 4 : position + 2 + length]
        position += 2 + length
    if _COD not in markers:
        raise Skipped(Reason.BROKEN, "a JPEG 2000 main header has no coding style")
    return markers


def require_whole(data: bytes) -> None:
    """Raise Skipped(broken) where a tile part is cut off (ISO/IEC 15444-1 A.4.2).

    Decoders make grey of what is missing. A missing end marker alone loses no pixel.
    """
    position = data.find(_SOC_SIZ) + 2
    while position + 2 <= len(data):
        marker, length = struct.unpack_from(">HH", data.ljust(position + 4, b"\0"), position)
        if marker == _EOC:
            return
        if marker == _SOT:
            (tile_part,) = struct.unpack_from(">I", data.ljust(position + 12, b"\0"), position + 6)
            if tile_part == 0:  # up to the end marker
                return
            length = max(tile_part, 12) - 2
        position += 2 + length
    if position > len(data):
        raise Skipped(Reason.BROKEN, "a JPEG 2000 codestream is truncated")


def declare_precision(codestream: bytes, bits: int, *, is_signed: bool) -> bytes:
    """Write `bits` and the sign into every component of the SIZ segment (ISO/IEC 15444-1 A.5.1).

    A reversible codestream's magnitudes do not depend on that value: it sets the level that a decoder adds to
    unsigned samples and the range that it clips to.
    """
    (components,) = struct.unpack_from(">H", codestream, 40)
    ssiz = (bits - 1) | (0x80 if is_signed else 0)
    header = bytearray(codestream[: _FIRST_SSIZ + 3 * components])
    header[_FIRST_SSIZ::3] = bytes([ssiz]) * components
    return bytes(header) + codestream[len(header) :]


def parse_jpeg(data: bytes) -> Codestream:
    """Parse the frame header of a JPEG or JPEG-LS stream (ISO/IEC 10918-1 B.2.2); raises Skipped(broken)."""
    if not data.startswith(b"\xff\xd8"):
        raise Skipped(Reason.BROKEN, "a frame does not begin with a JPEG stream")
    position = 2
    try:
        while data[position + 1] not in _START_OF_FRAME or data[position] != 0xFF:
            if data[position] != 0xFF:
                raise Skipped(Reason.BROKEN, "a JPEG header has an invalid marker")
            if data[position + 1] == 0xFF:
                position += 1
            else:
                position += 2 + max(2, struct.unpack_from(">H", data, position + 2)[0])
        precision, rows, columns, components = struct.unpack_from(">BHHB", data, position + 4)
        sampling = {data[position + 11 + 3 * i] for i in range(components)}
    except (struct.error, IndexError) as error:
        raise Skipped(Reason.BROKEN, "a JPEG header is truncated") from error
    return Codestream(
        rows=rows,
        columns=columns,
        components=components,
        precision=precision,
        is_signed=False,
        is_subsampled=len(sampling) > 1,
    )
