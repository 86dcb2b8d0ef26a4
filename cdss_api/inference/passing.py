"""Passing requests on to the inference service, with the secret that it knows the platform's parts by."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import requests

from neuronova.contract.inference import ARRAYS_ONLY
from neuronova.web.problems import Problem

LARGEST_BODY = 64 << 20  # bytes: what the service takes
LARGEST_ANSWER = 64 << 20
MOST_AT_ONCE = 2  # of a process: a thread of the API waits for each
_CONNECT, _SILENCE = 2.0, 60.0  # seconds; the service itself waits 20 for a model
_PASSED_BACK = ("Content-Type", "Location", "Retry-After")


@dataclass(frozen=True, slots=True)
class Body:
    """A body that is read as it goes on; `len` bytes of it, which the HTTP client asks for by this name."""

    stream: IO[bytes]
    len: int

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes."""
        return self.stream.read(size)

    def __iter__(self) -> Iterator[bytes]:
        """Yield what is left."""
        while part := self.stream.read(1 << 16):
            yield part


@dataclass(frozen=True, slots=True)
class Passed:
    """An answer of the service."""

    status: int
    body: bytes
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Passing:
    """One service; `secret_file` is read each time, since the platform may make it later than this starts."""

    url: str
    secret_file: Path
    turns: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(MOST_AT_ONCE))

    def __call__(self, method: str, path: str, headers: Mapping[str, str], body: Body | None = None) -> Passed:
        """Pass a request on, the body as it comes; return the answer.

        Raises:
            Problem: 429 where too many wait already, 503 where the service does not answer, 504 where it does not in
                time, 502 where it answers too much.
        """
        if not self.turns.acquire(blocking=False):
            raise Problem(429, "busy", "Others are being answered; ask again in a few seconds.", {"Retry-After": "5"})
        try:
            return self._passed(method, path, headers, body)
        except requests.Timeout:
            raise Problem(504, "inference_timeout", "The inference service did not answer in time.") from None
        except (requests.RequestException, OSError):
            detail = "The inference service does not answer; try again in a few seconds."
            raise Problem(503, "inference_unavailable", detail, {"Retry-After": "5"}) from None
        finally:
            self.turns.release()

    def _passed(self, method: str, path: str, headers: Mapping[str, str], body: Body | None) -> Passed:
        ours = {"Authorization": f"Bearer {self.secret_file.read_text().strip()}", ARRAYS_ONLY: "1"}
        with requests.request(
            method,
            self.url + path,
            headers={**headers, **ours},
            data=body,
            timeout=(_CONNECT, _SILENCE),
            allow_redirects=False,
            stream=True,
        ) as answer:
            found = bytearray()
            for chunk in answer.iter_content(1 << 16):
                found += chunk
                if len(found) > LARGEST_ANSWER:
                    raise Problem(502, "inference_failed", "The inference service's answer is too large.")
            back = {name: answer.headers[name] for name in _PASSED_BACK if name in answer.headers}
            return Passed(answer.status_code, bytes(found), back)
