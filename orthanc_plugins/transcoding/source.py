"""A stored Part 10 file, opened without reading its pixels."""

import os
import struct
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filereader import read_dataset, read_file_meta_info

from orthanc_plugins.transcoding import encapsulation, transfer_syntax
from orthanc_plugins.transcoding.container import MAX_FRAMES, Native
from orthanc_plugins.transcoding.decompressing import decompress
from orthanc_plugins.transcoding.eligibility import Reason, Skipped, require_decodable, require_encodable
from orthanc_plugins.transcoding.image import ImageFacts
from orthanc_plugins.transcoding.image_module import decoded_facts, image_facts
from orthanc_plugins.transcoding.inflating import inflate

Array = NDArray[Any]

PIXEL_DATA, FLOAT_PIXEL_DATA, DOUBLE_PIXEL_DATA = 0x7FE00010, 0x7FE00008, 0x7FE00009
_UNDEFINED_LENGTH = 0xFFFFFFFF
_LONG_VRS = {b"OB", b"OW", b"OF", b"OD", b"OL", b"OV", b"UN"}


@dataclass(frozen=True, kw_only=True)
class PixelElement:
    """The element that holds the pixels, by its bytes in the file, and its frames if encapsulated."""

    tag: int
    vr: str
    offset: int
    length: int
    end: int
    frames: tuple[encapsulation.Frame, ...] | None


