"""An entry as the data set that modalities are answered with (PS3.4 K.6.1.2.2)."""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import cached_property

from pydicom import Dataset, dcmwrite
from pydicom.dataset import FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian

from neuronova.contract.worklist import Code, Entry

SOP_CLASS = UID("1.2.840.10008.5.1.4.31")  # Modality Worklist Information Model - FIND
# Orthanc writes every answer in its DefaultEncoding, which is this one, whatever a plugin hands it.
CHARACTER_SET = "ISO_IR 192"


@dataclass(frozen=True)
class Offer:
    """What queries are matched with, and the same as a DICOM file, as Orthanc takes it."""

    entry: Entry
    dataset: Dataset

    @cached_property
    def encoded(self) -> bytes:
        """Return the file; written once it is wanted, for that takes some milliseconds."""
        return _encoded(self.dataset)


def offer_of(entry: Entry) -> Offer:
    """Return the offer of an entry."""
    return Offer(entry, dataset_of(entry))


def dataset_of(entry: Entry) -> Dataset:
    """Return all that is known of an entry; what a modality may ask for and nobody knows is there without a value."""
    dataset = Dataset()
    dataset.SpecificCharacterSet = CHARACTER_SET
    dataset.AccessionNumber = entry.accession_number
    dataset.ReferringPhysicianName = entry.requesting_physician
    dataset.ReferencedStudySequence = []
    dataset.ReferencedPatientSequence = []
    dataset.PatientName = entry.patient_name
    dataset.PatientID = entry.patient_id
    dataset.IssuerOfPatientID = entry.issuer
    dataset.PatientBirthDate = entry.birth_date
    dataset.PatientSex = entry.sex
    dataset.PatientWeight = entry.weight or None
    dataset.MedicalAlerts = ""
    dataset.Allergies = list(entry.allergies)
    dataset.PregnancyStatus = None
    dataset.StudyInstanceUID = entry.study_uid
    dataset.RequestingPhysician = entry.requesting_physician
    dataset.RequestedProcedureDescription = entry.procedure_description
    dataset.RequestedProcedureCodeSequence = _sequence(entry.procedure_code)
    dataset.AdmissionID = ""
    dataset.SpecialNeeds = ""
    dataset.CurrentPatientLocation = ""
    dataset.PatientState = ""
    dataset.RequestedProcedureID = entry.procedure_id
    dataset.RequestedProcedurePriority = ""
    dataset.PatientTransportArrangements = ""
    dataset.ConfidentialityConstraintOnPatientDataDescription = ""
    dataset.ScheduledProcedureStepSequence = [_step(entry)]
    return dataset


def _step(entry: Entry) -> Dataset:
    step = Dataset()
    step.Modality = entry.step.modality
    step.RequestedContrastAgent = ""
    step.ScheduledStationAETitle = list(entry.step.station_titles)
    step.ScheduledProcedureStepStartDate = entry.step.date
    step.ScheduledProcedureStepStartTime = entry.step.time
    step.ScheduledPerformingPhysicianName = entry.step.performing_physician
    step.ScheduledProcedureStepDescription = entry.step.description
    step.ScheduledProtocolCodeSequence = _sequence(entry.step.code)
    step.ScheduledProcedureStepID = entry.step.id
    step.ScheduledStationName = ""
    step.ScheduledProcedureStepLocation = ""
    step.PreMedication = ""
    step.ScheduledProcedureStepStatus = "SCHEDULED"
    return step


def _sequence(code: Code | None) -> list[Dataset]:
    if code is None:
        return []
    item = Dataset()
    item.CodeValue = code.value
    item.CodingSchemeDesignator = code.scheme
    item.CodeMeaning = code.meaning
    return [item]


def _encoded(dataset: Dataset) -> bytes:
    """Return a DICOM file: Orthanc reads an answer as one, and takes from it what was asked for."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = SOP_CLASS
    meta.MediaStorageSOPInstanceUID = dataset.StudyInstanceUID
    whole = Dataset(dataset)
    whole.file_meta = meta
    file = io.BytesIO()
    dcmwrite(file, whole, enforce_file_format=True)
    return file.getvalue()
