"""Part 10 files in another transfer syntax, written frame by frame."""

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import accumulate
from pathlib import Path
from typing import BinaryIO

from pydicom import dcmwrite
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset
from pydicom.uid import UID

from orthanc_plugins.transcoding import transfer_syntax
from orthanc_plugins.transcoding.codestream import Codestream, parse_codestream
from orthanc_plugins.transcoding.container import Container, Read, read_container, read_frame
from orthanc_plugins.transcoding.decoding import explicit_frame, swapped
from orthanc_plugins.transcoding.eligibility import Reason, Skipped, require_decodable
from orthanc_plugins.transcoding.image import ImageFacts
from orthanc_plugins.transcoding.source import (
    DOUBLE_PIXEL_DATA,
    FLOAT_PIXEL_DATA,
    PIXEL_DATA,
    PixelElement,
    Source,
    open_source,
)

_CHUNK = 1 << 20
_UNDEFINED_LENGTH = 0xFFFFFFFF
_MAX_LENGTH = 0xFFFFFFFE
_MAX_BASIC_OFFSET = 0xFFFFFFFF
_ITEM = struct.Struct("<HHI")
_SEQUENCE_DELIMITATION = _ITEM.pack(0xFFFE, 0xE0DD, 0)
_FLOAT_VRS = {FLOAT_PIXEL_DATA: "OF", DOUBLE_PIXEL_DATA: "OD"}
_WORDS = {"OW": 2, "OF": 4, "OL": 4, "OD": 8, "OV": 8}
_EXTENDED_OFFSETS = ("ExtendedOffsetTable", "ExtendedOffsetTableLengths")


def compose_explicit(path: Path, target: Path) -> None:
    """Write the object in Explicit VR Little Endian (PS3.5 A.2), UIDs unchanged; objects without pixels too.

    Memory stays at about one frame. Raises Skipped where a frame cannot be decoded, or all do not fit into
    the 4 GB of an element; `target` is then incomplete.
    """
    with open_source(path) as source, target.open("wb") as file:
        dataset, pixels = source.dataset, source.pixels
        if pixels is not None and pixels.frames is not None:
            _describe_decoded(dataset, source)
        _turn_words(dataset, source)
        _write_head(file, dataset, source.file_meta, transfer_syntax.EXPLICIT_VR_LITTLE_ENDIAN)
        if pixels is None:
            return
        length = pixels.length
        if pixels.frames is not None:
            length = source.facts.frame_length * source.number_of_frames
        if length + length % 2 > _MAX_LENGTH:
            raise Skipped(Reason.TOO_LARGE, f"{length} bytes of Pixel Data")
        _write_element_head(file, pixels.tag, _explicit_vr(source, pixels), length + length % 2)
        for data in _values(source, pixels):
            file.write(data)
        file.write(bytes(length % 2))
        _write_rest(file, _turn_words(source.trailing(), source))


def compose_htj2k(path: Path, read: Read, target: Path) -> None:
    """Write the object in its container's transfer syntax, with the container's codestreams.

    `read` reads the container. The offset table is basic, or extended where the codestreams exceed 4 GB
    (PS3.5 A.4, PS3.3 C.7.6.3.1.8); PhotometricInterpretation is that of the codestreams (PS3.5 8.2.4). Raises
    Skipped, ContainerError.
    """
    container = read_container(read)
    with open_source(path) as source, target.open("wb") as file:
        if container.number_of_frames != source.number_of_frames or source.pixels is None:
            raise Skipped(Reason.BROKEN, "the container has another number of frames than the object")
        dataset = source.dataset
        facts, first = container.header.image, parse_codestream(read_frame(read, container, 0))
        dataset.PhotometricInterpretation = encoded_photometric_interpretation(first, facts)
        if facts.samples_per_pixel > 1:
            dataset.PlanarConfiguration = 0
        _turn_words(dataset, source)
        basic = _write_offsets(dataset, container)
        _write_head(file, dataset, source.file_meta, container.header.transfer_syntax)
        _write_element_head(file, PIXEL_DATA, "OB", _UNDEFINED_LENGTH)
        _write_item(file, basic)
        for index in range(container.number_of_frames):
            _write_item(file, read_frame(read, container, index))
        file.write(_SEQUENCE_DELIMITATION)
        _write_rest(file, _turn_words(source.trailing(), source))


def encoded_photometric_interpretation(codestream: Codestream, facts: ImageFacts) -> str:
    """PhotometricInterpretation of an object whose frames decode to `facts` (PS3.3 C.7.6.3.1.2)."""
    if not codestream.has_component_transform:
        return facts.photometric_interpretation
    return "YBR_RCT" if codestream.is_reversible else "YBR_ICT"


