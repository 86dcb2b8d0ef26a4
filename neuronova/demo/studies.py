"""The built-in studies as DICOM objects; the patients are invented and say so."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import UID, CTImageStorage, ExplicitVRLittleEndian, generate_uid

from neuronova.demo.phantom import Volume, head

_SLICE_MM = 2.5
_PIXEL_MM = 0.9


@dataclass(frozen=True)
class Subject:
    """A fictitious patient with one head CT."""

    key: str
    patient_id: str
    patient_name: str
    sex: str
    character_set: str
    accession_number: str
    description: str
    with_haematoma: bool

    def uid(self, *parts: object) -> UID:
        """Return the same UID each time, so that sending again changes nothing."""
        return generate_uid(entropy_srcs=["neuronova-demo", "1", self.key, *map(str, parts)])


SUBJECTS = (
    Subject(
        key="phantom",
        patient_id="DEMO-0001",
        patient_name="Phantom^Demo",
        sex="O",
        character_set="ISO_IR 192",
        accession_number="DEMO1",
        description="CT head (synthetic phantom)",
        with_haematoma=False,
    ),
    Subject(
        key="hong",
        patient_id="DEMO-0002",
        patient_name="홍길동=洪吉洞=홍길동",
        sex="M",
        character_set="\\ISO 2022 IR 149",
        accession_number="DEMO2",
        description="CT head with haematoma (synthetic phantom)",
        with_haematoma=True,
    ),
)


def slices_of(subject: Subject) -> Iterator[Dataset]:
    """Yield the images of a subject's study, from the feet upwards."""
    volume = head(with_haematoma=subject.with_haematoma, seed=len(subject.key))
    for index in range(len(volume)):
        yield _slice(subject, volume, index)


def _slice(subject: Subject, volume: Volume, index: int) -> Dataset:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = CTImageStorage
    meta.MediaStorageSOPInstanceUID = subject.uid("image", index)
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset = FileDataset(None, {}, file_meta=meta, preamble=b"\0" * 128)  # type: ignore[arg-type]
    _identify(dataset, subject, index)
    _place(dataset, volume, index)
    _draw(dataset, volume[index].tobytes())
    return dataset


def _identify(dataset: Dataset, subject: Subject, index: int) -> None:
    dataset.SpecificCharacterSet = subject.character_set.split("\\")
    dataset.SOPClassUID = CTImageStorage
    dataset.SOPInstanceUID = subject.uid("image", index)
    dataset.StudyInstanceUID = subject.uid("study")
    dataset.SeriesInstanceUID = subject.uid("series")
    dataset.FrameOfReferenceUID = subject.uid("frame")
    dataset.PositionReferenceIndicator = ""
    dataset.PatientName = subject.patient_name
    dataset.PatientID = subject.patient_id
    dataset.PatientBirthDate = "19700101"
    dataset.PatientSex = subject.sex
    dataset.StudyID = "1"
    dataset.StudyDate = dataset.SeriesDate = dataset.AcquisitionDate = dataset.ContentDate = "20250101"
    dataset.StudyTime = dataset.SeriesTime = dataset.AcquisitionTime = dataset.ContentTime = "120000"
    dataset.AccessionNumber = subject.accession_number
    dataset.ReferringPhysicianName = ""
    dataset.StudyDescription = subject.description
    dataset.SeriesDescription = "Axial 2.5 mm"
    dataset.SeriesNumber = 1
    dataset.AcquisitionNumber = 1
    dataset.InstanceNumber = index + 1
    dataset.Modality = "CT"
    dataset.Manufacturer = "NeuroNova demo"
    dataset.BodyPartExamined = "HEAD"
    dataset.ImageType = ["DERIVED", "SECONDARY", "AXIAL"]
    dataset.KVP = "120"


def _place(dataset: Dataset, volume: Volume, index: int) -> None:
    slices, rows, columns = volume.shape
    corner = [
        -_PIXEL_MM * (columns - 1) / 2,
        -_PIXEL_MM * (rows - 1) / 2,
        _SLICE_MM * (index - (slices - 1) / 2),
    ]
    dataset.PatientPosition = "HFS"
    dataset.ImagePositionPatient = [f"{value:.3f}" for value in corner]
    dataset.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    dataset.PixelSpacing = [_PIXEL_MM, _PIXEL_MM]
    dataset.SliceThickness = dataset.SpacingBetweenSlices = _SLICE_MM
    dataset.SliceLocation = f"{corner[2]:.3f}"
    dataset.Rows, dataset.Columns = rows, columns


def _draw(dataset: Dataset, pixels: bytes) -> None:
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.BitsAllocated = dataset.BitsStored = 16
    dataset.HighBit = 15
    dataset.PixelRepresentation = 1
    dataset.RescaleIntercept, dataset.RescaleSlope, dataset.RescaleType = 0, 1, "HU"
    dataset.WindowCenter, dataset.WindowWidth = 40, 80
    dataset.PixelData = pixels
    dataset["PixelData"].VR = "OW"


def files_in(folder: Path) -> Iterator[Dataset]:
    """Yield the DICOM files anywhere below `folder`; what is none is passed over."""
    from pydicom import dcmread
    from pydicom.errors import InvalidDicomError

    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name != "DICOMDIR":
            try:
                yield cast(Dataset, dcmread(path))
            except InvalidDicomError:
                continue
