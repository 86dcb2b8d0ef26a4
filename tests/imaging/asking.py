"""A hospital of these tests: a platform, its modality, and what is asked of both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import requests
from pydicom import Dataset

from tests.patience import PATIENCE
from tests.running import Platform
from tests.server import Server, until
from tests.synthetic import ct_slice
from tests.worklist.orders import order, patient, typed

SOON = 10.0  # seconds; the machine is busy with other tests


def sent_slice(number: int = 1, *, patient_id: str = "P-100", issuer: str = "HOSPITAL", **more: Any) -> Dataset:
    """Return a slice of the study that `planned` orders, with attributes replaced."""
    dataset = ct_slice(number, study=more.pop("study", "imaging"), series=more.pop("series", "series"))
    dataset.PatientID, dataset.IssuerOfPatientID, dataset.AccessionNumber = patient_id, issuer, "ACC-1"
    dataset.PatientName, dataset.PatientBirthDate, dataset.PatientSex = "Hong^Gildong", "19800203", "M"
    for keyword, value in more.items():
        setattr(dataset, keyword, value)
    return dataset


@dataclass
class Hospital:
    """A running platform and its modality."""

    platform: Platform

    def open(self) -> None:
        """Let the modality store, and write Hong's order down."""
        self.platform.allow("MODALITY")
        self.write(patient(), order())

    def header(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.platform.bearer()}"}

    def write(self, *resources: dict[str, Any]) -> None:
        for one in resources:
            headers = self.header() | {"Content-Type": "application/fhir+json"}
            url = f"{self.platform.url}/api/v1/fhir/{one['resourceType']}/{one['id']}"
            answer = requests.put(url, json=one, headers=headers, timeout=PATIENCE)
            assert answer.ok, answer.text

    def found(self, search: str) -> list[dict[str, Any]]:
        """Return the resources that a search finds."""
        answer = requests.get(f"{self.platform.url}/api/v1/fhir/{search}", headers=self.header(), timeout=PATIENCE)
        answer.raise_for_status()
        return [one["resource"] for one in answer.json().get("entry", ()) if "id" in one["resource"]]

    def send(self, *datasets: Dataset) -> None:
        Server(self.platform.settings).send(*datasets)

    def studies(self) -> list[dict[str, Any]]:
        return self.found("ImagingStudy")

    def until_study(self, **members: Any) -> dict[str, Any]:
        """Wait until the one ImagingStudy has these members."""

        def fits() -> dict[str, Any] | None:
            try:
                found = self.studies()
            except requests.HTTPError:  # the service starts again
                return None
            fitting = len(found) == 1 and all(found[0].get(name) == value for name, value in members.items())
            return found[0] if fitting else None

        found: dict[str, Any] = until(fits, f"one study with {members}", SOON)
        return found

    def orthanc(self, method: str, path: str) -> Any:
        answer = requests.request(method, f"{self.platform.url}/orthanc{path}", headers=self.header(), timeout=PATIENCE)
        answer.raise_for_status()
        return answer.json()

    def file(self, instance: str) -> bytes:
        """Return a stored object."""
        url = f"{self.platform.url}/orthanc/instances/{instance}/file"
        answer = requests.get(url, headers=self.header(), timeout=PATIENCE)
        answer.raise_for_status()
        return answer.content

    def ask(self, method: str, path: str, body: Any = None) -> requests.Response:
        url = f"{self.platform.url}/api/v1/imaging{path}"
        return requests.request(method, url, json=body, headers=self.header(), timeout=PATIENCE)


__all__ = ["Hospital", "order", "patient", "sent_slice", "typed"]
