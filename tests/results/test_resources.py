"""A result in the record, by the store's own validation and by what others look for."""

from __future__ import annotations

import pytest

from cdss_api.fhir.validation import check
from cdss_api.results.resources import Standing, resources_of
from cdss_api.results.wording import amount
from neuronova.contract.inference import UNITS, Measurement
from tests.results.emitted import results, told
from tests.results.making import LIMITS, images, result


def test_each_is_valid() -> None:
    for one in results():
        check(one)


STATUSES = {
    Standing.OPEN: "preliminary",
    Standing.ACCEPTED: "final",
    Standing.REJECTED: "entered-in-error",
    Standing.WITHDRAWN: "entered-in-error",
}


@pytest.mark.parametrize("standing", Standing)
def test_the_status_says_what_holds(standing: Standing) -> None:
    *observations, report, provenance = resources_of(told(standing))
    assert {one["status"] for one in (*observations, report)} == {STATUSES[standing]}
    assert [one["reference"] for one in report["result"]] == [f"Observation/{one['id']}" for one in observations]
    targets = {one["reference"] for one in provenance["target"]}
    assert targets == {f"{one['resourceType']}/{one['id']}" for one in (*observations, report)}
    judges = [one["who"]["reference"] for one in provenance["agent"] if one["type"]["coding"][0]["code"] == "verifier"]
    assert judges == (["Practitioner/kim"] if "resultsInterpreter" in report else [])
    assert bool(judges) is (standing in (Standing.ACCEPTED, Standing.REJECTED))
    for line in ("AI, not for diagnosis", *LIMITS):
        assert line in report["conclusion"]


def test_nothing_says_that_it_is_of_an_order() -> None:
    for one in results():
        assert "basedOn" not in one
        assert all(each["system"] != "urn:neuronova:report-of" for each in one.get("identifier", ()))


@pytest.mark.parametrize("unit", sorted(UNITS))
def test_units_are_ucum(unit: str) -> None:
    said = result(images(), findings=(), measurements=(Measurement(name="A", value=0.5, unit=unit),))
    observation = resources_of(told(Standing.OPEN, result=said))[0]
    assert observation["valueQuantity"] == {
        "value": 0.5,
        "unit": unit,
        "system": "http://unitsofmeasure.org",
        "code": unit,
    }
    check(observation)


AMOUNTS = [(1234.5, "mL", "1,234.5 mL"), (66.0, "[hnsf'U]", "66 HU"), (0.126, "1", "0.13"), (0.0, "%", "0 %")]


@pytest.mark.parametrize(("value", "unit", "written"), AMOUNTS, ids=[row[2] for row in AMOUNTS])
def test_amounts_are_written_as_readers_write_them(value: float, unit: str, written: str) -> None:
    assert amount(value, unit) == written
