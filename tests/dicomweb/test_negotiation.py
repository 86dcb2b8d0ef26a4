"""The whole negotiation of frames and objects, as one table; what is on the wire is compared in test_frames.py."""

from __future__ import annotations

import pytest

from orthanc_plugins.dicomweb.accept import parse_accept
from orthanc_plugins.dicomweb.negotiation import Choice, Form, choose_frames, choose_objects
from orthanc_plugins.transcoding import transfer_syntax as ts

RPCL = ts.HTJ2K_LOSSLESS_RPCL
EXPLICIT = ts.EXPLICIT_VR_LITTLE_ENDIAN
IMPLICIT = ts.IMPLICIT_VR_LITTLE_ENDIAN

# Accept -> form of one frame that is encoded, form of one that never will be; None is 406.
FRAMES: dict[str | None, tuple[Form | None, Form | None]] = {
    None: (Form.EXPLICIT, Form.EXPLICIT),
    "*/*": (Form.EXPLICIT, Form.EXPLICIT),
    "application/octet-stream": (Form.EXPLICIT, Form.EXPLICIT),
    "multipart/related": (Form.EXPLICIT, Form.EXPLICIT),
    'multipart/related; type="application/octet-stream"': (Form.EXPLICIT, Form.EXPLICIT),
    f"multipart/related; type=application/octet-stream; transfer-syntax={EXPLICIT}": (Form.EXPLICIT, Form.EXPLICIT),
    f"multipart/related; type=application/octet-stream; transfer-syntax={IMPLICIT}": (Form.EXPLICIT, Form.EXPLICIT),
    'multipart/related; type="application/octet-stream"; transfer-syntax=*': (Form.HTJ2K, Form.STOCK),
    "application/octet-stream; transfer-syntax=*": (Form.HTJ2K, Form.STOCK),
    "*/*; transfer-syntax=*": (Form.HTJ2K, Form.STOCK),
    "image/jphc": (Form.HTJ2K, None),
    "image/*": (Form.HTJ2K, None),
    "image/jphc; transfer-syntax=*": (Form.HTJ2K, None),
    f"image/jphc; transfer-syntax={RPCL}": (Form.HTJ2K, None),
    f"multipart/related; type=image/jphc; transfer-syntax={RPCL}": (Form.HTJ2K, None),
    f"*/*; transfer-syntax={RPCL}": (Form.HTJ2K, None),
    # A label that does not fit the bytes is never given.
    f"image/jphc; transfer-syntax={ts.HTJ2K_LOSSLESS}": (None, None),
    f"image/jphc; transfer-syntax={ts.JPEG_2000_LOSSLESS}": (None, None),
    f"application/octet-stream; transfer-syntax={RPCL}": (None, None),
    f"application/octet-stream; transfer-syntax={ts.EXPLICIT_VR_BIG_ENDIAN}": (None, None),
    # What only the stock plugin transcodes to.
    'multipart/related; type="image/jpeg"': (Form.STOCK, Form.STOCK),
    'multipart/related; type="image/jls"': (Form.STOCK, Form.STOCK),
    "image/jpeg": (None, None),
    "text/html": (None, None),
    "nope": (None, None),
    # The first that can be had wins, by quality.
    "text/html, image/jphc": (Form.HTJ2K, None),
    "image/jphc;q=0.2, application/octet-stream;q=0.9": (Form.EXPLICIT, Form.EXPLICIT),
    "image/jphc, application/octet-stream": (Form.HTJ2K, Form.EXPLICIT),
}


@pytest.mark.parametrize("accept", FRAMES)
def test_form_of_a_frame(accept: str | None) -> None:
    encoded, never = FRAMES[accept]
    choices = [choose_frames(parse_accept(accept), htj2k, 1) for htj2k in (RPCL, None)]
    assert [None if choice is None else choice.form for choice in choices] == [encoded, never]


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("image/jphc", None),
        ("application/octet-stream", None),
        ("image/jphc, multipart/related; type=image/jphc", Choice(Form.HTJ2K, multipart=True)),
        (None, Choice(Form.EXPLICIT, multipart=True)),
        ("*/*", Choice(Form.EXPLICIT, multipart=True)),
    ],
)
def test_several_frames_do_not_fit_a_single_part(accept: str | None, expected: Choice | None) -> None:
    assert choose_frames(parse_accept(accept), RPCL, 2) == expected


def test_received_in_another_htj2k_syntax_is_labelled_with_it() -> None:
    accept = f"image/jphc; transfer-syntax={ts.HTJ2K_ANY}"
    choice = choose_frames(parse_accept(accept), ts.HTJ2K_ANY, 1)
    assert choice is not None
    assert choice.form is Form.HTJ2K
    assert choose_frames(parse_accept(accept), RPCL, 1) is None


OBJECTS: dict[str | None, tuple[Form | None, Form | None]] = {  # Accept -> of one instance, of several
    None: (Form.EXPLICIT, Form.EXPLICIT),
    "*/*": (Form.EXPLICIT, Form.EXPLICIT),
    "multipart/related": (Form.EXPLICIT, Form.EXPLICIT),
    'multipart/related; type="application/dicom"': (Form.EXPLICIT, Form.EXPLICIT),
    'multipart/related; type="application/dicom"; transfer-syntax=*': (Form.STORED, Form.STORED),
    f'multipart/related; type="application/dicom"; transfer-syntax={EXPLICIT}': (Form.EXPLICIT, Form.EXPLICIT),
    f'multipart/related; type="application/dicom"; transfer-syntax={RPCL}': (Form.HTJ2K, Form.HTJ2K),
    'multipart/related; type="application/dicom"; transfer-syntax=1.2.840.10008.1.2.4.70': (Form.STOCK, Form.STOCK),
    "application/dicom": (Form.EXPLICIT, None),
    "application/dicom; transfer-syntax=*": (Form.STORED, None),
    "text/html": (None, None),
}


@pytest.mark.parametrize("accept", OBJECTS)
def test_form_of_objects(accept: str | None) -> None:
    choices = [choose_objects(parse_accept(accept), one=one) for one in (True, False)]
    assert tuple(None if choice is None else choice.form for choice in choices) == OBJECTS[accept]
