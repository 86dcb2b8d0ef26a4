"""Which orders are on the worklist, and as what."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from cdss_api.worklist.mapping import AE_TITLE, DCM, LOINC, Surroundings, entry_of
from cdss_api.worklist.names import REPRESENTATION, person_name
from cdss_api.worklist.texts import TooLong
from neuronova.contract.worklist import Code, Entry, Step, Update, from_json, to_json
from tests.worklist.orders import allergy, appointment, around, order, patient, typed, weight

SEOUL = timezone(timedelta(hours=9))


def mapped(changed: dict[str, Any] | None = None, beside: Surroundings | None = None) -> Entry:
    entry = entry_of(order(**changed or {}), beside or around(), SEOUL)
    assert entry is not None
    return entry


def test_an_order_is_an_entry() -> None:
    beside = around(
        weights=[weight(Decimal("70.50"), "2026-03-01"), weight(Decimal(72), "2026-02-01")],
        allergies=[allergy("Iodine"), allergy("Latex", "resolved"), allergy("Nuts", verification="refuted")],
    )
    code = Code(value="303653007", scheme="SCT", meaning="CT of head")
    assert mapped(beside=beside) == Entry(
        order="order-1",
        patient_id="P-100",
        issuer="HOSPITAL",
        patient_name="Hong^Gildong=洪^吉洞=홍^길동",
        birth_date="19800203",
        sex="M",
        weight="70.5",
        allergies=("Iodine",),
        accession_number="ACC-1",
        requesting_physician="Lee^A",
        procedure_id="ACC-1",
        procedure_description="CT 뇌",
        procedure_code=code,
        study_uid=mapped().study_uid,
        step=Step(
            id="ACC-1",
            station_titles=("CT_ONE",),
            modality="CT",
            date="20260401",
            time="093000",
            description="CT 뇌",
            code=code,
            performing_physician="Kim^A",
        ),
    )


@pytest.mark.parametrize(
    "changed",
    [
        *({"status": status} for status in ("draft", "on-hold", "revoked", "completed", "entered-in-error")),
        {"intent": "proposal"},
        {"doNotPerform": True},
        {"category": [], "orderDetail": []},
        {"category": [{"coding": [{"system": LOINC, "code": "26436-6"}]}], "orderDetail": []},
    ],
)
def test_what_no_modality_carries_out_is_not_there(changed: dict[str, Any]) -> None:
    assert entry_of(order(**changed), around()) is None


@pytest.mark.parametrize(
    "changed",
    [
        {"orderDetail": []},
        {"category": []},
        {"category": [], "orderDetail": [], "code": {"coding": [{"system": DCM, "code": "CT"}]}},
        {"category": [{"coding": [{"system": LOINC, "code": "LP29684-5"}]}], "orderDetail": []},
    ],
)
def test_what_says_imaging_is_there(changed: dict[str, Any]) -> None:
    assert entry_of(order(**changed), around()) is not None


def test_a_done_task_ends_it_and_a_patient_without_an_identifier_has_no_entry() -> None:
    task = {"resourceType": "Task", "id": "task", "status": "completed", "intent": "order"}
    assert entry_of(order(), around(tasks=[task])) is None
    assert entry_of(order(), around(tasks=[task | {"status": "cancelled"}])) is not None
    assert entry_of(order(), around(patient=patient(identifier=[]))) is None


@pytest.mark.parametrize(
    ("planned", "start"),
    [
        ({"occurrenceDateTime": "2026-04-01T23:30:00Z"}, ("20260402", "083000")),
        ({"occurrenceDateTime": "2026-04-01T23:30:00-05:00"}, ("20260401", "233000")),
        ({"occurrenceDateTime": "2026-04-01"}, ("20260401", "000000")),
        ({"occurrenceDateTime": None, "occurrencePeriod": {"start": "2026-04-03T08:00"}}, ("20260403", "080000")),
        ({"occurrenceDateTime": None, "occurrenceTiming": {"event": ["2026-04-04T08:00"]}}, ("20260404", "080000")),
        ({"occurrenceDateTime": "2026-04", "authoredOn": "2026-03-30T10:00:00+09:00"}, ("20260330", "100000")),
        ({"occurrenceDateTime": None}, ("20260331", "090000")),
    ],
)
def test_the_scheduled_time(planned: dict[str, Any], start: tuple[str, str]) -> None:
    step = mapped(planned).step
    assert (step.date, step.time) == start


def test_an_appointment_comes_before_the_order() -> None:
    moved = appointment("2026-04-02T13:00:00+09:00", "ct2")
    step = mapped(beside=around(appointments=[moved])).step
    assert (step.date, step.time, step.station_titles) == ("20260402", "130000", ("CT_TWO", "CT_ONE"))
    assert mapped(beside=around(appointments=[moved | {"status": "cancelled"}])) == mapped()


def test_a_station_may_be_named_without_a_device() -> None:
    performer = [{"identifier": {"system": AE_TITLE, "value": "MR_9"}}, {"identifier": {"value": "NOT_ONE"}}]
    assert mapped({"performer": performer}).step.station_titles == ("MR_9",)


@pytest.mark.parametrize(
    ("identifiers", "whose"),
    [
        ([{"system": "urn:neuronova:patient-id", "value": "1"}], ("1", "")),
        ([{"value": "1"}], ("1", "")),
        ([{"system": "A", "value": "1"}, {"system": "B", **typed("MR", "2")}], ("2", "B")),
        ([{"system": "A", "value": "1", "use": "old"}, {"system": "B", "value": "2"}], ("2", "B")),
    ],
)
def test_the_patient_identifier(identifiers: list[dict[str, Any]], whose: tuple[str, str]) -> None:
    entry = mapped(beside=around(patient=patient(identifier=identifiers)))
    assert (entry.patient_id, entry.issuer) == whose


def test_an_identifier_is_never_cut() -> None:
    for beside, changed in (
        (around(patient=patient(identifier=[{"value": "x" * 65}])), {}),
        (around(), {"identifier": [typed("ACSN", "x" * 17)]}),
        (around(), {"identifier": [typed("ACSN", "a\\b")]}),
    ):
        with pytest.raises(TooLong):
            entry_of(order(**changed), beside)


def test_a_study_has_one_uid_for_ever() -> None:
    named = {"identifier": [{"system": "urn:dicom:uid", "value": "urn:oid:1.2.34"}]}
    assert mapped(named).study_uid == "1.2.34"
    assert mapped(named).accession_number == ""
    assert mapped().study_uid == mapped({"occurrenceDateTime": "2027-01-01"}).study_uid
    assert mapped().study_uid != mapped({"id": "order-2"}).study_uid


@pytest.mark.parametrize(
    ("found", "kilograms"),
    [
        ([weight(Decimal(1500), "2026-03-01", "g")], "1.5"),
        ([weight(Decimal(100), "2026-03-01", "[lb_av]")], "45.359237"),
        ([weight(Decimal(100), "2026-03-01")], "100"),
        ([weight(Decimal(70), "2026-03-01", status="entered-in-error"), weight(Decimal(69), "2026-01-01")], "69"),
        ([weight(Decimal(70), "2026-03-01T08:00:00+09:00"), weight(Decimal(71), "2026-03-01T00:30:00Z")], "71"),
        ([weight(Decimal(11), "2026-03-01", "[stone_av]")], ""),
    ],
)
def test_the_newest_weight(found: list[dict[str, Any]], kilograms: str) -> None:
    assert mapped(beside=around(weights=found)).weight == kilograms


@pytest.mark.parametrize(
    ("names", "value"),
    [
        ([{"family": "Müller", "given": ["Jörg", "Karl"], "prefix": ["Dr."]}], "Müller^Jörg^Karl^Dr."),
        ([{"family": "홍", "given": ["길동"]}], "홍^길동"),
        ([{"family": "洪", "given": ["吉洞"]}, {"family": "홍", "given": ["길동"]}], "홍^길동=洪^吉洞=홍^길동"),
        ([{"family": "Hong"}, {"family": "홍"}], "Hong==홍"),
        ([{"text": "a^b=c\\d"}], "a b c d"),
        ([{"family": "Old", "use": "old"}, {"family": "Now", "use": "usual"}], "Now"),
        ([{"family": "Usual", "use": "usual"}, {"family": "Official", "use": "official"}], "Official"),
        ([{"family": "X", "extension": [{"url": REPRESENTATION, "valueCode": "SYL"}]}, {"family": "Y"}], "Y==X"),
        ([], ""),
    ],
)
def test_names(names: list[dict[str, Any]], value: str) -> None:
    assert person_name(names) == value


def test_the_message_is_read_as_it_was_written() -> None:
    update = Update(version="ab", full=True, entries=(mapped(), replace(mapped(), procedure_code=None)))
    assert from_json(to_json(update)) == update
    for odd in ({"format": 2}, {"format": 1, "version": "a"}, to_json(update) | {"entries": [{"order": "x"}]}):
        with pytest.raises(ValueError):
            from_json(odd)
