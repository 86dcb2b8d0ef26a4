"""Orthanc's REST API over loopback HTTP, as a part asks it that has a token of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import requests

from neuronova.contract.token import TOKEN_HEADER

_TIMEOUT = 25.0  # seconds


class Unavailable(Exception):
    """Orthanc does not answer, or not as it should."""


@dataclass(frozen=True, slots=True)
class StoredFile:
    """An instance, by Orthanc's identifier and its SOPInstanceUID, and the MD5 of its stored file."""

    instance: str
    uid: str
    md5: str


@dataclass(frozen=True, slots=True)
class OrthancJob:
    """How far a job of Orthanc is; `code` and `details` are its error."""

    state: str
    code: int
    details: str

    @property
    def has_ended(self) -> bool:
        """Whether nothing more comes of it."""
        return self.state in ("Success", "Failure")


class Orthanc:
    """A client; `token` makes a token for the next request. Every method raises Unavailable."""

    def __init__(self, url: str, token: Callable[[], str]) -> None:
        self._url = url
        self._token = token
        self._session = requests.Session()
        self._session.trust_env = False  # a proxy of the machine is not meant for loopback

    def close(self) -> None:
        """Close its connections."""
        self._session.close()

    def look(self, job: str) -> OrthancJob | None:
        """Return how far a job is; None where Orthanc has forgotten it."""
        found = self._json("GET", f"/jobs/{job}")
        if found is None:
            return None
        return OrthancJob(str(found["State"]), int(found["ErrorCode"]), str(found.get("ErrorDetails", "")))

    def _files(self, path: str) -> list[StoredFile]:
        """Return the stored files of the study or series at a path, by SOPInstanceUID; none where it is gone."""
        files = []
        for one in self._json("GET", f"{path}/instances") or ():
            md5 = self._text(f"/instances/{one['ID']}/attachments/dicom/md5")
            if md5:  # else deleted meanwhile
                files.append(StoredFile(one["ID"], one["MainDicomTags"]["SOPInstanceUID"], md5))
        return sorted(files, key=lambda one: one.uid)

    def _json(self, method: str, path: str, **more: Any) -> Any:
        """Return an answer, None where there is no such thing."""
        answer = self._found(method, path, **more)
        try:
            return None if answer is None else answer.json()
        except ValueError as error:
            raise Unavailable(type(error).__name__) from error

    def _text(self, path: str) -> str:
        """Return a text, "" where there is no such thing."""
        answer = self._found("GET", path)
        return "" if answer is None else answer.text.strip()

    def _found(self, method: str, path: str, **more: Any) -> requests.Response | None:
        answer = self._ask(method, path, **more)
        if answer.status_code == requests.codes.not_found:
            return None
        if not answer.ok:
            raise Unavailable(f"status {answer.status_code}")
        return answer

    def _ask(self, method: str, path: str, **more: Any) -> requests.Response:
        headers = {TOKEN_HEADER: self._token()}
        try:
            return self._session.request(method, self._url + path, headers=headers, timeout=_TIMEOUT, **more)
        except requests.RequestException as error:
            raise Unavailable(type(error).__name__) from error
