"""The running platform's Orthanc, asked over loopback HTTP with a service token."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import requests

from neuronova.contract.token import TOKEN_HEADER
from neuronova.platform.errors import PlatformError

TIMEOUT = 60.0  # seconds
STREAM_TIMEOUT = 600.0  # seconds between two pieces of an answer: a large study is put together before the first
CHUNK = 1 << 20


class OddAnswer(PlatformError):
    """The platform runs, and what it answers to one request is an error, or not what was asked for."""


class Asking:
    """A client; `token` makes a token for the next request, for they live shorter than a command."""

    def __init__(self, url: str, token: Callable[[], str]) -> None:
        self._url = url
        self._token = token
        self._session = requests.Session()
        self._session.trust_env = False  # a proxy of the machine is not meant for loopback

    def json(self, method: str, path: str, **more: Any) -> Any:
        """Return the answer to a request, None where it has no content.

        Raises:
            OddAnswer: it answers with an error or no JSON.
            PlatformError: nothing answers.
        """
        answer = self._asked(method, path, "application/json", **more)
        try:
            return answer.json() if answer.content else None
        except ValueError as error:
            raise OddAnswer(f"{path} does not answer as it should: {error}") from None

    def text(self, path: str) -> str:
        """Return a text; raises as `json` does."""
        return self._asked("GET", path, "text/plain").text.strip()

    def _asked(self, method: str, path: str, accepted: str, **more: Any) -> requests.Response:
        try:
            headers = {TOKEN_HEADER: self._token(), "Accept": accepted}
            answer = self._session.request(method, self._url + path, timeout=TIMEOUT, headers=headers, **more)
            answer.raise_for_status()
            return answer
        except requests.ConnectionError:
            raise PlatformError(f"nothing answers at {self._url}; start the platform with `make run` first") from None
        except requests.RequestException as error:
            raise OddAnswer(f"{path} does not answer as it should: {error}") from None

    def chunks(self, method: str, path: str, **more: Any) -> Iterator[bytes]:
        """Yield the bytes of an answer as they come.

        Raises:
            OddAnswer: it answers with an error, or breaks off.
            PlatformError: nothing answers.
        """
        try:
            headers = {TOKEN_HEADER: self._token()}
            answer = self._session.request(
                method, self._url + path, timeout=STREAM_TIMEOUT, headers=headers, stream=True, **more
            )
            with answer:
                answer.raise_for_status()
                yield from answer.iter_content(CHUNK)
        except requests.ConnectionError:
            raise PlatformError(f"{self._url} does not answer, or broke off; is the platform running?") from None
        except requests.RequestException as error:
            raise OddAnswer(f"{path} does not answer as it should: {error}") from None