@dataclass(frozen=True, kw_only=True)
class Source:
    """An open object; frames count from 0. `dataset` is without the pixel element and what follows it."""

    dataset: Dataset
    file_meta: FileMetaDataset
    transfer_syntax: str
    number_of_frames: int
    size: int
    pixels: PixelElement | None
    file: BinaryIO

    def read(self, offset: int, size: int) -> bytes:
        """`size` bytes of the (inflated) file, fewer at its end."""
        return os.pread(self.file.fileno(), size, offset)

    @cached_property
    def facts(self) -> ImageFacts:
        """The object as it is stored; raises Skipped where it has no integer pixels, or is broken."""
        if self.pixels is None:
            raise Skipped(Reason.NO_PIXEL_DATA, "no Pixel Data")
        if self.pixels.tag != PIXEL_DATA:
            raise Skipped(Reason.FLOAT_PIXEL_DATA, "Float or Double Float Pixel Data")
        return image_facts(self.dataset)

    @cached_property
    def decoded_facts(self) -> ImageFacts:
        """What `facts` become when a frame is decoded: colour transforms of the codestream are undone."""
        return decoded_facts(self.facts, self.transfer_syntax)

    @property
    def is_big_endian(self) -> bool:
        """Whether cells are stored big endian."""
        return self.transfer_syntax == transfer_syntax.EXPLICIT_VR_BIG_ENDIAN

    @property
    def native(self) -> Native | None:
        """Where uncompressed little-endian frames of whole bytes lie in the stored file, if they do."""
        syntaxes = {transfer_syntax.IMPLICIT_VR_LITTLE_ENDIAN, transfer_syntax.EXPLICIT_VR_LITTLE_ENDIAN}
        if self.pixels is None or self.transfer_syntax not in syntaxes or self.facts.frame_bits % 8:
            return None
        return Native(offset=self.pixels.offset, frame_length=self.facts.frame_length)

    def require_encodable(self) -> None:
        """Raise Skipped with the reason where the object gets no HTJ2K representation."""
        if self.transfer_syntax in transfer_syntax.VIDEO:
            raise Skipped(Reason.VIDEO, self.transfer_syntax)
        facts = self.facts
        try:
            sop_class, modality = (str(self.dataset.get(name, "")) for name in ("SOPClassUID", "Modality"))
        except Exception as error:
            raise Skipped(Reason.BROKEN, f"SOPClassUID or Modality: {error}") from error
        require_encodable(facts, self.transfer_syntax, sop_class, modality)

    def frame_bytes(self, index: int) -> bytes:
        """Frame `index` as it is stored: fragments joined, or cells in the file's byte order.

        Frames of single bits that share a byte with their neighbour are shifted to begin at bit 0 (PS3.5
        8.1.1). Raises IndexError for a frame that the object does not have, Skipped where it cannot be read.
        """
        if not 0 <= index < self.number_of_frames:
            raise IndexError(f"frame {index} of {self.number_of_frames}")
        facts, pixels = self.facts, self.pixels
        if pixels is None:
            raise Skipped(Reason.NO_PIXEL_DATA, "no Pixel Data")
        if pixels.frames is not None:
            return encapsulation.read_frame(self.read, pixels.frames[index])
        if facts.frame_bits % 8:
            return self._frame_of_bits(pixels.offset, index)
        start = index * facts.frame_length
        if not self._swaps_words:
            return self._exactly(pixels.offset + start, facts.frame_length)
        # 8-bit cells of a big-endian OW come in swapped pairs; a frame may begin inside a pair.
        first, last = start & ~1, (start + facts.frame_length + 1) & ~1
        pairs = np.frombuffer(self._exactly(pixels.offset + first, last - first), "u2").byteswap()
        return pairs.tobytes()[start - first :][: facts.frame_length]

    def frame_array(self, index: int) -> Array:
        """Frame `index` as stored values: `decoded_facts.shape` and `.dtype`, samples interleaved.

        Unused high bits of an uncompressed cell are part of it. Raises IndexError, and Skipped where the
        frame is broken or cannot be decoded.
        """
        facts = self.facts
        require_decodable(facts, self.transfer_syntax)
        data = self.frame_bytes(index)
        if self.pixels is None or self.pixels.frames is not None:
            return decompress(data, facts, self.transfer_syntax)
        if self.is_big_endian and facts.bits_allocated == 16:
            array = np.frombuffer(data, facts.dtype.replace("<", ">")).astype(facts.dtype)
        else:
            array = np.frombuffer(data, facts.dtype)
        if facts.samples_per_pixel == 1 or facts.planar_configuration == 0:
            return array.reshape(facts.shape)
        planes = array.reshape(facts.samples_per_pixel, facts.rows, facts.columns)
        return np.ascontiguousarray(planes.transpose(1, 2, 0))

    def trailing(self) -> Dataset:
        """Read the elements after the pixel element (PS3.3 C.12.1.1.3 digital signatures, padding)."""
        if self.pixels is None:
            return Dataset()
        self.file.seek(self.pixels.end)
        implicit = self.transfer_syntax == transfer_syntax.IMPLICIT_VR_LITTLE_ENDIAN
        try:
            return read_dataset(self.file, implicit, not self.is_big_endian)
        except Exception as error:
            raise Skipped(Reason.BROKEN, f"after the pixel element: {error}") from error

    @property
    def _swaps_words(self) -> bool:
        return (
            self.is_big_endian and self.facts.bits_allocated <= 8 and self.pixels is not None and self.pixels.vr == "OW"
        )

    def _frame_of_bits(self, offset: int, index: int) -> bytes:
        start = index * self.facts.frame_bits
        first, last = start // 8, (start + self.facts.frame_bits + 7) // 8
        data = np.frombuffer(self._exactly(offset + first, last - first), "u1")
        bits = np.unpackbits(data, bitorder="little")[start - 8 * first :][: self.facts.frame_bits]
        return np.packbits(bits, bitorder="little").tobytes()

    def _exactly(self, offset: int, size: int) -> bytes:
        data = self.read(offset, size)
        if len(data) != size:
            raise Skipped(Reason.BROKEN, f"Pixel Data is truncated: {len(data)} of {size} bytes")
        return data


def read_transfer_syntax(path: Path) -> str:
    """Transfer syntax of a Part 10 file; raises Skipped(broken) where it is not one."""
    return str(_read_meta(path).TransferSyntaxUID)


def _read_meta(path: Path) -> FileMetaDataset:
    try:
        meta = read_file_meta_info(path)
        _ = meta.TransferSyntaxUID
    except Exception as error:
        raise Skipped(Reason.BROKEN, f"not a DICOM file: {error}") from error
    return meta


@contextmanager
def open_source(path: Path) -> Iterator[Source]:
    """Open a Part 10 file (PS3.10 7); raises Skipped(broken) where it is not one, or truncated."""
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        meta = _read_meta(path)
        syntax = str(meta.TransferSyntaxUID)
        if syntax == transfer_syntax.DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN:
            with tempfile.TemporaryFile() as inflated:
                inflate(file, inflated)
                yield _source(inflated, meta, syntax, size)
        else:
            yield _source(file, meta, syntax, size)


