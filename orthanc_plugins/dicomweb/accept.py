"""The Accept header (RFC 9110 12.5.1) with the parameters that DICOMweb gives it (PS3.18 8.7.4)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

MULTIPART = "multipart/related"
ANY = "*/*"
LONGEST = 4096  # characters of a header that is looked at
_PARAMETER = re.compile(r';\s*([A-Za-z0-9-]+)\s*=\s*("(?:[^"\\]|\\.)*"|[^;,\s]*)')
_RANGE = re.compile(r'\s*([^;,\s]+)((?:\s*;\s*[A-Za-z0-9-]+\s*=\s*(?:"(?:[^"\\]|\\.)*"|[^;,"]*))*)\s*(?:,|$)')


@dataclass(frozen=True, slots=True)
class MediaRange:
    """One acceptable form of an answer.

    `media_type` is that of a part where `multipart`; `transfer_syntax` is a UID, "*", or None where none is named.
    """

    media_type: str
    multipart: bool
    transfer_syntax: str | None


@lru_cache(maxsize=512)
def parse_accept(header: str | None) -> tuple[MediaRange, ...]:
    """Return what a client accepts, most wanted first; no header accepts everything.

    What cannot be read as a media range is passed over, so that an unreadable header accepts nothing.
    """
    if header is None or not header.strip():
        return (MediaRange(ANY, False, None),)
    ranked: list[tuple[float, MediaRange]] = []
    for match in _RANGE.finditer(header[:LONGEST]):
        parameters = {name.lower(): value.strip().strip('"') for name, value in _PARAMETER.findall(match.group(2))}
        quality = _quality(parameters.get("q", "1"))
        if quality > 0:
            ranked.append((quality, _media_range(match.group(1).lower(), parameters)))
    ranked.sort(key=lambda entry: -entry[0])
    return tuple(entry for _, entry in ranked)


def _quality(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


def _media_range(media_type: str, parameters: dict[str, str]) -> MediaRange:
    transfer_syntax = parameters.get("transfer-syntax")
    if media_type in (MULTIPART, "multipart/*"):
        return MediaRange(parameters.get("type", ANY).lower() or ANY, True, transfer_syntax)
    return MediaRange(media_type, False, transfer_syntax)
