"""Frames of encapsulated Pixel Data found in a file without reading it (PS3.5 A.4)."""

import struct
from collections.abc import Callable, Sequence

from orthanc_plugins.transcoding.container import MAX_FRAMES
from orthanc_plugins.transcoding.eligibility import Reason, Skipped

_ITEM = 0xFFFEE000
_SEQUENCE_DELIMITATION = 0xFFFEE0DD
_STARTS = (b"\xff\xd8\xff", b"\xff\x4f\xff\x51", b"\x00\x00\x00\x0cjP")

Read = Callable[[int, int], bytes]
Fragment = tuple[int, int]
"""(offset of its value in the file, length), in bytes."""
Frame = tuple[Fragment, ...]


def find_frames(read: Read, start: int, number_of_frames: int, extended: Sequence[Fragment]) -> tuple[list[Frame], int]:
    """Frames of the items from `start` on, the Basic Offset Table first, and the offset after them.

    `extended` is the Extended Offset Table: (offset from the first fragment's item tag, length) of each
    frame, or empty. Without any usable table, a fragment that begins like a codestream begins a frame. Raises
    Skipped(broken) where the fragments are truncated or cannot be told apart.
    """
    fragments, end = _fragments(read, start)
    if not fragments:
        raise Skipped(Reason.BROKEN, "Pixel Data without a Basic Offset Table")
    table, fragments = fragments[0], fragments[1:]
    if len(fragments) == number_of_frames:
        return _trimmed([(fragment,) for fragment in fragments], extended), end
    if number_of_frames == 1 and fragments:
        return [tuple(fragments)], end
    groups = _by_table(fragments, _basic_offsets(read, table)) or _by_table(
        fragments, [offset for offset, _ in extended]
    )
    if len(groups) != number_of_frames:
        groups = _by_start(read, fragments)
    if len(groups) != number_of_frames:
        raise Skipped(Reason.BROKEN, f"{len(fragments)} fragments for {number_of_frames} frames")
    return groups, end


def read_frame(read: Read, frame: Frame) -> bytes:
    """Join the fragments of a frame."""
    return b"".join(read(offset, length) for offset, length in frame)


def _fragments(read: Read, position: int) -> tuple[list[Fragment], int]:
    fragments: list[Fragment] = []
    while True:
        head = read(position, 8)
        if len(head) < 8:
            raise Skipped(Reason.BROKEN, "Pixel Data ends without a Sequence Delimitation Item")
        group, element, length = struct.unpack("<HHI", head)
        tag = group << 16 | element
        position += 8
        if tag == _SEQUENCE_DELIMITATION:
            return fragments, position
        if tag != _ITEM or length == 0xFFFFFFFF or len(fragments) > 2 * MAX_FRAMES:
            raise Skipped(Reason.BROKEN, "Pixel Data is not a sequence of fragments")
        fragments.append((position, length))
        position += length
        if length and not read(position - 1, 1):
            raise Skipped(Reason.BROKEN, "a fragment is truncated")


def _trimmed(frames: list[Frame], extended: Sequence[Fragment]) -> list[Frame]:
    """Leave out each frame's padding where the Extended Offset Table gives the true lengths."""
    if len(extended) != len(frames):
        return frames
    return [((offset, min(size, length)),) for (((offset, size),), (_, length)) in zip(frames, extended, strict=True)]


def _basic_offsets(read: Read, table: Fragment) -> list[int]:
    offset, length = table
    count = min(length // 4, MAX_FRAMES)
    return list(struct.unpack(f"<{count}I", read(offset, 4 * count)))


def _by_table(fragments: Sequence[Fragment], offsets: Sequence[int]) -> list[Frame]:
    """Group by the offsets of each frame's first item tag; empty where an offset is no item's."""
    first = fragments[0][0] if fragments else 0
    starts = set(offsets)
    if not starts <= {offset - first for offset, _ in fragments} or 0 not in starts:
        return []
    return _grouped(fragments, [offset - first in starts for offset, _ in fragments])


def _by_start(read: Read, fragments: Sequence[Fragment]) -> list[Frame]:
    heads = [read(offset, min(length, 6)) for offset, length in fragments]
    return _grouped(fragments, [head.startswith(_STARTS) for head in heads])


def _grouped(fragments: Sequence[Fragment], begins: Sequence[bool]) -> list[Frame]:
    groups: list[list[Fragment]] = []
    for fragment, is_first in zip(fragments, begins, strict=True):
        if is_first or not groups:
            groups.append([])
        groups[-1].append(fragment)
    return [tuple(group) for group in groups]
