"""What a resource is found by."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdss_api.fhir.definitions import parameters
from cdss_api.fhir.document import Unreadable, read, write
from cdss_api.fhir.values import Link, Text, Token, folded, index, link_of

CODE = {"coding": [{"system": "http://loinc.org", "code": "29463-7", "display": "Body weight"}], "text": "체중"}


def test_names_are_found_without_case_and_accents() -> None:
    found = index({"resourceType": "Patient", "name": [{"family": "MÜLLER", "given": ["Jörg", "홍길동"]}]})
    assert Text("family", "muller", "MÜLLER") in found.texts
    assert {one.folded for one in found.texts if one.code == "given"} == {"jorg", "홍길동"}


def test_a_concept_is_found_by_code_and_words() -> None:
    found = index({"resourceType": "Observation", "status": "final", "code": CODE})
    assert Token("code", "http://loinc.org", "29463-7") in found.tokens
    assert {one.exact for one in found.texts if one.code == "code:text"} == {"Body weight", "체중"}


def test_only_references_to_a_patient_are_patients() -> None:
    found = index({"resourceType": "Observation", "subject": {"reference": "Device/d1"}})
    assert Link("subject", "Device", "d1", "") in found.links
    assert [one for one in found.links if one.code == "patient"] == []


def test_a_reference_by_identifier_is_found_by_it() -> None:
    subject = {"type": "Patient", "identifier": {"system": "urn:x", "value": "7"}}
    found = index({"resourceType": "Observation", "subject": subject})
    assert Token("subject:identifier", "urn:x", "7") in found.tokens


@pytest.mark.parametrize(
    ("reference", "kind", "id_"),
    [
        ("Patient/1", "Patient", "1"),
        ("Patient/1/_history/3", "Patient", "1"),
        ("http://elsewhere/fhir/Patient/1", "Patient", "1"),
        ("urn:uuid:1", "", ""),
        ("#contained", "", ""),
    ],
)
def test_a_reference_is_read(reference: str, kind: str, id_: str) -> None:
    link = link_of("subject", reference)
    assert (link.kind, link.id) == (kind, id_)


def test_a_quantity_and_a_timing_are_found() -> None:
    found = index(
        {"resourceType": "Observation", "valueQuantity": {"value": Decimal("13.20"), "unit": "kg"}, "code": CODE}
    )
    assert {(one.code, one.low, one.unit) for one in found.amounts} >= {("value-quantity", 13.2, "kg")}
    timing = {"event": ["2026-01-05", "2026-01-01"]}
    dates = index({"resourceType": "ServiceRequest", "occurrenceTiming": timing}).dates
    assert len(dates) == 1


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda below: (
        st.lists(below, max_size=3)
        | st.dictionaries(st.sampled_from(["reference", "value", "start", "coding", "system", "low", "event"]), below)
    ),
    max_leaves=8,
)


@given(st.sampled_from(sorted(parameters())), st.data())
def test_whatever_stands_in_a_resource_it_is_read(kind: str, data: st.DataObject) -> None:
    members = {place.path[0] for one in parameters()[kind].values() for place in one.places}
    resource: dict[str, Any] = {name: data.draw(JSON) for name in sorted(members)[:12]}
    index(resource | {"resourceType": kind})


@pytest.mark.parametrize("text", ['{"a": 13.20}', '{"a": 1E+2}', '{"a": 0.10000000000000000001}', '{"a": -0.0}'])
def test_a_decimal_keeps_its_digits(text: str) -> None:
    assert write(read(text)).replace(" ", "") == text.replace(" ", "")


@pytest.mark.parametrize(
    "text", ["", "[]", "1", '{"a": NaN}', '{"a": 1, "a": 2}', "{" * 100, '{"a":' * 200 + "1" + "}" * 200, b"\xff"]
)
def test_what_is_no_object_is_refused(text: str | bytes) -> None:
    with pytest.raises(Unreadable):
        read(text)


@given(st.text())
def test_folding_twice_changes_nothing(text: str) -> None:
    assert folded(folded(text)) == folded(text)
