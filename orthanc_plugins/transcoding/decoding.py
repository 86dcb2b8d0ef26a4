"""Frames as they would be in Explicit VR Little Endian."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from orthanc_plugins.transcoding.eligibility import Reason, Skipped
from orthanc_plugins.transcoding.image import ImageFacts
from orthanc_plugins.transcoding.source import Source, open_source


def raw_frame(path: Path, index: int) -> bytes:
    """Frame `index`, from 0, as `frame_length` bytes of little-endian cells (PS3.18 8.7.3.3.2).

    Planes or interleaved samples as the object's PlanarConfiguration says. Compressed frames are decoded,
    lossy ones too; their colour is then that of `Source.decoded_facts`. Raises Skipped for what cannot be,
    IndexError.
    """
    with open_source(path) as source:
        return explicit_frame(source, index)


def explicit_frame(source: Source, index: int) -> bytes:
    """Like raw_frame, of an open object."""
    if source.pixels is None or source.pixels.frames is not None:
        return interleave(source.frame_array(index), source.decoded_facts)
    data = source.frame_bytes(index)
    return swapped(data, source.facts.bits_allocated // 8) if source.is_big_endian else data


def swapped(data: bytes, size: int) -> bytes:
    """Reverse the bytes of each word of `size` bytes; raises Skipped(broken) for a part of a word."""
    if size < 2:
        return data
    if len(data) % size or size not in {2, 4, 8}:
        raise Skipped(Reason.BROKEN, f"{len(data)} bytes in words of {size}")
    return np.frombuffer(data, f"u{size}").byteswap().tobytes()


def interleave(array: NDArray[Any], facts: ImageFacts) -> bytes:
    """Cells of an array of `facts.shape`, in the order that PlanarConfiguration says (PS3.3 C.7.6.3.1.3)."""
    if facts.samples_per_pixel > 1 and facts.planar_configuration == 1:
        array = array.transpose(2, 0, 1)
    return array.astype(facts.dtype, copy=False).tobytes()
