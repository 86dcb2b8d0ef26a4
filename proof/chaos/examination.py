"""An examination: its order and its images, both following from its number alone."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
from pydicom import Dataset

from cdss_api.imaging.mapping import IDENTIFIER_TYPES
from cdss_api.worklist.mapping import DCM, SNOMED
from neuronova.contract.issuer import PATIENT_ID
from proof.hospital import FOR_MODEL
from tests.inference.service import slices

SLICES, SIZE = 6, 64
ACCESSION = "urn:neuronova:proof:accession"


@dataclass(frozen=True, slots=True)
class Examination:
    """A CT of one patient; `run` keeps the examinations of one run apart from those of another."""

    run: str
    number: int

    @property
    def name(self) -> str:
        """Return what tells it from all others."""
        return f"{self.run}-{self.number:05}"

    @property
    def patient_id(self) -> str:
        """Return the PatientID (0010,0020)."""
        return self.name.upper()

    @property
    def accession(self) -> str:
        """Return the AccessionNumber (0008,0050)."""
        return self.name.upper()

    @property
    def has_model(self) -> bool:
        """Tell whether a model is to run on it: a process for each would be most of the work."""
        return self.number % 3 == 0

    def images(self) -> list[Dataset]:
        """Return its slices: the same ones each time."""
        noise = np.random.default_rng(self.number).integers(-50, 50, (SLICES, SIZE, SIZE))
        counted = {"ImagesInAcquisition": SLICES, "AcquisitionNumber": 1}
        made = slices(self.name, (noise + 40).astype(np.int16), spacing=(2.0, 1.0, 1.0), modality="CT", **counted)
        for one in made:
            one.PatientID, one.AccessionNumber = self.patient_id, self.accession
            one.SeriesDescription = FOR_MODEL if self.has_model else "CT"
        return made

    @property
    def study(self) -> str:
        """Return the StudyInstanceUID (0020,000D)."""
        return str(self.images()[0].StudyInstanceUID)

    def order(self) -> str:
        """Return a transaction that makes patient and order unless they are there (FHIR R4 3.1.0.11.2)."""
        patient, url = {"system": PATIENT_ID, "value": self.patient_id}, f"urn:uuid:{_uuid(self.number)}"
        entries = (
            ("Patient", f"identifier={PATIENT_ID}|{self.patient_id}", url, _patient(patient, self.number)),
            ("ServiceRequest", f"identifier={ACCESSION}|{self.accession}", None, _request(self.accession, url)),
        )
        return json.dumps(
            {
                "resourceType": "Bundle",
                "type": "transaction",
                "entry": [
                    {
                        **({"fullUrl": full} if full else {}),
                        "resource": {"resourceType": kind, **resource},
                        "request": {"method": "POST", "url": kind, "ifNoneExist": condition},
                    }
                    for kind, condition, full, resource in entries
                ],
            }
        )


def _uuid(number: int) -> str:
    return f"6a1f0b9e-0002-4000-8000-{number:012}"


def _patient(identifier: dict[str, str], number: int) -> dict[str, Any]:
    name = {"family": f"Chaos{number}", "given": ["Order"]}
    return {"identifier": [identifier], "name": [name], "birthDate": "1970-01-01", "gender": "other"}


def _request(accession: str, patient: str) -> dict[str, Any]:
    return {
        "status": "active",
        "intent": "order",
        "identifier": [
            {
                "type": {"coding": [{"system": IDENTIFIER_TYPES, "code": "ACSN"}]},
                "system": ACCESSION,
                "value": accession,
            }
        ],
        "category": [{"coding": [{"system": SNOMED, "code": "363679005", "display": "Imaging"}]}],
        "code": {"text": "CT of head"},
        "orderDetail": [{"coding": [{"system": DCM, "code": "CT"}]}],
        "subject": {"reference": patient},
    }
