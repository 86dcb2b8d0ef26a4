"""A PDF as a DICOM object of the study that it reports (PS3.3 A.45.1 Encapsulated PDF IOD): pure."""

from __future__ import annotations

import io
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from neuronova.contract.ours import MANUFACTURER

if TYPE_CHECKING:
    from pydicom import Dataset

_REPORTS = uuid.UUID("0f6e8f1c-6f0a-4d0e-9d0a-52f3b1d7c9a4")  # our own name space for reports
_SERIES_NUMBER = 99_000  # after what modalities number
# Patient (C.7.1.1), Patient Study (C.7.2.2) and General Study (C.7.2.1), as far as a search tells them.
_OF_STUDY = (
    *("PatientName", "PatientID", "IssuerOfPatientID", "PatientBirthDate", "PatientSex"),
    *("StudyInstanceUID", "StudyDate", "StudyTime", "ReferringPhysicianName", "StudyID", "AccessionNumber"),
    "StudyDescription",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Filed:
    """A PDF and which version of which report it is; `signed` is in the hospital's zone."""

    pdf: bytes
    report: str
    version: int
    title: str
    signed: datetime


def instance_uid_of(report: str, version: int) -> str:
    """Return the SOPInstanceUID of a report's version: always the same (PS3.5 B.2), so that it is stored once."""
    return f"2.25.{uuid.uuid5(_REPORTS, f'{report}/{version}').int}"


def series_uid_of(report: str) -> str:
    """Return the SeriesInstanceUID of a report's versions."""
    return f"2.25.{uuid.uuid5(_REPORTS, report).int}"


def encapsulated(filed: Filed, study: Dataset) -> bytes:
    """Return the DICOM file; `study` has the attributes of the study as Orthanc has it."""
    from pydicom.dataset import FileDataset, FileMetaDataset  # here, for a worker starts sooner without it
    from pydicom.uid import UID, EncapsulatedPDFStorage, ExplicitVRLittleEndian

    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = EncapsulatedPDFStorage
    meta.MediaStorageSOPInstanceUID = UID(instance_uid_of(filed.report, filed.version))
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.SOPClassUID = EncapsulatedPDFStorage
    dataset.SOPInstanceUID = meta.MediaStorageSOPInstanceUID
    for keyword in _OF_STUDY:
        known = study.get(keyword)
        if known is not None or keyword != "IssuerOfPatientID":  # of type 3: not there rather than empty
            setattr(dataset, keyword, "" if known is None else known)
    dataset.Modality = "DOC"
    dataset.SeriesInstanceUID = series_uid_of(filed.report)
    dataset.SeriesNumber = _SERIES_NUMBER
    dataset.SeriesDescription = "Report"
    dataset.Manufacturer = MANUFACTURER
    dataset.ConversionType = "WSD"
    dataset.InstanceNumber = filed.version
    dataset.ContentDate, dataset.ContentTime = filed.signed.strftime("%Y%m%d"), filed.signed.strftime("%H%M%S")
    dataset.AcquisitionDateTime = ""
    dataset.BurnedInAnnotation = "YES"  # it names the patient
    dataset.DocumentTitle = filed.title[:1024]
    dataset.ConceptNameCodeSequence = [_concept()]
    dataset.VerificationFlag = "VERIFIED"
    dataset.MIMETypeOfEncapsulatedDocument = "application/pdf"
    dataset.EncapsulatedDocument = filed.pdf + b"\0" * (len(filed.pdf) % 2)
    dataset.EncapsulatedDocumentLength = len(filed.pdf)
    file = io.BytesIO()
    dataset.save_as(file, enforce_file_format=True)
    return file.getvalue()


def _concept() -> Dataset:
    from pydicom import Dataset

    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = "18748-4", "LN", "Diagnostic imaging study"
    return code
