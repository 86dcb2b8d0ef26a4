"""A result as a text that people read in the viewer: an Enhanced SR of headings and lines (PS3.3 A.35.2)."""

from __future__ import annotations

from collections.abc import Sequence

from highdicom.sr import (
    CodedConcept,
    ContainerContentItem,
    ContentSequence,
    EnhancedSR,
    RelationshipTypeValues,
    TextContentItem,
)
from pydicom import Dataset

from cdss_api.results import wording
from cdss_api.results.codes import our_code
from cdss_api.results.concepts import concept
from cdss_api.results.identity import identify, nameless
from cdss_api.results.made import Made
from cdss_api.results.measuring import observed_by
from cdss_api.results.wording import NOT_FOR_DIAGNOSIS
from neuronova.contract.ours import MANUFACTURER

SERIES_NUMBER = 99_300
_LONGEST = 64  # characters of a description (LO)
_CONTAINS = RelationshipTypeValues.CONTAINS
_TITLE = CodedConcept("18748-4", "LN", f"AI result ({NOT_FOR_DIAGNOSIS})")


def readable_of(made: Made) -> Dataset:
    """Return the object."""
    result = made.result
    root = ContainerContentItem(name=_TITLE, template_id="2000")
    root.ContentSequence = ContentSequence(
        [
            *observed_by(made),
            _section("Status", [f"{NOT_FOR_DIAGNOSIS}. A radiologist has to accept or reject it."]),
            _section("Findings", [wording.found(one) for one in result.findings] or ["The model names none."]),
            _section("Measurements", [wording.measured(one) for one in result.measurements]),
            _section("Limits", list(result.limits)),
            _section("Made by", [f"{wording.provenance(result)}, rule {made.rule}, {made.ended:%Y-%m-%d %H:%M %Z}"]),
        ],
        is_root=False,
    )
    middle = made.sources[len(made.sources) // 2]
    found = EnhancedSR(
        evidence=nameless([middle]),
        content=root,
        series_instance_uid=made.uid("text-series"),
        series_number=SERIES_NUMBER,
        sop_instance_uid=made.uid("text"),
        instance_number=1,
        manufacturer=MANUFACTURER,
        is_complete=True,
        record_evidence=False,
        series_description=f"{result.model.id} report: {NOT_FOR_DIAGNOSIS}"[:_LONGEST],
    )
    return identify(found, made.sources[0])


def _section(heading: str, lines: Sequence[str]) -> ContainerContentItem:
    section = ContainerContentItem(name=_heading(heading), relationship_type=_CONTAINS)
    section.ContentSequence = ContentSequence(
        [TextContentItem(name=_heading(heading), value=line, relationship_type=_CONTAINS) for line in lines]
    )
    return section


def _heading(name: str) -> CodedConcept:
    return concept(our_code(name))
