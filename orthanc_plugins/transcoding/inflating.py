"""Deflated data sets, bounded in memory and in what they may become."""

import struct
import zlib
from typing import BinaryIO

from orthanc_plugins.transcoding.eligibility import Reason, Skipped

_MAX_INFLATED = 1 << 31
_CHUNK = 1 << 20


def inflate(file: BinaryIO, target: BinaryIO) -> None:
    """Write preamble, group 2 and the inflated data set (PS3.5 A.5)."""
    file.seek(132)
    (length,) = struct.unpack("<8xI", file.read(12))
    head = 144 + length
    file.seek(0)
    target.write(file.read(head))
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        while not inflater.eof and (data := inflater.unconsumed_tail or file.read(_CHUNK)):
            target.write(inflater.decompress(data, _CHUNK))
            if target.tell() > _MAX_INFLATED:
                raise Skipped(Reason.TOO_LARGE, f"inflates to more than {_MAX_INFLATED} bytes")
    except zlib.error as error:
        raise Skipped(Reason.BROKEN, f"deflated data set: {error}") from error
    if not inflater.eof:
        raise Skipped(Reason.BROKEN, "deflated data set is truncated")
    target.seek(head)
