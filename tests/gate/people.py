"""The patients of these tests: Kim and Lee, one study of each, and studies that make a decision hard."""

from __future__ import annotations

from pydicom import Dataset

from neuronova.contract.grants import Patient
from tests.synthetic import make, uid

HOSPITAL = "HOSPITAL"
SEEN = Patient("KIM", HOSPITAL)


def of(patient: str, study: str, *, issuer: str = HOSPITAL, **more: object) -> Dataset:
    """Return a CT slice of a patient's study."""
    named = f"{study} {patient} {issuer} {more}"
    attributes = {
        "PatientID": patient,
        "IssuerOfPatientID": issuer,
        "PatientName": f"{patient}^Test",
        "StudyDate": "20260401",
        "StudyInstanceUID": uid(study),
        "SeriesInstanceUID": uid(f"series {named}"),
        "SOPInstanceUID": uid(f"instance {named}"),
    }
    return make("ct", **(attributes | more))


KIM = of("KIM", "kim 1", StudyDescription="Head [CT]", PatientName="김^철수", AccessionNumber="A-100")
KIM_MR = of("KIM", "kim 2", StudyDate="20260301", Modality="MR")
LEE = of("LEE", "lee 1")
NAMESAKE = of("KIM", "kim elsewhere", issuer="CLINIC")  # the same PatientID of another issuer
SHARED = (of("KIM", "shared"), of("LEE", "shared"))  # one StudyInstanceUID under two patients
ALL = (KIM, KIM_MR, LEE, NAMESAKE, *SHARED)
