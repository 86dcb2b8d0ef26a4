"""HTTP answers of DICOMweb taken apart."""

from __future__ import annotations

from dataclasses import dataclass
from email.message import Message
from email.parser import HeaderParser
from io import BytesIO
from typing import Any

import numpy as np
import requests
from numpy.typing import NDArray
from openjpeg.utils import decode
from pydicom import Dataset

Array = NDArray[Any]


@dataclass(frozen=True)
class Part:
    """One part of a multipart answer, or a whole single one."""

    content_type: str
    location: str | None
    body: bytes

    @property
    def media_type(self) -> str:
        return self.content_type.partition(";")[0].strip()

    @property
    def transfer_syntax(self) -> str | None:
        message = Message()
        message["Content-Type"] = self.content_type
        value = message.get_param("transfer-syntax")
        return None if value is None else str(value)


def parts(answer: requests.Response) -> list[Part]:
    """Return the parts of a multipart answer, or the one body of another."""
    content_type = answer.headers.get("Content-Type", "")
    message = Message()
    message["Content-Type"] = content_type
    if message.get_content_maintype() != "multipart":
        return [Part(content_type, None, answer.content)]
    boundary = b"--" + str(message.get_boundary()).encode()
    found = []
    for piece in answer.content.split(boundary)[1:-1]:
        head, _, body = piece[2:].partition(b"\r\n\r\n")
        headers = HeaderParser().parsestr(head.decode())
        found.append(Part(headers["Content-Type"], headers["Content-Location"], body[:-2]))
    return found


def instance_path(dataset: Dataset) -> str:
    """Return what addresses an instance below the root."""
    return f"studies/{dataset.StudyInstanceUID}/series/{dataset.SeriesInstanceUID}/instances/{dataset.SOPInstanceUID}"


def decoded(codestream: bytes, like: Array) -> Array:
    """Decode a codestream by OpenJPEG, in cells as wide as those of `like`."""
    values: Array = decode(BytesIO(codestream))
    return values.astype(like.dtype)


def native(cells: Array, planar: int) -> bytes:
    """Return one frame's cells as they are in Explicit VR Little Endian."""
    return (np.moveaxis(cells, -1, 0) if cells.ndim == 3 and planar else cells).tobytes()
