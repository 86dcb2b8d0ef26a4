"""The DICOM objects of a result, read back as another program would."""

from __future__ import annotations

import io
from typing import Any

import highdicom as hd
import numpy as np
import pytest
from pydicom import Dataset, dcmread
from pydicom.uid import RLELossless

from cdss_api.results.made import Made
from cdss_api.results.objects import file_of, objects_of
from cdss_api.results.segmentation import label_of, segmentation_of
from neuronova.contract.inference import Segment
from neuronova.contract.ours import MANUFACTURER
from tests.results.making import BRAIN, ENDED, LIMITS, MODEL, SHAPE, finding, images, labels, made

KOREAN = {"PatientName": "Hong^Gildong=洪^吉洞=홍^길동", "SpecificCharacterSet": "ISO_IR 192"}
# What real images have, and highdicom does not take.
ODD: dict[str, dict[str, Any]] = {
    "plain": {},
    "korean": KOREAN,
    "nobody": {"PatientName": "", "PatientBirthDate": "", "PatientSex": ""},
    "one-word": {"PatientName": "KIM"},
    "odd-age": {"PatientAge": "42"},
    "no-birth-date": {"PatientBirthDate": None},
    "no-thickness": {"SliceThickness": None},
    "long-description": {"StudyDescription": "x" * 64},
}


def stored(result: Made) -> list[Dataset]:
    """Return the objects as they are read from their files."""
    return [dcmread(io.BytesIO(file_of(one))) for one in objects_of(result)]


def segmentation(result: Made) -> Any:
    return hd.seg.segread(io.BytesIO(file_of(segmentation_of(result))))


def measurements(result: Made) -> Any:
    return hd.sr.srread(io.BytesIO(file_of(objects_of(result)[-2])))


def texts(item: Any) -> list[str]:
    """Return all texts below an item, in their order."""
    own = [str(item.TextValue)] if "TextValue" in item else []
    return own + [text for one in item.get("ContentSequence", ()) for text in texts(one)]


@pytest.mark.parametrize("more", ODD.values(), ids=ODD.keys())
def test_whoever_the_images_are_of_the_objects_are_of_the_same(more: dict[str, Any]) -> None:
    sources = images(**more)
    for one in stored(made(sources)):
        assert str(one.PatientName) == str(sources[0].get("PatientName") or "")
        for keyword in ("PatientID", "PatientBirthDate", "PatientSex", "StudyInstanceUID"):
            assert (one.get(keyword) or "") == (sources[0].get(keyword) or ""), keyword
        assert one.Manufacturer == MANUFACTURER
        assert one.SeriesInstanceUID != sources[0].SeriesInstanceUID
        assert (one.ContentDate, one.SeriesTime) == ("20270115", "093000")


def test_the_same_result_is_the_same_objects() -> None:
    first, again = stored(made()), stored(made())
    assert [one.SOPInstanceUID for one in first] == [one.SOPInstanceUID for one in again]
    assert len({one.SOPInstanceUID for one in first}) == len({one.SeriesInstanceUID for one in first}) == 3
    assert [one.Modality for one in first] == ["SEG", "SR", "SR"]


@pytest.mark.parametrize("tilt", [0.0, 17.5, -25.0], ids=["straight", "tilted", "other-way"])
def test_the_mask_lies_where_the_images_do(tilt: float) -> None:
    sources = images(tilt=tilt)
    found = segmentation(made(sources))
    assert found.file_meta.TransferSyntaxUID == RLELossless
    assert found.SegmentationType == "LABELMAP"
    assert (found.NumberOfFrames, found.Rows, found.Columns) == SHAPE
    assert found.FrameOfReferenceUID == sources[0].FrameOfReferenceUID
    uids = [str(one.SOPInstanceUID) for one in sources]
    assert np.array_equal(found.get_pixels_by_source_instance(uids, combine_segments=True), labels())
    shared = found.SharedFunctionalGroupsSequence[0]
    measures = shared.PixelMeasuresSequence[0]
    assert list(measures.PixelSpacing) == [2.0, 1.0]
    cosines = [float(one) for one in shared.PlaneOrientationSequence[0].ImageOrientationPatient]
    assert cosines == [float(one) for one in sources[0].ImageOrientationPatient]
    places = {str(one.SOPInstanceUID): [float(at) for at in one.ImagePositionPatient] for one in sources}
    for frame in found.PerFrameFunctionalGroupsSequence:
        source = frame.DerivationImageSequence[0].SourceImageSequence[0].ReferencedSOPInstanceUID
        assert [float(at) for at in frame.PlanePositionSequence[0].ImagePositionPatient] == places[source]


