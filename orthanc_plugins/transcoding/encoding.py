"""Frames to HTJ2K codestreams of 1.2.840.10008.1.2.4.202, decoded and compared before they are given out."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from orthanc_plugins.transcoding import transfer_syntax
from orthanc_plugins.transcoding.codestream import Codestream, declare_precision, parse_codestream
from orthanc_plugins.transcoding.container import Container, ContainerWriter, Header, StoredFile
from orthanc_plugins.transcoding.eligibility import Mismatch
from orthanc_plugins.transcoding.image import ImageFacts
from orthanc_plugins.transcoding.source import Source, open_source

Array = NDArray[Any]

ENCODER = f"imagecodecs {imagecodecs.__version__} ({imagecodecs.htj2k_version()})"
_BASE_SIZE = 64
_LEAST_LEVELS = 5


def encode_file(path: Path, md5: str, target: Path, *, ready: Mapping[int, bytes] | None = None) -> Container:
    """Write the container of a Part 10 file to `target`, with one frame in memory at a time.

    `md5` is the stored file's digest in hexadecimal; `ready` holds codestreams, by frame from 0, that
    encode_frames already made of the same file. Raises Skipped where the object gets none, Mismatch where a
    frame does not decode to its source; `target` then does not exist.
    """
    done = {} if ready is None else ready
    with open_source(path) as source:
        source.require_encodable()
        header = Header(
            transfer_syntax=transfer_syntax.HTJ2K_LOSSLESS_RPCL,
            source=StoredFile(md5=md5, size=source.size, transfer_syntax=source.transfer_syntax),
            encoder=ENCODER,
            image=source.decoded_facts,
            native=source.native,
        )
        with ContainerWriter(target, header, source.number_of_frames) as writer:
            for index in range(source.number_of_frames):
                writer.append(done[index] if index in done else _encode(source, index))
        return writer.container


def encode_frames(path: Path, indices: Sequence[int]) -> tuple[list[bytes], int]:
    """Codestreams of frames, from 0, and how many there are in all; raises Skipped, Mismatch, IndexError."""
    with open_source(path) as source:
        source.require_encodable()
        return [_encode(source, index) for index in indices], source.number_of_frames


def encode_array(array: Array, facts: ImageFacts) -> bytes:
    """Encode stored values of `facts.shape` and `facts.dtype` losslessly (PS3.5 10.18: RPCL, TLM, base <= 64).

    RGB goes through the reversible component transform, every other kind of sample is kept as it is. The
    codestream declares BitsStored bits, or BitsAllocated where a cell uses more (PS3.5 A.4.4).
    """
    bits = _precision(array, facts)
    signed = bool(facts.pixel_representation)
    shift = 0 if signed else (1 << facts.bits_allocated - 1) - (1 << bits - 1)
    # The encoder subtracts the level of BitsAllocated, a decoder adds that of the declared bits.
    samples = array + array.dtype.type(shift) if shift else array
    codestream = imagecodecs.htj2k_encode(
        samples,
        rgb=facts.photometric_interpretation == "RGB",
        planar=False if facts.samples_per_pixel > 1 else None,
        reversible=True,
        resolutions=max(_LEAST_LEVELS, math.ceil(math.log2(max(facts.rows, facts.columns) / _BASE_SIZE))),
        tlm=True,
        tilepart=1,
    )
    if bits == facts.bits_allocated:
        return bytes(codestream)
    return declare_precision(bytes(codestream), bits, is_signed=signed)


def decodes_to(codestream: bytes, array: Array) -> bool:
    """Whether an HTJ2K codestream decodes to the array's values; cells may be wider than it declares."""
    # imagecodecs passes over OpenJPH's errors and leaves cells unwritten: none may be right by chance.
    wrong = np.invert(_as_decoded(array, parse_codestream(codestream)))
    try:
        return bool(np.array_equal(imagecodecs.htj2k_decode(codestream, planar=False, out=wrong), array))
    except (RuntimeError, ValueError):
        return False


def _encode(source: Source, index: int) -> bytes:
    array = source.frame_array(index)
    codestream = encode_array(array, source.decoded_facts)
    if not decodes_to(codestream, array):
        raise Mismatch(f"frame {index} does not decode to its source")
    return codestream


def _as_decoded(array: Array, header: Codestream) -> Array:
    """Cells of the size that the decoder writes: a byte where the codestream declares 8 bits or fewer."""
    return array.astype(f"{array.dtype.kind}1", copy=False) if header.precision <= 8 else array


def _precision(array: Array, facts: ImageFacts) -> int:
    """Bits to declare: BitsStored if every cell fits into them."""
    bits = facts.bits_stored
    if bits == facts.bits_allocated or facts.high_bit != bits - 1:
        return facts.bits_allocated
    if not facts.pixel_representation:
        return bits if int(array.max()) < 1 << bits else facts.bits_allocated
    limit = 1 << bits - 1
    return bits if -limit <= int(array.min()) and int(array.max()) < limit else facts.bits_allocated
