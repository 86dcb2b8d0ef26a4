"""The user attachment that holds the HTJ2K codestreams of one instance. Standard library only.

Version 1, all integers little endian:

| bytes            | content                                                                     |
|------------------|-----------------------------------------------------------------------------|
| 0-7              | `NNHTJ2K1`                                                                  |
| 8-11             | u32 H, length of the JSON header in bytes                                   |
| 12-15            | u32 N, number of frames, at least 1                                         |
| 16 .. 8(N+1)     | N+1 u64 offsets from the start of the attachment, ascending                 |
| .. H             | JSON header, UTF-8                                                          |
| .. to the end    | the codestreams; frame i, from 0, is the bytes offset[i] up to offset[i+1]  |

The JSON header and the limits that a reader keeps are written down in docs/htj2k-attachment.md.
"""

import json
import struct
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from orthanc_plugins.transcoding.image import ImageFacts

MAGIC = b"NNHTJ2K1"
VERSION = 1
MAX_HEADER_LENGTH = 1 << 16
MAX_FRAMES = 1 << 20
_FIXED = struct.Struct("<8sII")

Read = Callable[[int, int], bytes]
"""`read(offset, size)` gives `size` bytes of the attachment, fewer at its end."""


_T = TypeVar("_T")


class ContainerError(Exception):
    """The attachment is not a container of this version, or is damaged."""


@dataclass(frozen=True, kw_only=True)
class StoredFile:
    """The DICOM file that the codestreams were made from: MD5 in hexadecimal, size in bytes."""

    md5: str
    size: int
    transfer_syntax: str


@dataclass(frozen=True, kw_only=True)
class Native:
    """Where the uncompressed little-endian frames lie in the stored file, one after the other, in bytes."""

    offset: int
    frame_length: int

    def frame_range(self, index: int) -> tuple[int, int]:
        """(offset, size) of the frame `index`, from 0, in the stored file."""
        return self.offset + index * self.frame_length, self.frame_length


@dataclass(frozen=True, kw_only=True)
class Header:
    """The JSON header; `native` is None where the stored file's frames are not uncompressed little endian."""

    transfer_syntax: str
    source: StoredFile
    encoder: str
    image: ImageFacts
    native: Native | None

    def to_json(self) -> bytes:
        """UTF-8 JSON, as it is stored."""
        return json.dumps({"version": VERSION, **asdict(self)}, separators=(",", ":")).encode()


@dataclass(frozen=True)
class Container:
    """A container's header and its table of N+1 offsets."""

    header: Header
    offsets: tuple[int, ...]

    @property
    def number_of_frames(self) -> int:
        """N."""
        return len(self.offsets) - 1

    @property
    def size(self) -> int:
        """Bytes of the whole attachment."""
        return self.offsets[-1]

    def frame_range(self, index: int) -> tuple[int, int]:
        """(offset, size) of the codestream of frame `index`, from 0; raises IndexError outside 0..N-1."""
        if not 0 <= index < self.number_of_frames:
            raise IndexError(f"frame {index} of {self.number_of_frames}")
        return self.offsets[index], self.offsets[index + 1] - self.offsets[index]


def read_container(read: Read) -> Container:
    """Read header and table, with at most MAX_FRAMES * 8 + MAX_HEADER_LENGTH bytes; raises ContainerError."""
    magic, header_length, frames = _FIXED.unpack(_read_exactly(read, 0, _FIXED.size))
    if magic != MAGIC:
        raise ContainerError("not an HTJ2K attachment of version 1")
    if not 0 < header_length <= MAX_HEADER_LENGTH:
        raise ContainerError(f"header of {header_length} bytes")
    if not 0 < frames <= MAX_FRAMES:
        raise ContainerError(f"{frames} frames")
    table = struct.Struct(f"<{frames + 1}Q")
    offsets = table.unpack(_read_exactly(read, _FIXED.size, table.size))
    header_offset = _FIXED.size + table.size
    if offsets[0] != header_offset + header_length:
        raise ContainerError("the first codestream does not follow the header")
    if any(after <= before for before, after in pairwise(offsets)):
        raise ContainerError("offsets do not ascend")
    _read_exactly(read, offsets[-1] - 1, 1)
    return Container(_parse_header(_read_exactly(read, header_offset, header_length)), offsets)


