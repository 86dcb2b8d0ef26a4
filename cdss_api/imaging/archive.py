"""Orthanc as corrections and removals need it, over loopback HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any

import requests

from cdss_api.orthanc import Unavailable
from neuronova.contract.token import TOKEN_HEADER

__all__ = ["Archive", "Held", "Unavailable"]

_TIMEOUT = 25.0  # seconds
_NONE: Mapping[str, str] = MappingProxyType({})


class Held(Exception):
    """Orthanc's gate refuses to delete it: it is under legal hold."""


class Archive:
    """Orthanc's REST API; `token` makes a token for the next request, for they live shorter than a correction."""

    def __init__(self, url: str, token: Callable[[], str]) -> None:
        self._url = url
        self._token = token
        self._session = requests.Session()
        self._session.trust_env = False  # a proxy of the machine is not meant for loopback

    def instances(self, study: str) -> dict[str, list[str]]:
        """Return a study's instances by SeriesInstanceUID, by Orthanc's identifiers; none where it is gone."""
        with _told():
            answer = self._ask("GET", f"/studies/{study}/series")
            if answer.status_code == requests.codes.not_found:
                return {}
            answer.raise_for_status()
            return {one["MainDicomTags"]["SeriesInstanceUID"]: list(one["Instances"]) for one in answer.json()}

    def file(self, instance: str) -> bytes | None:
        """Return a stored object, None where it is gone."""
        with _told():
            answer = self._ask("GET", f"/instances/{instance}/file")
            if answer.status_code == requests.codes.not_found:
                return None
            answer.raise_for_status()
            return answer.content

    def store(self, content: bytes) -> None:
        """Store an object; one that is there already is no error."""
        with _told():
            self._ask("POST", "/instances", data=content).raise_for_status()

    def delete(self, instance: str) -> None:
        """Delete an instance; one that is not there is no error.

        Raises:
            Held: it is under legal hold.
        """
        self._delete(f"/instances/{instance}")

    def delete_study(self, study: str) -> None:
        """Delete a study; raises as `delete` does."""
        self._delete(f"/studies/{study}")

    def _delete(self, path: str) -> None:
        with _told():
            answer = self._ask("DELETE", path)
            if answer.status_code == requests.codes.forbidden and self._is_held(path):
                raise Held(path)
            if answer.status_code != requests.codes.not_found:
                answer.raise_for_status()

    def lookup(self, uid: str) -> list[str]:
        """Return the instances of a SOPInstanceUID, by Orthanc's identifiers."""
        with _told():
            answer = self._ask("POST", "/tools/lookup", data=uid)
            answer.raise_for_status()
            return [str(one["ID"]) for one in answer.json() if one["Type"] == "Instance"]

    def holdings(self, study: str) -> set[tuple[str, str]]:
        """Return PatientID and issuer of all under whom a StudyInstanceUID exists."""
        with _told():
            answer = self._ask("GET", "/neuronova/holdings", params={"study": study})
            answer.raise_for_status()
            return {(one["patient_id"], one["issuer"]) for one in answer.json()["patients"]}

    def _is_held(self, path: str) -> bool:
        # Orthanc's own refusal says no more than 403.
        asked = {"X-Original-Method": "DELETE", "X-Original-Path": path}
        return bool(self._ask("GET", "/neuronova/refusal", headers=asked).json()["code"] == "legal-hold")

    def _ask(self, method: str, path: str, *, headers: Mapping[str, str] = _NONE, **more: Any) -> requests.Response:
        sent = {TOKEN_HEADER: self._token(), **headers}
        return self._session.request(method, self._url + path, headers=sent, timeout=_TIMEOUT, **more)


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except (requests.RequestException, ValueError, KeyError) as error:
        raise Unavailable(type(error).__name__) from error
