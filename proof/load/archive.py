"""What is in the archive before the load begins."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from neuronova.contract.issuer import PATIENT_ID
from neuronova.contract.settings import Settings
from proof.chaos.working import by_pynetdicom
from proof.hospital import MODALITIES, Hospital, Person
from tests.inference.service import slices
from tests.server import until

ARCHIVE = "archive.json"
SLICES, SIZE = 24, 256


def filled(hospital: Hospital, studies: int, folder: Path) -> None:
    """Store CTs with a patient each, wait until all are HTJ2K, and leave what a reader needs to know in `folder`."""
    admin = hospital.person("admin")
    known = [_stored(hospital.platform.settings, admin, number) for number in range(studies)]
    until(lambda: hospital.backlog() == 0, "all is encoded", 600)
    until(lambda: admin.told("GET", "/api/v1/reading?limit=1")["total"] >= studies, "all are on the reading list", 120)
    (folder / ARCHIVE).write_text(json.dumps(known))


def _stored(settings: Settings, admin: Person, number: int) -> dict[str, Any]:
    name = f"load-{number:04}"
    patient = {
        "resourceType": "Patient",
        "identifier": [{"system": PATIENT_ID, "value": name.upper()}],
        "name": [{"family": f"Load{number}", "given": ["Reader"]}],
    }
    kind = {"Content-Type": "application/fhir+json"}
    made = admin.told("POST", "/api/v1/fhir/Patient", data=json.dumps(patient), headers=kind)
    noise = np.random.default_rng(number).integers(-30, 30, (SLICES, SIZE, SIZE))
    images = slices(name, (noise + 40).astype(np.int16), spacing=(2.0, 1.0, 1.0), modality="CT")
    for one in images:
        one.PatientName = f"Load{number}^Reader"
    until(lambda: len(by_pynetdicom(MODALITIES[0], settings, images)) == len(images), f"{name} is stored", 120)
    return {
        "patient": made["id"],
        "name": f"Load{number}",
        "study": str(images[0].StudyInstanceUID),
        "series": str(images[0].SeriesInstanceUID),
        "instances": [str(one.SOPInstanceUID) for one in images],
    }
