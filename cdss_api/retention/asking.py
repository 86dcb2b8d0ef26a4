"""Orthanc as retention needs it, over loopback HTTP: what a study has, and whether another archive keeps it too."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import requests

from cdss_api.forwarding.sending import StoredFile
from cdss_api.imaging.archive import Unavailable
from neuronova.contract.modalities import name_in_orthanc
from neuronova.contract.token import TOKEN_HEADER

_TIMEOUT = 25.0  # seconds
_EVERY = 0.2  # seconds between two looks at a commitment


@dataclass(frozen=True, kw_only=True, slots=True)
class Described:
    """A stored study: its tags by keyword, those of each series with who sent it, and what it takes of the disk."""

    study: dict[str, str]
    series: list[dict[str, str]]
    images: int
    bytes: int


class Asking:
    """A client; `token` makes a token for the next request."""

    def __init__(self, url: str, token: Callable[[], str]) -> None:
        self._url = url
        self._token = token
        self._session = requests.Session()
        self._session.trust_env = False  # a proxy of the machine is not meant for loopback

    def described(self, study: str) -> Described | None:
        """Return what Orthanc says of a study, None where it is gone.

        Raises:
            Unavailable: it does not answer as it should.
        """
        found, series = self._json(f"/studies/{study}"), self._json(f"/studies/{study}/series")
        size = self._json(f"/studies/{study}/statistics")
        if found is None or series is None or size is None:
            return None
        described = []
        for one in series:
            sender = self._text(f"/instances/{one['Instances'][0]}/metadata/RemoteAET") if one["Instances"] else ""
            described.append({**one["MainDicomTags"], "SourceApplicationEntityTitle": sender})
        images, taken = int(size["CountInstances"]), int(size["DiskSize"])
        return Described(study=found["MainDicomTags"], series=described, images=images, bytes=taken)

    def files(self, study: str) -> list[StoredFile]:
        """Return the stored files of a study, by SOPInstanceUID; none where it is gone.

        Raises:
            Unavailable: Orthanc does not answer as it should.
        """
        files = []
        for one in self._json(f"/studies/{study}/instances") or ():
            md5 = self._text(f"/instances/{one['ID']}/attachments/dicom/md5")
            files.append(StoredFile(one["ID"], one["MainDicomTags"]["SOPInstanceUID"], md5))
        return sorted(files, key=lambda one: one.uid)

    def commitment(self, study: str, title: str, patience: float) -> str | None:
        """Ask an AE title whether it keeps all of a study (PS3.4 Annex J); return why not, None where it does.

        Raises:
            Unavailable: Orthanc does not answer as it should.
        """
        path = f"/modalities/{name_in_orthanc(title)}/storage-commitment"
        answer = self._ask("POST", path, json={"Resources": [study]})
        if not answer.ok:
            return f"{title} was not asked for a storage commitment: it is not known, or does not answer"
        report = f"/storage-commitment/{answer.json()['ID']}"
        end = time.monotonic() + patience
        while (found := self._json(report)) is not None and found["Status"] == "Pending":
            if time.monotonic() >= end:
                return f"{title} did not answer within {patience:.0f} s whether it keeps the images"
            time.sleep(_EVERY)
        if found is None or found["Status"] != "Success":
            missing = len((found or {}).get("Failures", ()))
            return f"{title} does not keep all images: it does not confirm {missing}"
        return None

    def close(self) -> None:
        """Close its connections."""
        self._session.close()

    def _json(self, path: str) -> Any:
        answer = self._ask("GET", path)
        if answer.status_code == requests.codes.not_found:
            return None
        try:
            answer.raise_for_status()
            return answer.json()
        except (requests.RequestException, ValueError) as error:
            raise Unavailable(f"{type(error).__name__} {answer.status_code}") from error

    def _text(self, path: str) -> str:
        answer = self._ask("GET", path)
        return answer.text.strip() if answer.ok else ""

    def _ask(self, method: str, path: str, **more: Any) -> requests.Response:
        headers = {TOKEN_HEADER: self._token()}
        try:
            return self._session.request(method, self._url + path, headers=headers, timeout=_TIMEOUT, **more)
        except requests.RequestException as error:
            raise Unavailable(type(error).__name__) from error
