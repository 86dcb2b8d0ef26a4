"""Measurements and findings as numbers for machines: an Imaging Measurement Report (PS3.16 TID 1500)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from highdicom.sr import (
    AlgorithmIdentification,
    CodedConcept,
    ComprehensiveSR,
    DeviceObserverIdentifyingAttributes,
    FindingSite,
    GraphicTypeValues,
    ImageRegion,
    Measurement,
    MeasurementReport,
    MeasurementsAndQualitativeEvaluations,
    ObservationContext,
    ObserverContext,
    PlanarROIMeasurementsAndQualitativeEvaluations,
    ReferencedSegment,
    SourceImageForMeasurementGroup,
    SourceImageForRegion,
    SourceSeriesForSegmentation,
    TrackingIdentifier,
    VolumetricROIMeasurementsAndQualitativeEvaluations,
)
from pydicom import Dataset
from pydicom.sr.codedict import codes

from cdss_api.results.circling import circle_of
from cdss_api.results.codes import our_code
from cdss_api.results.concepts import concept, unit_concept
from cdss_api.results.identity import identify, nameless
from cdss_api.results.made import Made
from cdss_api.results.wording import NOT_FOR_DIAGNOSIS
from neuronova.contract import inference
from neuronova.contract.ours import MANUFACTURER

SERIES_NUMBER = 99_200
_LONGEST = 64  # characters of a description (LO)
_PROCEDURE = CodedConcept("363679005", "SCT", "Imaging procedure")
_VOLUME = inference.Code(value="118565006", scheme="SCT", meaning="Volume")
_Group = (
    MeasurementsAndQualitativeEvaluations
    | PlanarROIMeasurementsAndQualitativeEvaluations
    | VolumetricROIMeasurementsAndQualitativeEvaluations
)


def measurements_of(made: Made, segmentation: Dataset | None) -> Dataset:
    """Return the object; `segmentation` is that of the same result, where it has one.

    One image, those that findings are on, and the segmentation are its evidence: all images of a series would make it a
    hundred times as large.
    """
    known = {str(one.SOPInstanceUID): one for one in made.sources}
    middle = str(made.sources[len(made.sources) // 2].SOPInstanceUID)
    shown = dict.fromkeys([middle, *(one.instance for one in made.result.findings if one.instance in known)])
    images = dict(zip(shown, nameless([known[uid] for uid in shown if uid is not None]), strict=True))
    groups = [
        _found(made, number, one, images.get(one.instance or "", images[middle]))
        for number, one in enumerate(made.result.findings, 1)
    ]
    if segmentation is not None and made.result.mask is not None:
        groups += [_region(made, one, segmentation) for one in made.result.mask.segments if one.volume is not None]
    if made.result.measurements or not groups:  # a report has to have a group, be it an empty one
        groups.append(_whole(made, images[middle]))
    report = MeasurementReport(
        observation_context=observed_by(made),
        procedure_reported=_PROCEDURE,
        imaging_measurements=groups,
        title=codes.DCM.ImagingMeasurementReport,
    )
    found = ComprehensiveSR(
        evidence=[*images.values(), *([] if segmentation is None else [_plain(segmentation)])],
        content=report,
        series_instance_uid=made.uid("sr-series"),
        series_number=SERIES_NUMBER,
        sop_instance_uid=made.uid("sr"),
        instance_number=1,
        manufacturer=MANUFACTURER,
        is_complete=True,
        series_description=f"{made.result.model.id} for machines: {NOT_FOR_DIAGNOSIS}"[:_LONGEST],
    )
    return identify(found, made.sources[0])


def observed_by(made: Made) -> ObservationContext:
    """Return that a program observed it (TID 1004); its UID is that of the model's very files."""
    model = made.result.model
    device = DeviceObserverIdentifyingAttributes(
        uid=device_uid(model),
        name=model.id,
        manufacturer_name=MANUFACTURER,
        model_name=f"{model.id} {model.version}",
        serial_number=made.short_digest,
    )
    return ObservationContext(ObserverContext(codes.DCM.Device, device))


def device_uid(model: inference.Model) -> str:
    """Return the UID of a model: of 128 bits of its digest (PS3.5 B.2)."""
    return f"2.25.{int(model.digest[:32], 16)}"


def _whole(made: Made, image: Dataset) -> MeasurementsAndQualitativeEvaluations:
    return MeasurementsAndQualitativeEvaluations(
        tracking_identifier=_tracking(made, "whole"),
        algorithm_id=_algorithm(made),
        measurements=_items(made.result.measurements),
        source_images=[SourceImageForMeasurementGroup(image.SOPClassUID, image.SOPInstanceUID)],
    )


def _found(made: Made, number: int, finding: inference.Finding, image: Dataset) -> _Group:
    """Return a finding, in a circle where it says on which image it is: viewers draw that."""
    known: dict[str, Any] = {
        "tracking_identifier": _tracking(made, f"finding-{number}"),
        "finding_type": concept(our_code(finding.label)),
        "algorithm_id": _algorithm(made),
        "measurements": _items(finding.measurements),
    }
    circle = circle_of(finding, image) if finding.instance == image.SOPInstanceUID else None
    if circle is None:
        shown = SourceImageForMeasurementGroup(image.SOPClassUID, image.SOPInstanceUID)
        return MeasurementsAndQualitativeEvaluations(**known, source_images=[shown])
    on = SourceImageForRegion(image.SOPClassUID, image.SOPInstanceUID)
    region = ImageRegion(GraphicTypeValues.CIRCLE, circle, on)
    return PlanarROIMeasurementsAndQualitativeEvaluations(**known, referenced_region=region)


def _region(
    made: Made, segment: inference.Segment, segmentation: Dataset
) -> VolumetricROIMeasurementsAndQualitativeEvaluations:
    site = [] if segment.anatomy is None else [FindingSite(concept(segment.anatomy))]
    region = ReferencedSegment(
        sop_class_uid=segmentation.SOPClassUID,
        sop_instance_uid=segmentation.SOPInstanceUID,
        segment_number=segment.number,
        source_series=SourceSeriesForSegmentation(str(made.sources[0].SeriesInstanceUID)),
    )
    return VolumetricROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=TrackingIdentifier(
            uid=made.uid(f"segment-{segment.number}"), identifier=f"{made.result.model.id} {segment.number}"
        ),
        referenced_segment=region,
        finding_type=concept(segment.anatomy or our_code(segment.label)),
        algorithm_id=_algorithm(made),
        finding_sites=site,
        measurements=[_item(_VOLUME, segment.volume or 0.0, "mL")],
    )


def _items(measurements: Sequence[inference.Measurement]) -> list[Measurement]:
    return [_item(our_code(one.name), one.value, one.unit) for one in measurements]


def _item(code: inference.Code, value: float, unit: str) -> Measurement:
    return Measurement(name=concept(code), value=value, unit=unit_concept(unit))


def _tracking(made: Made, name: str) -> TrackingIdentifier:
    return TrackingIdentifier(uid=made.uid(f"group-{name}"), identifier=f"{made.result.model.id} {name}")


def _algorithm(made: Made) -> AlgorithmIdentification:
    model = made.result.model
    return AlgorithmIdentification(
        name=model.id,
        version=model.version,
        family=codes.DCM.ArtificialIntelligence,
        parameters=[f"digest {model.digest}"],
    )


def _plain(segmentation: Dataset) -> Dataset:
    """Return what names the segmentation as evidence, of the nameless patient that the images are of."""
    (named,) = nameless([segmentation])
    return named
