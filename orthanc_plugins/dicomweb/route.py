"""A path below the DICOMweb root to what it addresses (PS3.18 Table 10.1-1)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    """What a retrieval asks for."""

    FRAMES = "frames"
    METADATA = "metadata"
    OBJECTS = "objects"
    RENDERED = "rendered"
    THUMBNAIL = "thumbnail"


@dataclass(frozen=True, slots=True)
class Route:
    """A resource of a study, its series or its instance; `frames` are 1-based numbers as the client wrote them."""

    kind: Kind
    study: str
    series: str | None = None
    instance: str | None = None
    frames: tuple[int, ...] = ()


_SUFFIXES = {kind.value: kind for kind in (Kind.METADATA, Kind.RENDERED, Kind.THUMBNAIL)}
_FRAME_SUFFIXES = {kind.value: kind for kind in (Kind.RENDERED, Kind.THUMBNAIL)}


def parse_route(path: str) -> Route | None:
    """Return what `path` addresses, or None for what is left to the stock plugin, odd frame numbers included."""
    parts = path.strip("/").split("/")
    names, uids = parts[0::2], parts[1::2]
    if names[0] != "studies" or not uids:
        return None
    if parts[-1] in _SUFFIXES and "frames" not in names:
        return _route(_SUFFIXES[parts[-1]], parts[:-1])
    if names[:4] == ["studies", "series", "instances", "frames"] and len(uids) == 4:
        return _frames_route(parts, uids)
    return _route(Kind.OBJECTS, parts)


def _route(kind: Kind, parts: list[str]) -> Route | None:
    names, uids = parts[0::2], parts[1::2]
    if len(names) != len(uids) or names != ["studies", "series", "instances"][: len(names)] or not all(uids):
        return None
    return Route(kind, uids[0], uids[1] if len(uids) > 1 else None, uids[2] if len(uids) > 2 else None)


def _frames_route(parts: list[str], uids: list[str]) -> Route | None:
    numbers = uids[3].split(",")
    if not all(number.isdecimal() and number.isascii() and 0 < len(number) < 10 for number in numbers):
        return None
    frames = tuple(int(number) for number in numbers)
    if 0 in frames:
        return None
    if len(parts) == 8:
        return Route(Kind.FRAMES, uids[0], uids[1], uids[2], frames)
    if len(parts) == 9 and parts[8] in _FRAME_SUFFIXES:
        return Route(_FRAME_SUFFIXES[parts[8]], uids[0], uids[1], uids[2], frames)
    return None