def test_segments_carry_labels_with_volumes_colours_and_the_model() -> None:
    found = segmentation(made())
    assert [one.SegmentNumber for one in found.SegmentSequence] == [1, 2]  # no background
    brain, other = found.SegmentSequence
    assert (brain.SegmentLabel, other.SegmentLabel) == ("Brain 1,234.56 mL", "Hyperdense region 1.5 mL")
    assert brain.SegmentedPropertyTypeCodeSequence[0].CodeValue == BRAIN.value
    assert brain.RecommendedDisplayCIELabValue != other.RecommendedDisplayCIELabValue
    assert brain.TrackingUID != other.TrackingUID
    by = other.SegmentationAlgorithmIdentificationSequence[0]
    assert (by.AlgorithmName, by.AlgorithmVersion) == (MODEL.id, MODEL.version)
    assert MODEL.digest in by.AlgorithmParameters
    assert "not for diagnosis" in found.SeriesDescription


LABELS = {
    "no-volume": (Segment(number=1, label="Brain"), "Brain"),
    "none-found": (Segment(number=1, label="Brain", volume=0.0), "Brain 0 mL"),
    "long": (Segment(number=1, label="x" * 80, volume=12.5), "x" * 56 + " 12.5 mL"),
}


@pytest.mark.parametrize(("segment", "label"), LABELS.values(), ids=LABELS.keys())
def test_a_label_is_never_longer_than_dicom_lets_it_be(segment: Segment, label: str) -> None:
    assert label_of(segment) == label
    assert len(label) <= 64


def test_a_mask_of_another_number_of_slices_is_refused() -> None:
    with pytest.raises(ValueError, match="4 slices of a mask do not lie over 3 images"):
        segmentation_of(made(images()[:3]))


def test_measurements_are_a_report_that_other_programs_read() -> None:
    sources = images()
    found = measurements(made(sources))
    assert found.ConceptNameCodeSequence[0].CodeValue == "126000"
    assert found.ContentTemplateSequence[0].TemplateIdentifier == "1500"
    groups = [
        *found.content.get_planar_roi_measurement_groups(),
        *found.content.get_volumetric_roi_measurement_groups(),
        *found.content.get_image_measurement_groups(),
    ]
    assert len(groups) == 4  # a finding, two segments, the whole
    assert len({one.tracking_uid for one in groups}) == 4
    for group in groups:
        by = {item.name.meaning: str(item.value) for item in group[0].ContentSequence if "TextValue" in item}
        assert (by["Algorithm Name"], by["Algorithm Version"]) == (MODEL.id, MODEL.version)
        assert by["Algorithm Parameters"] == f"digest {MODEL.digest}"
    values = {(one.unit.value, float(one.value)) for group in groups for one in group.get_measurements()}
    assert values == {("mL", 1.5), ("[hnsf'U]", 66.25), ("mL", 1400.0), ("mL", 1234.56)}


def test_evidence_is_few_images_and_the_file_stays_small() -> None:
    sources = images()
    (_, found, _) = objects_of(made(sources))
    evidence = found.CurrentRequestedProcedureEvidenceSequence
    named = [
        item.ReferencedSOPInstanceUID
        for study in evidence
        for series in study.ReferencedSeriesSequence
        for item in series.ReferencedSOPSequence
    ]
    assert len(named) == 3  # the middle one, the finding's, the segmentation
    assert str(sources[1].SOPInstanceUID) in named
    assert len(file_of(found)) < 32_000


NO_CIRCLE: dict[str, dict[str, Any]] = {
    "nowhere": {"position": None, "instance": None},
    "no-such-image": {"instance": "1.2.3"},
    "outside": {"position": (400.0, 0.0, 5.0)},
}


@pytest.mark.parametrize("more", NO_CIRCLE.values(), ids=NO_CIRCLE.keys())
def test_a_finding_that_is_nowhere_on_an_image_is_told_without_a_circle(more: dict[str, Any]) -> None:
    sources = images()
    found = measurements(made(sources, has_mask=False, measurements=(), findings=(finding(sources[1], **more),)))
    assert found.content.get_planar_roi_measurement_groups() == []
    (group,) = found.content.get_image_measurement_groups()
    assert len(group.get_measurements()) == 2


def test_a_result_that_says_nothing_is_written_too() -> None:
    found, text = stored(made(has_mask=False, measurements=(), findings=()))
    assert found.SOPInstanceUID != text.SOPInstanceUID
    assert "The model names none." in texts(text)


def test_the_text_says_all_that_a_reader_needs() -> None:
    (*_, found) = stored(made())
    said = texts(found)
    assert "Hyperdense region: volume 1.5 mL, mean 66.25 HU" in said
    assert "Intracranial volume: 1,400 mL" in said
    assert set(LIMITS) <= set(said)
    made_by = next(one for one in said if MODEL.version in one and "rule" in one)
    assert MODEL.digest[:12] in made_by
    assert f"{ENDED:%Y-%m-%d %H:%M}" in made_by
    assert any("AI, not for diagnosis" in one for one in said)
    assert "not for diagnosis" in found.ConceptNameCodeSequence[0].CodeMeaning
