"""Messages of judged series: there and back, and what is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from neuronova.contract.ai.judged import MOST_SERIES, Asked, SeriesJudged, from_json, input_hash, to_json
from neuronova.contract.priority import Priority

FIRES = Asked(rule="ct-head", model="ct-hyperdensity", priority=Priority.URGENT)
CANNOT = Asked(rule="mr-t1w", model="t1w-volumes", priority=Priority.ROUTINE, reasons=("it has 3 images",))
JUDGED = SeriesJudged(
    writer="w",
    sequence=7,
    orthanc="o",
    study="1.2",
    series="1.2.3",
    patient_id="P 1",
    issuer="",
    accession_number="A1",
    modality="CT",
    instances=3,
    input_hash="a" * 64,
    uids_hash="b" * 64,
    asked=(FIRES, CANNOT),
)
GONE = replace(JUDGED, instances=0, input_hash="", uids_hash="", asked=())


@pytest.mark.parametrize("judged", [JUDGED, GONE, replace(JUDGED, asked=())], ids=["asked", "gone", "not-meant"])
def test_there_and_back(judged: SeriesJudged) -> None:
    assert from_json(json.loads(json.dumps(to_json([judged])))) == (judged,)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("study", "1..2"),
        ("series", ""),
        ("sequence", -1),
        ("sequence", True),
        ("instances", "3"),
        ("instances", 10**9),
        ("input_hash", ""),
        ("uids_hash", "b" * 63),
        ("patient_id", "P\0"),
        ("issuer", None),
        ("asked", {}),
        ("asked", [{"rule": "r", "model": "m"}]),
        ("asked", [{"rule": "r", "model": "m", "priority": "soon"}]),
        ("asked", [{"rule": "", "model": "m", "priority": "stat"}]),
        ("asked", [{"rule": "r", "model": "m", "priority": "stat", "reasons": [3]}]),
        ("more", 1),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_what_is_odd_is_refused(name: str, value: Any) -> None:
    message = json.loads(json.dumps(to_json([JUDGED])))
    message["series"][0][name] = value
    with pytest.raises(ValueError):
        from_json(message)


@pytest.mark.parametrize("name", ["input_hash", "asked"])
def test_a_series_that_is_gone_asks_for_nothing(name: str) -> None:
    message = json.loads(json.dumps(to_json([GONE])))
    message["series"][0][name] = json.loads(json.dumps(to_json([JUDGED])))["series"][0][name]
    with pytest.raises(ValueError):
        from_json(message)


@pytest.mark.parametrize(
    "value",
    [None, [], {"format": 1}, {"format": 2, "series": []}, to_json([JUDGED] * (MOST_SERIES + 1))],
    ids=["none", "list", "empty", "format", "many"],
)
def test_a_request_of_another_shape_is_refused(value: Any) -> None:
    with pytest.raises(ValueError):
        from_json(value)


def test_the_input_hash_knows_files_and_not_their_order() -> None:
    files = [("1.2.3.1", "aa"), ("1.2.3.2", "bb")]
    assert input_hash(files) == input_hash(reversed(files))
    changed = [[("1.2.3.1", "aa")], [("1.2.3.1", "aa"), ("1.2.3.2", "cc")], [*files, ("1.2.3.3", "dd")]]
    assert len({input_hash(one) for one in [files, *changed]}) == 4