def read_frame(read: Read, container: Container, index: int) -> bytes:
    """Codestream of frame `index`, from 0; raises ContainerError where it is cut off, IndexError."""
    return _read_exactly(read, *container.frame_range(index))


@contextmanager
def container_file(path: Path) -> Iterator[Read]:
    """Open a container that lies in a file."""
    with path.open("rb") as file:

        def read(offset: int, size: int) -> bytes:
            file.seek(offset)
            return file.read(size)

        yield read


class ContainerWriter:
    """Writes a container frame by frame; the file is removed unless all announced frames came."""

    def __init__(self, path: Path, header: Header, number_of_frames: int) -> None:
        if not 0 < number_of_frames <= MAX_FRAMES:
            raise ContainerError(f"{number_of_frames} frames")
        self._path = path
        self._header = header
        self._number_of_frames = number_of_frames
        self._json = header.to_json()
        if len(self._json) > MAX_HEADER_LENGTH:
            raise ContainerError(f"header of {len(self._json)} bytes")
        self._offsets = [_FIXED.size + 8 * (number_of_frames + 1) + len(self._json)]

    def __enter__(self) -> Self:
        self._file = self._path.open("wb")
        self._file.seek(self._offsets[0])
        return self

    def append(self, codestream: bytes) -> None:
        """Write the next frame's codestream; raises ContainerError where it is empty."""
        if not codestream:
            raise ContainerError("empty codestream")
        self._file.write(codestream)
        self._offsets.append(self._offsets[-1] + len(codestream))

    @property
    def container(self) -> Container:
        """What has been written."""
        return Container(self._header, tuple(self._offsets))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._file:
            if error is None and len(self._offsets) == self._number_of_frames + 1:
                self._write_head()
                return
        self._path.unlink(missing_ok=True)
        if error is None:
            raise ContainerError(f"{len(self._offsets) - 1} of {self._number_of_frames} frames written")

    def _write_head(self) -> None:
        self._file.seek(0)
        self._file.write(_FIXED.pack(MAGIC, len(self._json), self._number_of_frames))
        self._file.write(struct.pack(f"<{len(self._offsets)}Q", *self._offsets))
        self._file.write(self._json)


def _read_exactly(read: Read, offset: int, size: int) -> bytes:
    data = read(offset, size)
    if len(data) != size:
        raise ContainerError(f"truncated: {len(data)} of {size} bytes at {offset}")
    return data


def _parse_header(data: bytes) -> Header:
    try:
        fields = json.loads(data)
        version = fields.pop("version")
        if version != VERSION:
            raise ContainerError(f"version {version!r}")
        native = fields["native"]
        return Header(
            transfer_syntax=_typed(fields["transfer_syntax"], str),
            source=_build(StoredFile, fields["source"]),
            encoder=_typed(fields["encoder"], str),
            image=_build(ImageFacts, fields["image"]),
            native=None if native is None else _build(Native, native),
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ContainerError(f"odd header: {error}") from error


def _build(kind: type[_T], fields: Mapping[str, Any]) -> _T:
    """Make a dataclass of ints and strings, checking each field's type; unknown fields are left out."""
    types = {name: annotation for name, annotation in kind.__annotations__.items() if annotation in (int, str)}
    return kind(**{name: _typed(fields[name], annotation) for name, annotation in types.items()})


def _typed(value: object, kind: type[_T]) -> _T:
    if type(value) is not kind or (isinstance(value, int) and value < 0):
        raise TypeError(f"{value!r} is not a {kind.__name__}")
    return value
