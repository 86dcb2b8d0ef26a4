"""The door of a running platform for objects: Orthanc's `POST /instances` on loopback.

It answers for each object, so that a refusal is of one file; STOW-RS would be read into memory twice and told of a
request's objects together.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import BinaryIO

import requests

from neuronova.contract.token import TOKEN_HEADER
from neuronova.importing.content import Header
from neuronova.importing.limits import MIB
from neuronova.importing.outcome import Refused
from neuronova.platform.errors import PlatformError
from neuronova.trying import Rule, again, is_passing, is_unreachable
from orthanc_plugins.stored import orthanc_identifier

TIMEOUT = (5.0, 300.0)  # seconds, to connect and to be answered
TOKEN_LIVES = 30.0  # seconds; half of what the API gives
ATTEMPTS = 5  # at a file that the platform, which answers, does not take for reasons of its own
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 10.0  # seconds
_NO_FAULT_OF_A_FILE = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.INSUFFICIENT_STORAGE})
_REFUSAL = "/neuronova/refusal"

Body = bytes | BinaryIO


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What became of an object that was sent: Orthanc's identifier, and whether it was there before."""

    identifier: str
    was_there: bool


class _NotTaken(Exception):
    """The platform answers that it does not take it, for what may pass."""

    def __init__(self, answer: requests.Response) -> None:
        super().__init__(answer.status_code)
        self.answer = answer


_NOT_TAKEN = Rule(
    when=lambda error: isinstance(error, _NotTaken), tries=ATTEMPTS, first=_FIRST_PAUSE, longest=_LONGEST_PAUSE
)


class Door:
    """Sends objects and asks of what is stored; threads share it.

    `patience` is for how many seconds a platform that does not answer is waited for, as while it starts again.
    """

    def __init__(self, url: str, token: Callable[[], str], *, patience: float) -> None:
        self._url = url
        self._make_token = token
        self._silence = Rule(when=is_unreachable, within=patience, first=_FIRST_PAUSE, longest=_LONGEST_PAUSE)
        self._here = threading.local()
        self._lock = threading.Lock()
        self._token, self._token_ends = "", 0.0
        self._ended = threading.Event()

    def end(self) -> None:
        """Have whoever waits stop waiting."""
        self._ended.set()

    def send(self, body: Body) -> Answer:
        """Store an object.

        Raises:
            Refused: the platform does not take it, and says why.
            PlatformError: the platform does not answer any more.
        """
        answer = self._ask("POST", "/instances", body)
        try:
            said = answer.json()
            return Answer(identifier=str(said["ID"]), was_there=said["Status"] == "AlreadyStored")
        except (ValueError, KeyError, TypeError):
            raise Refused("the platform gave an odd answer") from None

    def has_study(self, header: Header) -> bool:
        """Tell whether a study is stored."""
        identifier = orthanc_identifier(header.patient_id, header.study)
        return self._ask("GET", f"/studies/{identifier}/metadata").ok

    def holds(self, identifier: str, md5: str) -> bool:
        """Tell whether an instance is stored whose bytes have this MD5, as it is kept or as it came in."""
        for attachment in ("dicom", "received"):
            answer = self._ask("GET", f"/instances/{identifier}/attachments/{attachment}/md5")
            if answer.ok and answer.text.strip() == md5:
                return True
        return False

    def _ask(self, method: str, path: str, body: Body | None = None) -> requests.Response:
        """Ask until there is an answer to rely on: 404 is one of a GET."""
        try:
            return again(partial(self._answered, method, path, body), _NOT_TAKEN, self._pause)
        except _NotTaken as error:
            answer = error.answer
            if answer.status_code in _NO_FAULT_OF_A_FILE:
                why = f"{self._why_not(method, path)} Then run the same command again: it goes on"
                raise PlatformError(why) from None
            raise Refused(f"the platform could not store it ({answer.status_code}): {_said(answer)}") from None
        except requests.RequestException as error:
            raise PlatformError(
                f"nothing answers at {self._url} ({type(error).__name__}); start the platform with `make run`, then run"
                " the same command again: it goes on from here"
            ) from None

    def _answered(self, method: str, path: str, body: Body | None) -> requests.Response:
        answer = again(partial(self._once, method, path, body), self._silence, self._pause)
        if answer.ok or (method == "GET" and answer.status_code == HTTPStatus.NOT_FOUND):
            return answer
        if is_passing(answer.status_code) or answer.status_code in _NO_FAULT_OF_A_FILE:
            raise _NotTaken(answer)
        raise Refused(f"the platform does not take it ({answer.status_code}): {_said(answer)}")

    def _pause(self, seconds: float) -> None:
        if self._ended.wait(seconds):
            raise PlatformError("interrupted; the same command goes on from here")

    def _why_not(self, method: str, path: str) -> str:
        """Return why the platform refuses a request: on its own port Orthanc can say no more than 403."""
        headers = {TOKEN_HEADER: self._current_token(), "X-Original-Method": method, "X-Original-Path": path}
        try:
            said = self._session().get(self._url + _REFUSAL, headers=headers, timeout=TIMEOUT).json()
            return f"the platform refuses ({said['code']}): {said['detail']}"
        except (requests.RequestException, ValueError, KeyError, TypeError):
            return "the platform refuses; its log says why."

    def _once(self, method: str, path: str, body: Body | None) -> requests.Response:
        if body is not None and not isinstance(body, bytes):
            body.seek(0)
        headers = {TOKEN_HEADER: self._current_token(), "Content-Type": "application/dicom"}
        return self._session().request(method, self._url + path, data=body, headers=headers, timeout=TIMEOUT)

    def _session(self) -> requests.Session:
        session: requests.Session | None = getattr(self._here, "session", None)
        if session is None:
            session = self._here.session = requests.Session()
            session.trust_env = False  # a proxy of the machine is not meant for loopback
        return session

    def _current_token(self) -> str:
        with self._lock:
            if time.monotonic() >= self._token_ends:
                self._token, self._token_ends = self._make_token(), time.monotonic() + TOKEN_LIVES
            return self._token


def md5_of(body: Body) -> str:
    """Return the MD5 of an object, by which Orthanc names content; it proves nothing against who means harm."""
    return _digested(body, hashlib.md5(usedforsecurity=False))


def sha256_of(body: Body) -> str:
    """Return the SHA-256 of an object in hexadecimal."""
    return _digested(body, hashlib.sha256())


def _digested(body: Body, algorithm: hashlib._Hash) -> str:
    if isinstance(body, bytes):
        algorithm.update(body)
    else:
        body.seek(0)
        while block := body.read(MIB):
            algorithm.update(block)
    return algorithm.hexdigest()


def _said(answer: requests.Response) -> str:
    try:
        said = answer.json()
        return str(said.get("Details") or said.get("Message") or answer.reason)[:200]
    except (ValueError, AttributeError):
        return str(answer.reason)
