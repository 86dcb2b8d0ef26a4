"""The running platform's Orthanc, asked over loopback HTTP with a service token."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import requests

from neuronova.contract.token import TOKEN_HEADER
from neuronova.platform.errors import PlatformError

TIMEOUT = 60.0  # seconds


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
        try:
            headers = {TOKEN_HEADER: self._token(), "Accept": "application/json"}
            answer = self._session.request(method, self._url + path, timeout=TIMEOUT, headers=headers, **more)
            answer.raise_for_status()
            return answer.json() if answer.content else None
        except requests.ConnectionError:
            raise PlatformError(f"nothing answers at {self._url}; start the platform with `make run` first") from None
        except (requests.RequestException, ValueError) as error:
            raise OddAnswer(f"{path} does not answer as it should: {error}") from None
