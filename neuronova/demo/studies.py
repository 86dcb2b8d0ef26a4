"""The built-in studies as DICOM objects; the patients are invented and say so."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import UID, CTImageStorage, ExplicitVRLittleEndian, MRImageStorage, generate_uid

from neuronova.demo.brain import t1w
from neuronova.demo.phantom import Volume, head


@dataclass(frozen=True)
class Scan:
    """How images are taken: lengths in mm, window as DICOM has it, `more` attributes of this modality alone."""

    modality: str
    sop_class: UID
    series_description: str
    slice_mm: float
    pixel_mm: float
    window: tuple[int, int]  # centre and width
    more: tuple[tuple[str, object], ...]


CT = Scan(
    modality="CT",
    sop_class=CTImageStorage,
    series_description="Axial 2.25 mm",
    slice_mm=2.25,
    pixel_mm=0.75,
    window=(40, 80),
    more=(
        ("ImageType", ["DERIVED", "SECONDARY", "AXIAL"]),
        ("KVP", "120"),
        *(("RescaleIntercept", 0), ("RescaleSlope", 1), ("RescaleType", "HU")),
    ),
)
MR = Scan(
    modality="MR",
    sop_class=MRImageStorage,
    series_description="T1 MPRAGE 1.2 mm",
    slice_mm=1.2,
    pixel_mm=1.2,
    window=(450, 900),
    more=(
        ("ImageType", ["DERIVED", "SECONDARY", "M"]),
        *(("ScanningSequence", "GR"), ("SequenceVariant", "MP"), ("ScanOptions", ""), ("MRAcquisitionType", "3D")),
        *(("EchoTime", "3"), ("RepetitionTime", "2300"), ("InversionTime", "900"), ("EchoTrainLength", 1)),
        ("MagneticFieldStrength", "3"),
    ),
)
_MR_SHAPE = (150, 200, 160)  # slices, rows, columns


@dataclass(frozen=True)
class Subject:
    """A fictitious patient with one study of the head."""

    key: str
    patient_id: str
    patient_name: str
    sex: str
    character_set: str
    accession_number: str
    description: str
    scan: Scan = CT
    with_haematoma: bool = False

    def uid(self, *parts: object) -> UID:
        """Return the same UID each time, so that sending again changes nothing."""
        return generate_uid(entropy_srcs=["neuronova-demo", "2", self.key, *map(str, parts)])


SUBJECTS = (
    Subject(
        key="phantom",
        patient_id="DEMO-0001",
        patient_name="Phantom^Demo",
        sex="O",
        character_set="ISO_IR 192",
        accession_number="DEMO1",
        description="CT head (synthetic phantom)",
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
    Subject(
        key="park",
        patient_id="DEMO-0005",
        patient_name="Park^Sora",
        sex="F",
        character_set="ISO_IR 192",
        accession_number="DEMO5",
        description="MR brain (synthetic phantom)",
        scan=MR,
    ),
)


def slices_of(subject: Subject) -> Iterator[Dataset]:
    """Yield the images of a subject's study, from the feet upwards."""
    seed = len(subject.key)
    if subject.scan is MR:
        volume = t1w(_MR_SHAPE, MR.pixel_mm, seed=seed)
    else:
        volume = head(with_haematoma=subject.with_haematoma, seed=seed)
    for index in range(len(volume)):
        yield _slice(subject, volume, index)


def _slice(subject: Subject, volume: Volume, index: int) -> Dataset:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = subject.scan.sop_class
    meta.MediaStorageSOPInstanceUID = subject.uid("image", index)
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset = FileDataset(None, {}, file_meta=meta, preamble=b"\0" * 128)  # type: ignore[arg-type]
    _identify(dataset, subject, index)
    _place(dataset, subject.scan, volume, index)
    _draw(dataset, subject.scan, volume[index].tobytes())
    return dataset


def _identify(dataset: Dataset, subject: Subject, index: int) -> None:
    dataset.SpecificCharacterSet = subject.character_set.split("\\")
    dataset.SOPClassUID = subject.scan.sop_class
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
    dataset.SeriesDescription = subject.scan.series_description
    dataset.SeriesNumber = 1
    dataset.AcquisitionNumber = 1
    dataset.InstanceNumber = index + 1
    dataset.Modality = subject.scan.modality
    dataset.Manufacturer = "NeuroNova demo"
    dataset.BodyPartExamined = "HEAD"
    for keyword, value in subject.scan.more:
        setattr(dataset, keyword, value)


def _place(dataset: Dataset, scan: Scan, volume: Volume, index: int) -> None:
    slices, rows, columns = volume.shape
    corner = [
        -scan.pixel_mm * (columns - 1) / 2,
        -scan.pixel_mm * (rows - 1) / 2,
        scan.slice_mm * (index - (slices - 1) / 2),
    ]
    dataset.PatientPosition = "HFS"
    dataset.ImagePositionPatient = [f"{value:.3f}" for value in corner]
    dataset.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    dataset.PixelSpacing = [scan.pixel_mm, scan.pixel_mm]
    dataset.SliceThickness = dataset.SpacingBetweenSlices = scan.slice_mm
    dataset.SliceLocation = f"{corner[2]:.3f}"
    dataset.Rows, dataset.Columns = rows, columns


def _draw(dataset: Dataset, scan: Scan, pixels: bytes) -> None:
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.BitsAllocated = dataset.BitsStored = 16
    dataset.HighBit = 15
    dataset.PixelRepresentation = 1
    dataset.WindowCenter, dataset.WindowWidth = scan.window
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
