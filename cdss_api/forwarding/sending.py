"""Orthanc as forwarding needs it, over loopback HTTP: what a series has, and a job that sends it (C-STORE SCU)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import requests

from neuronova.contract.modalities import name_in_orthanc
from neuronova.contract.priority import Priority
from neuronova.contract.token import TOKEN_HEADER

_TIMEOUT = 20.0  # seconds
_SCU_TIMEOUT = 60  # seconds that a destination may take to answer one C-STORE
_PRIORITIES = {Priority.STAT: 30, Priority.ASAP: 20, Priority.URGENT: 10, Priority.ROUTINE: 0}


class Unavailable(Exception):
    """Orthanc does not answer, or not as it should."""


class NotKnown(Exception):
    """Orthanc has no such destination (yet)."""


@dataclass(frozen=True, slots=True)
class StoredFile:
    """An instance of a series, by Orthanc's identifier, and the MD5 of its stored file."""

    instance: str
    uid: str
    md5: str


@dataclass(frozen=True, slots=True)
class SendingJob:
    """How far a job of Orthanc is; `code` and `details` are its error."""

    state: str
    code: int
    details: str

    @property
    def has_ended(self) -> bool:
        """Whether nothing more comes of it."""
        return self.state in ("Success", "Failure")


class Sender:
    """A client; `token` makes a token for the next request."""

    def __init__(self, url: str, token: Callable[[], str]) -> None:
        self._url = url
        self._token = token
        self._session = requests.Session()
        self._session.trust_env = False  # a proxy of the machine is not meant for loopback

    def files(self, series: str) -> list[StoredFile]:
        """Return what a series has now; nothing where it is gone."""
        found = self._json("GET", f"/series/{series}/instances")
        if found is None:
            return []
        files = []
        for one in found:
            answer = self._ask("GET", f"/instances/{one['ID']}/attachments/dicom/md5")
            if answer.status_code == requests.codes.ok:  # else deleted meanwhile
                files.append(StoredFile(one["ID"], one["MainDicomTags"]["SOPInstanceUID"], answer.text.strip()))
        return files

    def begin(self, title: str, instances: Sequence[str], priority: Priority) -> str:
        """Have Orthanc send instances to an AE title; return the identifier of its job.

        Raises:
            NotKnown: its table does not have that title.
            Unavailable: it does not answer as it should.
        """
        wanted = {
            "Resources": list(instances),
            "Asynchronous": True,
            "Permissive": False,
            "Priority": _PRIORITIES[priority],
            "Timeout": _SCU_TIMEOUT,
        }
        made = self._json("POST", f"/modalities/{name_in_orthanc(title)}/store", json=wanted)
        if made is None:
            raise NotKnown(title)
        return str(made["ID"])

    def look(self, job: str) -> SendingJob | None:
        """Return how far a job is; None where Orthanc has forgotten it."""
        found: Mapping[str, Any] | None = self._json("GET", f"/jobs/{job}")
        if found is None:
            return None
        return SendingJob(str(found["State"]), int(found["ErrorCode"]), str(found.get("ErrorDetails", "")))

    def close(self) -> None:
        """Close its connections."""
        self._session.close()

    def _json(self, method: str, path: str, **more: Any) -> Any:
        answer = self._ask(method, path, **more)
        if answer.status_code == requests.codes.not_found:
            return None
        try:
            answer.raise_for_status()
            return answer.json()
        except (requests.RequestException, ValueError) as error:
            raise Unavailable(f"{type(error).__name__} {answer.status_code}") from error

    def _ask(self, method: str, path: str, **more: Any) -> requests.Response:
        headers = {TOKEN_HEADER: self._token()}
        try:
            return self._session.request(method, self._url + path, headers=headers, timeout=_TIMEOUT, **more)
        except requests.RequestException as error:
            raise Unavailable(type(error).__name__) from error
