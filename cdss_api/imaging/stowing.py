"""The archive as what the platform writes of studies needs it: searched, read and stored to over Orthanc's DICOMweb."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import requests

from cdss_api.outbox.exchange import Undelivered
from cdss_api.outbox.verdicts import Outcome, Verdict, of_answer
from neuronova.contract.token import TOKEN_HEADER
from neuronova.telemetry.spans import carried

if TYPE_CHECKING:  # it is loaded by who asks for attributes: a service starts without it
    from pydicom import Dataset

_WITHIN = 25.0  # seconds, for each request
_FAILED = "00081198"  # FailedSOPSequence


@dataclass(frozen=True, kw_only=True, slots=True)
class Stowing:
    """A client of Orthanc's DICOMweb; `token` gives a new service token."""

    orthanc_url: str
    token: Callable[[], str]
    clock: Callable[[], float]

    def studies(self, query: Mapping[str, str]) -> list[dict[str, Any]]:
        """Return the studies that a search finds (PS3.18 10.6), in DICOM JSON; raises as `metadata`."""
        answer = self._ask("GET", "/dicom-web/studies", params=query)
        self._require(answer, (200, 204))
        return list(answer.json()) if answer.status_code == requests.codes.ok else []

    def metadata(self, study: str, series: str) -> list[Dataset]:
        """Return the attributes of a series' images (PS3.18 10.4.1.1.2), without bulk data; none where it is gone.

        Raises:
            Undelivered: Orthanc does not answer as it should.
            requests.RequestException: it does not answer.
        """
        answer = self._ask("GET", f"/dicom-web/studies/{study}/series/{series}/metadata")
        if answer.status_code in (204, 404):
            return []
        self._require(answer, (200,))
        from pydicom import Dataset

        return [Dataset.from_json(_inline(one)) for one in answer.json()]

    def store(self, files: Sequence[tuple[str, bytes]]) -> None:
        """Store objects, by SOPInstanceUID, in one request (PS3.18 10.5); those that are there already stay.

        Raises:
            Undelivered: it did not take all of them.
            requests.RequestException: it does not answer.
        """
        boundary = uuid.uuid4().hex
        head = f"--{boundary}\r\nContent-Type: application/dicom\r\n\r\n".encode()
        body = b"".join(head + file + b"\r\n" for _, file in files) + f"--{boundary}--\r\n".encode()
        kind = f'multipart/related; type="application/dicom"; boundary={boundary}'
        answer = self._ask("POST", "/dicom-web/studies", data=body, headers={"Content-Type": kind})
        if answer.status_code in (200, 202, 409) and _FAILED in answer.json():
            # What it has already is a failure to Orthanc, and none to us: the UID is that of this very object.
            if not all(self._is_stored(uid) for uid, _ in files):
                raise Undelivered(Outcome(Verdict.TRANSIENT, "Orthanc did not take it"))
            return
        self._require(answer, (200,))

    def _is_stored(self, uid: str) -> bool:
        found = self._ask("GET", "/dicom-web/instances", params={"SOPInstanceUID": uid})
        return found.status_code == 200 and len(found.json()) == 1

    def _require(self, answer: requests.Response, wanted: Iterable[int]) -> None:
        if answer.status_code not in wanted:
            raise Undelivered(of_answer(answer.status_code, answer.headers, self.clock()))

    def _ask(self, method: str, path: str, **more: Any) -> requests.Response:
        headers = {
            "Accept": "application/dicom+json",
            **carried(),
            **more.pop("headers", {}),
            TOKEN_HEADER: self.token(),
        }
        with requests.Session() as session:
            session.trust_env = False  # a proxy of the machine is not meant for loopback
            return session.request(method, self.orthanc_url + path, headers=headers, timeout=_WITHIN, **more)


def _inline(attributes: Mapping[str, Any]) -> dict[str, Any]:
    return {tag: element for tag, element in attributes.items() if "BulkDataURI" not in element}
