"""A multipart/related body (RFC 2387, PS3.18 8.6.1.2) in one piece, so that it has a Content-Length."""

from __future__ import annotations

import secrets
from collections.abc import Iterable

from orthanc_plugins.answer import Answer


def multipart_answer(part_type: str, transfer_syntax: str, parts: Iterable[tuple[str, bytes]]) -> Answer:
    """Answer parts of one media type, each given as its address and its content.

    The transfer syntax stands in each part's own header, spelled `Content-Type:` exactly: OHIF reads it nowhere else.
    """
    boundary = secrets.token_hex(16)
    content_type = f"{part_type}; transfer-syntax={transfer_syntax}"
    pieces: list[bytes] = []
    for location, part in parts:
        head = (
            f"--{boundary}\r\nContent-Type: {content_type}\r\nContent-Length: {len(part)}\r\n"
            f"Content-Location: {location}\r\n\r\n"
        )
        pieces += (head.encode(), part, b"\r\n")
    pieces.append(f"--{boundary}--\r\n".encode())
    return Answer(b"".join(pieces), f'multipart/related; type="{part_type}"; boundary={boundary}')


def only_part(answer: Answer) -> bytes:
    """Return the body of the first part of a multipart answer.

    Raises:
        ValueError: it has none.
    """
    body = answer.body
    head_end = body.find(b"\r\n\r\n")
    boundary = body[: body.find(b"\r\n")]
    end = body.rfind(b"\r\n" + boundary)
    if not boundary.startswith(b"--") or head_end < 0 or end < head_end:
        raise ValueError("not a multipart answer")
    return body[head_end + 4 : end]
