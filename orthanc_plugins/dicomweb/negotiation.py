"""Which form an answer takes: pure functions from what a client accepts and what there is to a choice.

A media type is never given to bytes that it does not describe (PS3.18 8.7.3): whatever cannot be given as asked is
None here, and 406 on the wire.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from orthanc_plugins.dicomweb.accept import ANY, MediaRange
from orthanc_plugins.transcoding import transfer_syntax as ts

OCTET_STREAM = "application/octet-stream"
DICOM = "application/dicom"
JPHC = "image/jphc"
# Pixel data are the same bytes in both (PS3.5 A.1 and A.2), so that either label fits.
SAME_BYTES = (None, ts.EXPLICIT_VR_LITTLE_ENDIAN, ts.IMPLICIT_VR_LITTLE_ENDIAN)
STOCK_FRAME_MEDIA_TYPES = ("image/jpeg", "image/jls", "image/jp2", "image/jpx", "image/dicom-rle")


class Form(Enum):
    """How pixel data or objects are represented."""

    HTJ2K = "htj2k"  # the attachment's codestreams
    EXPLICIT = "explicit"  # Explicit VR Little Endian
    STORED = "stored"  # whatever the primary object has
    STOCK = "stock"  # left to the stock plugin, which can transcode to a few more


@dataclass(frozen=True, slots=True)
class Choice:
    """A form, whether it comes in parts, and the transfer syntax that the client named."""

    form: Form
    multipart: bool
    transfer_syntax: str | None = None


def choose_frames(ranges: tuple[MediaRange, ...], htj2k: str | None, count: int) -> Choice | None:
    """Choose the form of `count` frames.

    Args:
        ranges: what the client accepts, most wanted first.
        htj2k: the transfer syntax of the attachment's codestreams, None where the instance has and gets none.
        count: how many frames are asked for; a single part holds one.
    """
    for media_range in ranges:
        form = _frame_form(media_range, htj2k)
        multipart = media_range.multipart or media_range.media_type == ANY
        if form is not None and (multipart or count == 1):
            return Choice(form, multipart, media_range.transfer_syntax)
    return None


def _frame_form(accepted: MediaRange, htj2k: str | None) -> Form | None:
    syntax = accepted.transfer_syntax
    as_stored = Form.STOCK if htj2k is None else Form.HTJ2K
    match accepted.media_type:
        case "image/jphc" | "image/*" if htj2k is not None:
            return Form.HTJ2K if syntax in (None, "*", htj2k) else None
        case "image/jphc":
            return None
        case "application/octet-stream" | "application/*" | "*/*":
            if syntax == "*":
                return as_stored
            if accepted.media_type == ANY and syntax is not None and syntax == htj2k:
                return Form.HTJ2K
            return Form.EXPLICIT if syntax in SAME_BYTES else None
        case media_type if media_type in STOCK_FRAME_MEDIA_TYPES:
            return Form.STOCK if accepted.multipart else None
    return None


def choose_objects(ranges: tuple[MediaRange, ...], *, one: bool) -> Choice | None:
    """Choose the form of whole DICOM objects; a single part holds `one`.

    Named without a transfer syntax, an object comes in Explicit VR Little Endian (PS3.18 8.7.3.3.2).
    """
    for media_range in ranges:
        form = _object_form(media_range)
        multipart = media_range.multipart or media_range.media_type == ANY
        if form is not None and (multipart or one):
            return Choice(form, multipart)
    return None


def _object_form(accepted: MediaRange) -> Form | None:
    if accepted.media_type not in (DICOM, "application/*", ANY):
        # The stock plugin answers for bulk data and the like.
        return Form.STOCK if accepted.multipart else None
    match accepted.transfer_syntax:
        case "*":
            return Form.STORED
        case None | ts.EXPLICIT_VR_LITTLE_ENDIAN:
            return Form.EXPLICIT
        case syntax if syntax in ts.HTJ2K:
            return Form.HTJ2K
    return Form.STOCK
