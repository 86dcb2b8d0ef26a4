"""What the platform itself writes of a study: with every element, and with as few as there can be."""

from __future__ import annotations

from cdss_api.fhir.document import Document
from cdss_api.imaging.mapping import endpoint, imaging_study, patient
from tests.imaging.studies import a_series, a_study

_FULL = a_study(issuer="urn:oid:1.2.410.100000.1", patient_name="Hong^Gildong^M^Dr^Jr=洪^吉洞=홍^길동")
_NO_URI = a_study(issuer="HOSPITAL A")
_BARE = a_study(
    issuer="",
    patient_name="",
    birth_date="",
    sex="",
    accession_number="",
    description="",
    date="20260401",
    time="",
    series=(a_series(modality="", number="", description="", body_part=""),),
)


def emitted() -> list[Document]:
    """Return resources with ids to be told by."""
    hong = {"reference": "Patient/hong"}
    return [
        imaging_study(_FULL, hong, ["ct"]) | {"id": "emitted-study"},
        imaging_study(_BARE, {"display": "No PatientID"}, []) | {"id": "emitted-bare-study"},
        patient(_FULL) | {"id": "emitted-patient"},
        patient(_NO_URI) | {"id": "emitted-patient-of-a-plain-issuer"},
        patient(_BARE) | {"id": "emitted-bare-patient"},
        endpoint("https://pacs.hospital.test/dicom-web") | {"id": "emitted-endpoint"},
    ]
