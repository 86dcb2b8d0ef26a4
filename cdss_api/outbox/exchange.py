"""One question to a target over HTTP: with an end in time, and no more of the answer than is worth reading."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import requests
from requests.auth import AuthBase

from cdss_api.fhir.document import Document, Unreadable, read
from cdss_api.outbox.verdicts import Outcome, of_answer
from neuronova.telemetry.spans import carried

LARGEST_ANSWER = 4 << 20  # bytes
_CONNECT, _SILENCE = 5.0, 20.0  # seconds
_SHOWN = 1000  # characters of an answer that a person gets to see
_CHUNK = 1 << 16


class Undelivered(Exception):
    """The target answered, and did not take it."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.verdict)
        self.outcome = outcome


class TooLong(requests.exceptions.RequestException):
    """The answer is larger than any that is meant."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a target said to `asked`; `headers` have lower-case names."""

    asked: str
    status: int
    headers: Mapping[str, str]
    text: str

    def document(self) -> Document:
        """Return the object in the body, empty where there is none."""
        try:
            return read(self.text)
        except Unreadable:
            return {}

    def outcome(self, now: float, *, if_match: bool = False) -> Outcome:
        """Return what the status means, with enough of the answer for a person to mend it."""
        meant = of_answer(self.status, self.headers, now, if_match=if_match)
        said = " ".join(self.text[:_SHOWN].split())
        return replace(meant, detail=f"{self.asked}: HTTP {self.status} {said}".strip())


class _AsGiven(AuthBase):
    """Keeps requests from taking a password out of a .netrc."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        return request


class Exchange:
    """Asks one target. All questions of a delivery together end within `longest` seconds after `begin`."""

    def __init__(self, longest: float) -> None:
        self._session = requests.Session()
        self._session.auth = _AsGiven()
        self._longest = longest
        self._end = 0.0

    def begin(self) -> None:
        """Begin a delivery."""
        self._end = time.monotonic() + self._longest

    def ask(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None) -> Answer:
        """Ask, and follow no redirection: what is sent is meant for this address alone.

        Raises:
            requests.RequestException, TimeoutError: there was no answer, or none in time, or too long a one.
        """
        left = self._left()
        with self._session.request(
            method,
            url,
            headers=carried() | dict(headers),
            data=body,
            timeout=(min(_CONNECT, left), min(_SILENCE, left)),
            allow_redirects=False,
            stream=True,
        ) as response:
            names = {name.lower(): value for name, value in response.headers.items()}
            asked = f"{method} {url.partition('?')[0]}"
            return Answer(asked, response.status_code, names, self._text(response))

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def _left(self) -> float:
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left

    def _text(self, response: requests.Response) -> str:
        found = bytearray()
        while chunk := _some(response):
            found += chunk
            if len(found) > LARGEST_ANSWER:
                raise TooLong
            self._left()
        return found.decode(errors="replace")


def _some(response: requests.Response) -> bytes:
    """Return what there is of the body by now, so that one who sends a byte at a time cannot hold us up."""
    raw: Any = response.raw
    try:
        found: bytes = raw.read1(_CHUNK, decode_content=True)
    except Exception as error:
        # urllib3's own errors: the answer broke off, or is no longer heard of.
        raise requests.exceptions.ChunkedEncodingError(type(error).__name__) from None
    return found
