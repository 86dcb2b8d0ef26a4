"""STOW-RS: each object is looked at before any is stored, and decided on where one may see some patients only."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Callable
from email.message import Message

from neuronova.contract.nesting import require_harmless
from neuronova.contract.part10 import Harmful
from orthanc_plugins.access.decision import Decision
from orthanc_plugins.access.identity import Identity, Unidentified, identify
from orthanc_plugins.answer import Answer, error
from orthanc_plugins.dicomweb.request import Request

MOST_PARTS = 10_000
Allows = Callable[[Identity], Decision]
"""Decides on one object."""


class Unreadable(Exception):
    """The body is not what STOW-RS asks for; the message says why."""


def checked(request: Request, study: str | None, allows: Allows) -> Request | Answer | Decision:
    """Return the request with the very objects that were looked at, or the error or refusal to answer.

    What is passed on is composed anew: two readers of one multipart body need not agree on its parts.
    """
    try:
        parts = read_parts(request.headers.get("content-type", ""), request.body or b"")
    except Unreadable as odd:
        return error(400, str(odd))
    for part in parts:
        try:
            require_harmless(part)
            identity = identify(part, None)
        except Harmful as harm:
            return _refused(harm)
        except Unidentified:
            return error(400, "A part is no DICOM object that names its study and series")
        decision = allows(identity)
        if not decision.allowed:
            return decision
        if study is not None and identity.study != study:
            return error(409, "A part belongs to another study than the address")
    boundary = secrets.token_hex(16)
    body = b"".join(
        b"--%s\r\nContent-Type: application/dicom\r\n\r\n%s\r\n" % (boundary.encode(), part) for part in parts
    )
    headers = {
        **request.headers,
        "content-type": f'multipart/related; type="application/dicom"; boundary={boundary}',
    }
    return request._replace(body=body + b"--%s--\r\n" % boundary.encode(), headers=headers)


def noted(request: Request, allows: Allows) -> Answer | Decision | None:
    """Tell whose objects are about to be stored by somebody who sees all; return an error or a refusal.

    What cannot be read is left to the stock plugin, which answers what is wrong with it.
    """
    try:
        parts = read_parts(request.headers.get("content-type", ""), request.body or b"")
    except Unreadable:
        return None
    for part in parts:
        try:
            require_harmless(part)
        except Harmful as harm:
            return _refused(harm)
        with contextlib.suppress(Unidentified):
            decision = allows(identify(part, None))
            if not decision.allowed:
                return decision
    return None


def _refused(harm: Harmful) -> Answer:
    return error(400, f"A part cannot be stored: {harm}")


def read_parts(content_type: str, body: bytes) -> list[bytes]:
    """Return the DICOM objects of a STOW-RS body (PS3.18 10.5.2, RFC 2046 5.1).

    Raises:
        Unreadable: it is not multipart/related of application/dicom, or has no whole parts.
    """
    message = Message()
    message["Content-Type"] = content_type
    boundary = message.get_param("boundary")
    kind = str(message.get_param("type") or "application/dicom")
    if message.get_content_type() != "multipart/related" or not isinstance(boundary, str) or not boundary:
        raise Unreadable("Send multipart/related with a boundary")
    if kind.lower() != "application/dicom":
        raise Unreadable("Only application/dicom can be stored")
    delimiter = b"--" + boundary.encode("ascii", "replace")
    if body.startswith(delimiter):
        body = b"\r\n" + body
    sections = body.split(b"\r\n" + delimiter)
    if len(sections) < 3 or not sections[-1].startswith(b"--"):
        raise Unreadable("The body has no parts, or is cut off")
    if len(sections) > MOST_PARTS:
        raise Unreadable(f"At most {MOST_PARTS} objects at once")
    return [_content(section) for section in sections[1:-1]]


def _content(section: bytes) -> bytes:
    head, found, content = section.partition(b"\r\n\r\n")
    if not found:
        raise Unreadable("A part has no content")
    kind = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-type:")]
    if kind and b"application/dicom" not in kind[0]:
        raise Unreadable("Only application/dicom can be stored")
    return content