def _describe_decoded(dataset: Dataset, source: Source) -> None:
    facts = source.decoded_facts
    require_decodable(facts, source.transfer_syntax)
    dataset.PhotometricInterpretation = facts.photometric_interpretation
    if facts.samples_per_pixel > 1:
        dataset.PlanarConfiguration = facts.planar_configuration
    _remove_extended_offsets(dataset)


def _remove_extended_offsets(dataset: Dataset) -> None:
    for name in _EXTENDED_OFFSETS:
        if name in dataset:
            delattr(dataset, name)


def _explicit_vr(source: Source, pixels: PixelElement) -> str:
    if pixels.tag in _FLOAT_VRS:
        return _FLOAT_VRS[pixels.tag]
    if source.facts.bits_allocated > 8:
        return "OW"
    return pixels.vr if pixels.frames is None and pixels.vr in {"OB", "OW"} else "OB"


def _values(source: Source, pixels: PixelElement) -> Iterator[bytes]:
    if pixels.frames is not None:
        for index in range(source.number_of_frames):
            yield explicit_frame(source, index)
        return
    word = _word_size(source, pixels) if source.is_big_endian else 1
    for offset in range(0, pixels.length, _CHUNK):
        yield swapped(source.read(pixels.offset + offset, min(_CHUNK, pixels.length - offset)), word)


def _word_size(source: Source, pixels: PixelElement) -> int:
    """Bytes that a big-endian file swaps (PS3.5 7.3): an OW is 16-bit words even for 8-bit cells."""
    if pixels.tag in _FLOAT_VRS:
        return 4 if pixels.tag == FLOAT_PIXEL_DATA else 8
    cell = source.facts.bits_allocated // 8
    return max(cell, 2) if pixels.vr == "OW" else max(cell, 1)


@contextmanager
def _broken_unless_written() -> Iterator[None]:
    """Turn what pydicom raises of a value that it cannot read or write into Skipped; a full disk stays one."""
    try:
        yield
    except (OSError, Skipped):
        raise
    except Exception as error:
        raise Skipped(Reason.BROKEN, f"an element cannot be written: {error}") from error


def _turn_words(dataset: Dataset, source: Source) -> Dataset:
    """Swap the words that pydicom keeps as they lie in a big-endian file (tables, overlays), sequences too."""
    if source.is_big_endian:
        with _broken_unless_written():
            for element in dataset.iterall():
                size = _WORDS.get(element.VR, 1)
                if isinstance(element.value, bytes) and len(element.value) % size == 0:
                    element.value = swapped(element.value, size)
    return dataset


def _write_offsets(dataset: Dataset, container: Container) -> bytes:
    """Give the Basic Offset Table; where 32 bits do not do, put the extended one into the data set."""
    _remove_extended_offsets(dataset)
    lengths = [size for _, size in map(container.frame_range, range(container.number_of_frames))]
    offsets = [0, *accumulate(_ITEM.size + size + size % 2 for size in lengths[:-1])]
    if offsets[-1] <= _MAX_BASIC_OFFSET:
        return struct.pack(f"<{len(offsets)}I", *offsets)
    for name, values in zip(_EXTENDED_OFFSETS, (offsets, lengths), strict=True):
        setattr(dataset, name, struct.pack(f"<{len(values)}Q", *values))
    return b""


def _write_head(file: BinaryIO, dataset: Dataset, meta: FileMetaDataset, syntax: str) -> None:
    """Preamble, group 2 and the data set up to the pixel element (PS3.10 7.1)."""
    meta.TransferSyntaxUID = UID(syntax)
    dataset.file_meta = meta
    with _broken_unless_written():
        dcmwrite(file, dataset, implicit_vr=False, little_endian=True, enforce_file_format=True)


def _write_element_head(file: BinaryIO, tag: int, vr: str, length: int) -> None:
    file.write(struct.pack("<HH2sHI", tag >> 16, tag & 0xFFFF, vr.encode(), 0, length))


def _write_item(file: BinaryIO, value: bytes) -> None:
    padding = bytes(len(value) % 2)
    file.writelines((_ITEM.pack(0xFFFE, 0xE000, len(value) + len(padding)), value, padding))


def _write_rest(file: BinaryIO, dataset: Dataset) -> None:
    buffer = DicomBytesIO()
    buffer.is_little_endian, buffer.is_implicit_VR = True, False
    with _broken_unless_written():
        write_dataset(buffer, dataset)
    file.write(buffer.getvalue())
