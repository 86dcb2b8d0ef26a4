"""What of a study becomes what of an ImagingStudy, a Patient and an Endpoint."""

from __future__ import annotations

from datetime import UTC
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from cdss_api.fhir.validation import check
from cdss_api.imaging.mapping import endpoint, human_names, imaging_study, patient, started
from tests.imaging.studies import a_series, a_study

SEOUL = ZoneInfo("Asia/Seoul")


def names(text: str) -> list[dict[str, Any]]:
    return [
        {**one, "extension": one["extension"][0]["valueCode"]} if "extension" in one else one
        for one in human_names(text)
    ]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", []),
        ("^^^", []),
        ("Hong", [{"family": "Hong"}]),
        (
            "Hong^Gil Dong^Middle Name^Dr^Jr",
            [{"family": "Hong", "given": ["Gil Dong", "Middle", "Name"], "prefix": ["Dr"], "suffix": ["Jr"]}],
        ),
        ("^Gildong", [{"given": ["Gildong"]}]),
        (
            "Hong^Gildong=洪^吉洞=홍^길동",
            [
                {"extension": "ABC", "family": "Hong", "given": ["Gildong"]},
                {"extension": "IDE", "family": "洪", "given": ["吉洞"]},
                {"extension": "SYL", "family": "홍", "given": ["길동"]},
            ],
        ),
        ("=洪^吉洞", [{"extension": "IDE", "family": "洪", "given": ["吉洞"]}]),
        ("A\nB^C\\D", [{"family": "A B", "given": ["C D"]}]),
        (
            "a=b=c=d",
            [
                {"extension": "ABC", "family": "a"},
                {"extension": "IDE", "family": "b"},
                {"extension": "SYL", "family": "c"},
            ],
        ),
    ],
)
def test_names(text: str, found: list[dict[str, Any]]) -> None:
    assert names(text) == found


@pytest.mark.parametrize(
    ("day", "time", "found"),
    [
        ("20260401", "093000", "2026-04-01T09:30:00+09:00"),
        ("20260401", "0930", "2026-04-01T09:30:00+09:00"),
        ("20260401", "093000.123456", "2026-04-01T09:30:00+09:00"),
        ("2026.04.01", "09:30:05", "2026-04-01T09:30:05+09:00"),
        ("20260401", "", "2026-04-01"),
        ("20260401", "noon", "2026-04-01"),
        ("20260401", "250000", "2026-04-01"),
        ("20260231", "093000", ""),
        ("", "093000", ""),
    ],
)
def test_started(day: str, time: str, found: str) -> None:
    assert started(day, time, SEOUL) == found


def test_a_study() -> None:
    sent = a_study(
        series=(a_series(), a_series("1.2.4", modality="SR", number="", description="", body_part="", instances=1))
    )
    made = imaging_study(sent, {"reference": "Patient/hong"}, ["order-1"], UTC)
    assert made == {
        "resourceType": "ImagingStudy",
        "identifier": [
            {"system": "urn:dicom:uid", "value": "urn:oid:1.2.3"},
            {
                "type": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "ACSN"}]},
                "value": "ACC-1",
            },
        ],
        "status": "available",
        "modality": [{"system": "http://dicom.nema.org/resources/ontology/DCM", "code": code} for code in ("CT", "SR")],
        "subject": {"reference": "Patient/hong"},
        "started": "2026-04-01T09:30:00+00:00",
        "basedOn": [{"reference": "ServiceRequest/order-1"}],
        "endpoint": [{"reference": "Endpoint/dicomweb"}],
        "numberOfSeries": 2,
        "numberOfInstances": 3,
        "description": "CT 뇌",
        "series": [
            {
                "uid": "1.2.3.1",
                "number": 1,
                "modality": {"system": "http://dicom.nema.org/resources/ontology/DCM", "code": "CT"},
                "description": "Axial",
                "numberOfInstances": 2,
                "bodySite": {"display": "HEAD"},
            },
            {
                "uid": "1.2.4",
                "modality": {"system": "http://dicom.nema.org/resources/ontology/DCM", "code": "SR"},
                "numberOfInstances": 1,
            },
        ],
    }


@pytest.mark.parametrize("odd", ["", "ct", "\n", "X" * 40])
def test_odd_values_still_make_a_resource_that_fits_its_definition(odd: str) -> None:
    sent = a_study(
        patient_name=odd,
        birth_date=odd,
        sex=odd,
        accession_number=odd,
        description=odd,
        date=odd,
        time=odd,
        series=(a_series(modality=odd, number=odd, description=odd, body_part=odd),),
    )
    check(imaging_study(sent, {"display": "nobody"}, []))
    check(patient(sent))
    check(endpoint("http://127.0.0.1:8080/dicom-web"))


@pytest.mark.parametrize(
    ("sex", "gender"), [("M", "male"), ("F", "female"), ("O", "other"), ("m", "male"), ("", None), ("X", None)]
)
def test_a_patient(sex: str, gender: str | None) -> None:
    made = patient(a_study(sex=sex, issuer=""))
    assert made["identifier"] == [{"system": "urn:neuronova:patient-id", "value": "P-100"}]
    assert (made.get("gender"), made["birthDate"]) == (gender, "1980-02-03")