def _source(file: BinaryIO, meta: FileMetaDataset, syntax: str, size: int) -> Source:
    try:
        dataset = _read_until_pixels(file, syntax)
        frames = int(dataset.get("NumberOfFrames") or 1)
    except Exception as error:
        raise Skipped(Reason.BROKEN, f"data set: {error}") from error
    if not 0 < frames <= MAX_FRAMES:
        raise Skipped(Reason.BROKEN, f"{frames} frames")
    source = Source(
        dataset=dataset,
        file_meta=meta,
        transfer_syntax=syntax,
        number_of_frames=frames,
        size=size,
        pixels=None,
        file=file,
    )
    element = _pixel_element(source, file.tell())
    return source if element is None else replace(source, pixels=element)


def _read_until_pixels(file: BinaryIO, syntax: str) -> Dataset:
    if syntax == transfer_syntax.DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN:
        tags = {PIXEL_DATA, FLOAT_PIXEL_DATA, DOUBLE_PIXEL_DATA}
        return read_dataset(file, False, True, stop_when=lambda tag, _vr, _length: tag in tags)
    return dcmread(file, stop_before_pixels=True)


def _pixel_element(source: Source, position: int) -> PixelElement | None:
    """Locate the element at `position`, where the data set's reader stopped."""
    head = source.read(position, 12)
    if len(head) < 8:
        return None
    order = ">" if source.is_big_endian else "<"
    group, element = struct.unpack_from(f"{order}HH", head)
    if source.transfer_syntax == transfer_syntax.IMPLICIT_VR_LITTLE_ENDIAN:
        vr, offset, (length,) = "OW", position + 8, struct.unpack_from("<I", head, 4)
    elif len(head) == 12 and head[4:6] in _LONG_VRS:
        vr, offset, (length,) = head[4:6].decode(), position + 12, struct.unpack_from(f"{order}I", head, 8)
    else:
        raise Skipped(Reason.BROKEN, "the pixel element's header is broken")
    tag = group << 16 | element
    if tag not in {PIXEL_DATA, FLOAT_PIXEL_DATA, DOUBLE_PIXEL_DATA}:
        raise Skipped(Reason.BROKEN, f"unreadable from byte {position} on")
    if length != _UNDEFINED_LENGTH:
        return _native_element(source, tag, vr, offset, length)
    if source.transfer_syntax in transfer_syntax.UNCOMPRESSED:
        raise Skipped(Reason.BROKEN, "encapsulated Pixel Data in an uncompressed transfer syntax")
    frames: list[encapsulation.Frame] = []
    end = offset
    if source.transfer_syntax not in transfer_syntax.VIDEO:
        extended = _extended_offsets(source.dataset)
        frames, end = encapsulation.find_frames(source.read, offset, source.number_of_frames, extended)
    return PixelElement(tag=tag, vr=vr, offset=offset, length=length, end=end, frames=tuple(frames))


def _native_element(source: Source, tag: int, vr: str, offset: int, length: int) -> PixelElement:
    if source.transfer_syntax not in transfer_syntax.UNCOMPRESSED:
        raise Skipped(Reason.BROKEN, "Pixel Data of a compressed transfer syntax is not encapsulated")
    end = offset + length
    if length and not source.read(end - 1, 1):
        raise Skipped(Reason.BROKEN, f"Pixel Data is truncated: {length} bytes announced")
    if tag == PIXEL_DATA:
        bits = image_facts(source.dataset).frame_bits * source.number_of_frames
        if (bits + 7) // 8 > length:
            raise Skipped(Reason.BROKEN, f"Pixel Data of {length} bytes instead of {(bits + 7) // 8}")
    return PixelElement(tag=tag, vr=vr, offset=offset, length=length, end=end, frames=None)


def _extended_offsets(dataset: Dataset) -> list[encapsulation.Fragment]:
    """Read the Extended Offset Table (PS3.3 C.7.6.3.1.8); empty where it is absent or odd."""
    try:
        offsets, lengths = (
            bytes(dataset.get(name) or b"") for name in ("ExtendedOffsetTable", "ExtendedOffsetTableLengths")
        )
    except Exception as error:
        raise Skipped(Reason.BROKEN, f"Extended Offset Table: {error}") from error
    if not offsets or len(offsets) != len(lengths) or len(offsets) % 8:
        return []
    return list(zip(np.frombuffer(offsets, "<u8").tolist(), np.frombuffer(lengths, "<u8").tolist(), strict=True))
