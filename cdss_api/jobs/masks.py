"""The mask of a result: fetched within limits, looked at without being unpacked, and put in its place at once."""

from __future__ import annotations

import os
import time
import zipfile
from collections.abc import Mapping
from pathlib import Path

import requests

from cdss_api.jobs.answers import BAD_ANSWER, Refusal, refusal
from cdss_api.outbox.exchange import Undelivered
from cdss_api.outbox.verdicts import Outcome, Verdict, of_answer
from neuronova.contract.reading_inference import BadMessage

LARGEST_FILE = 256 << 20  # bytes
LARGEST_UNPACKED = 1 << 30
_TIMES = (5.0, 20.0)  # seconds: to connect, and of silence
_LONGEST = 40.0  # seconds in all


class NotThere(Exception):
    """The service does not have the mask that it told of."""

    def __init__(self, why: Refusal) -> None:
        super().__init__(why.reason)
        self.why = why


def folder_of(data: Path) -> Path:
    """Return where masks are kept."""
    return data / "jobs"


def fetch(url: str, headers: Mapping[str, str], shape: tuple[int, int, int], into: Path) -> None:
    """Fetch a mask of a shape (slices, rows, columns); `into` has it whole or not at all.

    Raises:
        BadMessage: it is too large, or no mask of this shape.
        NotThere: the service refused it.
        Undelivered, requests.RequestException, TimeoutError: it could not be had by now.
    """
    into.parent.mkdir(mode=0o700, exist_ok=True)
    for left in into.parent.glob(f"{into.stem}.*.part"):
        left.unlink(missing_ok=True)  # by a worker that was killed; one that is late loses its own
    part = into.with_suffix(f".{os.getpid()}.part")
    try:
        _download(url, headers, part)
        require_shape(part, shape)
        part.replace(into)
    finally:
        part.unlink(missing_ok=True)


def require_shape(path: Path, shape: tuple[int, int, int]) -> None:
    """Raise BadMessage unless a file holds a mask of this shape, by the headers of its arrays."""
    import numpy as np  # here, for a worker starts sooner without it

    try:
        with zipfile.ZipFile(path) as archive:
            if sum(one.file_size for one in archive.infolist()) > LARGEST_UNPACKED:
                raise BadMessage("/result/mask", "is too large")
            with archive.open("mask.npy") as array:
                version = np.lib.format.read_magic(array)
                read = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
                found, _, kind = read[version](array)
    except (zipfile.BadZipFile, KeyError, ValueError, OSError, EOFError):
        raise BadMessage("/result/mask", "is no mask that can be read") from None
    if found != shape or kind != np.uint8:
        raise BadMessage("/result/mask/shape", "is not that of the mask")


def _download(url: str, headers: Mapping[str, str], part: Path) -> None:
    end, size = time.monotonic() + _LONGEST, 0
    with requests.get(url, headers=dict(headers), stream=True, timeout=_TIMES, allow_redirects=False) as answer:
        if answer.status_code != 200:
            raise _refused(answer)
        with part.open("wb") as file:
            for chunk in answer.iter_content(1 << 16):
                size += len(chunk)
                if size > LARGEST_FILE:
                    raise BadMessage("/result/mask", "is too large")
                if time.monotonic() > end:
                    raise TimeoutError
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())


def _refused(answer: requests.Response) -> Exception:
    said = answer.raw.read(4096, decode_content=True).decode(errors="replace")
    why = refusal(answer.status_code, said)
    if why is not None:
        return NotThere(why)
    meant = of_answer(answer.status_code, answer.headers, time.time())
    if meant.verdict in (Verdict.OK, Verdict.PERMANENT, Verdict.DUPLICATE):
        return NotThere(Refusal(BAD_ANSWER, f"The mask was answered with {answer.status_code}."))
    return Undelivered(Outcome(meant.verdict, f"mask: HTTP {answer.status_code}", meant.wait))
