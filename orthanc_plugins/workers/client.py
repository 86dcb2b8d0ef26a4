"""Orthanc's REST API over loopback HTTP, for the processes beside it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import IO, Any

import requests
from requests.adapters import HTTPAdapter

from orthanc_plugins.stored import StoredFile, read_stored_file

TOKEN_HEADER = "X-Neuronova-Token"  # noqa: S105 - a name
TIMEOUT = (5.0, 120.0)  # seconds to connect, and between two pieces of an answer
CHUNK = 1 << 20


class Gone(Exception):
    """Orthanc has no such instance (any more)."""


class OrthancClient:
    """A session with Orthanc; not shared between threads."""

    def __init__(self, url: str, token: str) -> None:
        self._url = url
        self._session = requests.Session()
        self._session.headers[TOKEN_HEADER] = token
        self._session.trust_env = False  # a proxy of the machine is not meant for loopback
        self._session.mount("http://", HTTPAdapter(pool_maxsize=1))

    def get_json(self, path: str, **query: int) -> Any | None:
        """Return the answer to GET as JSON, or as text where it is none; None for 404."""
        answer = self._session.get(self._url + path, params=query, timeout=TIMEOUT)
        if answer.status_code == requests.codes.not_found:
            return None
        answer.raise_for_status()
        try:
            return answer.json()
        except requests.exceptions.JSONDecodeError:
            return answer.text

    def get_text(self, path: str, *, host: str, accept: str) -> str:
        """Return the UTF-8 text that Orthanc gives a client which calls it `host`.

        Raises:
            Gone: the answer is 404.
        """
        headers = {"Host": host, "Accept": accept}
        answer = self._session.get(self._url + path, headers=headers, timeout=TIMEOUT)
        self._check(answer, path)
        return answer.content.decode()

    def stored_file(self, instance: str, attachment: str) -> StoredFile | None:
        """Return what Orthanc's index says of an attachment."""
        return read_stored_file(self.get_json, instance, attachment)

    def download(self, instance: str, attachment: str, target: Path) -> None:
        """Write the content of an attachment to `target`.

        Raises:
            Gone: the instance or its attachment does not exist.
        """
        path = f"{self._url}/instances/{instance}/attachments/{attachment}/data"
        with self._session.get(path, stream=True, timeout=TIMEOUT) as answer:
            self._check(answer, instance)
            with target.open("wb") as file:
                shutil.copyfileobj(answer.raw, file, CHUNK)

    def content(self, identifier: str, attachment: str, *, level: str) -> bytes:
        """Return the content of an attachment.

        Raises:
            Gone: the resource or its attachment does not exist.
        """
        path = f"{self._url}/{level}/{identifier}/attachments/{attachment}/data"
        answer = self._session.get(path, timeout=TIMEOUT)
        self._check(answer, identifier)
        return answer.content

    def attach(self, identifier: str, attachment: str, content: IO[bytes], *, level: str = "instances") -> None:
        """Store `content` as a user attachment of an instance, or of a resource of another level.

        Raises:
            Gone: the resource was deleted.
        """
        path = f"{self._url}/{level}/{identifier}/attachments/{attachment}"
        self._check(self._session.put(path, data=content, timeout=TIMEOUT), identifier)

    def detach(self, instance: str, attachment: str) -> None:
        """Remove a user attachment, if it is there."""
        path = f"{self._url}/instances/{instance}/attachments/{attachment}"
        self._session.delete(path, timeout=TIMEOUT)

    def set_metadata(self, instance: str, name: str, value: str) -> None:
        """Set a user metadata.

        Raises:
            Gone: the instance was deleted.
        """
        path = f"{self._url}/instances/{instance}/metadata/{name}"
        self._check(self._session.put(path, data=value.encode(), timeout=TIMEOUT), instance)

    def delete_instance(self, instance: str) -> None:
        """Delete an instance; one that is not there is no error."""
        self._session.delete(f"{self._url}/instances/{instance}", timeout=TIMEOUT)

    def store(self, path: Path) -> str:
        """Store a DICOM file; return Orthanc's identifier of the instance."""
        with path.open("rb") as content:
            answer = self._session.post(f"{self._url}/instances", data=content, timeout=TIMEOUT)
        answer.raise_for_status()
        return str(answer.json()["ID"])

    @staticmethod
    def _check(answer: requests.Response, instance: str) -> None:
        # 1.10.1 answers 404 for an unknown resource; an unknown parent of an attachment is the same.
        if answer.status_code == requests.codes.not_found:
            raise Gone(instance)
        answer.raise_for_status()
