"""Fetches a series by WADO-RS (PS3.18 10.4) into a folder, and makes sure that it is the one that was meant."""

from __future__ import annotations

import mmap
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pydicom
import requests
from pydicom.errors import InvalidDicomError
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

from neuronova.contract.inference import SeriesInput, uids_hash
from neuronova.contract.token import TOKEN_HEADER
from neuronova.telemetry.spans import carried
from neuronova.web.problems import Problem

LARGEST = 2 << 30  # bytes of a series
_SILENCE = 20.0  # seconds without a byte
_DEADLINE = 120.0
_ACCEPT = 'multipart/related; type="application/dicom"; transfer-syntax='
_AS_STORED = "*"
_READABLE = frozenset({ImplicitVRLittleEndian, ExplicitVRLittleEndian})


def pull(wanted: SeriesInput, folder: Path) -> None:
    """Write each instance to a file of its own in `folder`.

    Raises:
        Problem: 404 where there is no such series for this token, 409 `input_changed` where it is not the one that was
            meant, 413 where it is too large, 502 and 504 where it could not be fetched now.
    """
    folder.mkdir()
    # As it is stored it comes thirty times as fast; what is compressed is asked for again, to be decoded where it is.
    found = _pulled(wanted, folder, _AS_STORED)
    if any(syntax not in _READABLE for _, syntax in found):
        shutil.rmtree(folder)
        folder.mkdir()
        found = _pulled(wanted, folder, ExplicitVRLittleEndian)
    uids = [uid for uid, _ in found]
    if len(uids) != wanted.instances or uids_hash(uids) != wanted.uids_hash:
        raise Problem(409, "input_changed", f"The series has other instances than those asked for ({len(uids)} now).")


def _pulled(wanted: SeriesInput, folder: Path, syntax: str) -> list[tuple[str, str]]:
    """Write the instances in a transfer syntax; return of each its SOPInstanceUID, and what syntax it came in."""
    spool = folder.with_name("spool")
    try:
        boundary = _fetch(wanted, spool, syntax)
        return [_store(part, folder / f"{number:05}.dcm") for number, part in enumerate(parts_of(spool, boundary))]
    finally:
        spool.unlink(missing_ok=True)


def _fetch(wanted: SeriesInput, spool: Path, syntax: str) -> bytes:
    url = f"{wanted.dicomweb_root.rstrip('/')}/studies/{wanted.study}/series/{wanted.series}"
    headers = carried() | {"Accept": _ACCEPT + syntax, TOKEN_HEADER: wanted.token}
    try:
        # A redirect would carry the token to somewhere that nobody allowed.
        with requests.get(url, headers=headers, stream=True, timeout=_SILENCE, allow_redirects=False) as answer:
            _require_success(answer.status_code)
            found = re.search(r'boundary="?([^";]{1,70})"?', answer.headers.get("Content-Type", ""))
            if not found:
                raise Problem(502, "dicomweb_failed", "The DICOMweb server answered no multipart.")
            _spool(answer, spool)
            return found[1].encode("ascii", "replace")
    except requests.Timeout:
        raise Problem(504, "dicomweb_timeout", "The DICOMweb server did not answer in time.") from None
    except requests.RequestException as error:
        raise Problem(502, "dicomweb_failed", f"The DICOMweb server was lost ({type(error).__name__}).") from None


def _require_success(status: int) -> None:
    if status in (401, 403):  # the token may have run out: another attempt has another
        raise Problem(502, "dicomweb_refused", f"The DICOMweb server refused the token ({status}).")
    if status == 404:
        raise Problem(404, "input_missing", "The DICOMweb server has no such series for this token.")
    if status != 200:
        raise Problem(502, "dicomweb_failed", f"The DICOMweb server answered {status}.")


def _spool(answer: requests.Response, spool: Path) -> None:
    end, size = time.monotonic() + _DEADLINE, 0
    with spool.open("wb") as file:
        for chunk in answer.iter_content(1 << 20):
            size += len(chunk)
            if size > LARGEST:
                raise Problem(413, "too_large", f"The series has more than {LARGEST} bytes.")
            if time.monotonic() > end:
                raise Problem(504, "dicomweb_timeout", "The DICOMweb server did not finish in time.")
            file.write(chunk)


def parts_of(spool: Path, boundary: bytes) -> Iterator[bytes]:
    """Yield the bodies of a multipart message (RFC 2046 5.1.1).

    Raises:
        Problem: it was cut off (502).
    """
    mark = b"--" + boundary
    with spool.open("rb") as file:
        if not spool.stat().st_size:
            raise Problem(502, "dicomweb_failed", "The DICOMweb server sent nothing.")
        with closing(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)) as body:
            at = body.find(mark)
            while at >= 0 and body[at + len(mark) : at + len(mark) + 2] != b"--":
                head = body.find(b"\r\n\r\n", at)
                following = body.find(b"\r\n" + mark, head)
                if head < 0 or following < 0:
                    at = -1
                    break
                yield body[head + 4 : following]
                at = following + 2
            if at < 0:
                raise Problem(502, "dicomweb_failed", "The DICOMweb server's answer ends too early.")


def _store(part: bytes, path: Path) -> tuple[str, str]:
    path.write_bytes(part)
    try:
        head = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=["SOPInstanceUID"])
        return str(head.SOPInstanceUID), str(head.file_meta.TransferSyntaxUID)
    except (InvalidDicomError, AttributeError, EOFError, ValueError):
        raise Problem(502, "dicomweb_failed", "The DICOMweb server sent something that is no DICOM object.") from None
