"""What is a label of a series: out of few values, whatever a client writes."""

from __future__ import annotations

import re

from neuronova.contract.audit import Action
from orthanc_plugins.answer import Answer
from orthanc_plugins.dicomweb.negotiation import JPHC, OCTET_STREAM, STOCK_FRAME_MEDIA_TYPES
from orthanc_plugins.transcoding import transfer_syntax as ts

OTHER = "other"
_MEDIA_TYPES = frozenset({JPHC, OCTET_STREAM, *STOCK_FRAME_MEDIA_TYPES})
_OURS = b"\r\nContent-Type: "
_HEAD = 512  # bytes in which the first part's header is
_PART = re.compile(rb"Content-Type: *([^\r\n]{1,200})", re.IGNORECASE)
_TYPE = re.compile(r'"?([\w.+-]+/[\w.+-]+)"?(?:[^\r\n]*?transfer-syntax="?([0-9.]{1,64}))?', re.IGNORECASE)
# The transfer syntaxes of the standard that frames are served in (PS3.5 A, PS3.18 8.7.3).
_SYNTAXES = frozenset(
    {
        *(ts.EXPLICIT_VR_LITTLE_ENDIAN, ts.IMPLICIT_VR_LITTLE_ENDIAN),
        *(f"1.2.840.10008.1.2.4.{number}" for number in (50, 51, 57, 70, 80, 81, 90, 91, 92, 93, 201, 202, 203)),
        "1.2.840.10008.1.2.5",
    }
)
_VIEWS = frozenset({"frames", "metadata", "rendered", "thumbnail", "bulkdata"})


def type_of(answer: Answer) -> bytes:
    """Return the media type of what an answer holds as it is written there, b"" where it is not.

    Of a multipart answer it is the first part's (PS3.18 8.6.1.2): all parts are of one type.
    """
    if not answer.content_type.startswith("multipart/"):
        return answer.content_type.encode("latin-1", "replace")
    # Ours is found without a pattern, which takes longer.
    start = answer.body.find(_OURS, 0, _HEAD)
    end = answer.body.find(b"\r\n", start + len(_OURS), start + _HEAD)
    if start >= 0 and end >= 0:
        return answer.body[start + len(_OURS) : end]
    found = _PART.search(answer.body[:_HEAD])
    return b"" if found is None else found[1]


def form_of(written: bytes) -> tuple[str, str]:
    """Return a media type and its transfer syntax ("" where it is not said), each out of those that there are."""
    named = _TYPE.match(written[:_HEAD].decode("latin-1").strip())
    if named is None:
        return OTHER, ""
    media_type, syntax = named[1].lower(), named[2] or ""
    return media_type if media_type in _MEDIA_TYPES else OTHER, syntax if syntax in _SYNTAXES or not syntax else OTHER


def what_of(path: str, action: Action) -> str:
    """Return what a path below DICOMweb's root asks for: a view of images, or else the action."""
    for segment in reversed(path.rstrip("/").rsplit("/", 2)):
        if segment in _VIEWS:
            return segment
    return action.value
