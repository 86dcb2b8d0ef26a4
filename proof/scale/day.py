"""One day of a hospital, made by the service itself: what `copies` makes years of."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from typing import Any
from unittest import mock

from cdss_api.jobs.models import Job
from cdss_api.jobs.states import State
from neuronova.contract.roles import Role
from neuronova.contract.studies import Series, StudyChanged, to_json
from tests.fhir.asking import PATIENT_ID, Fhir
from tests.reading.asking import save
from tests.reading.examinations import order, person
from tests.worklist.orders import typed

DAY = 86400  # seconds
MARK = "7315"  # begins whatever names something of a day that is copied; the number of the day follows
DIGITS = 7
OF_DAY = f"{MARK}{0:0{DIGITS}}"  # of the day that is copied
_EACH = 3  # studies of a patient; of three studies one has a job with its result
_sequences = count(1)


@dataclass(frozen=True, slots=True)
class Examined:
    """Names of one examination."""

    patient: str  # the PatientID
    patient_key: str  # the id of the Patient
    accession: str
    study: str
    order: str  # the id of the ServiceRequest


def work(fhir: Fhir, studies: int, *, name: str = OF_DAY, reported: Callable[[int], bool] = lambda _: True) -> None:
    """Let patients come, be ordered for and examined, and radiologists report what `reported` says."""
    pause = 8 * 3600 / studies  # from morning to evening
    for number in range(studies):
        one = ordered(fhir, number, name)
        examine(fhir, one)
        if reported(number):
            report(fhir, one)
        if number % _EACH == 0:
            _judge(fhir, one)
        fhir.api.clock.time += pause
        fhir.forget()  # tokens last for minutes


@contextmanager
def named_ids(name: str = OF_DAY) -> Iterator[None]:
    """Have each id that the service gives begin with a name, as long as ids are: so those of a copy can be told."""
    numbers = count(1)
    with mock.patch.object(secrets, "token_hex", lambda size: f"{name}{next(numbers):0{2 * size - len(name)}x}"):
        yield


def name_of(back: int) -> str:
    """Return what names a day, by how many days it is before the one that is copied."""
    return f"{MARK}{back:0{DIGITS}}"


def examined(number: int, back: int) -> Examined:
    """Return the names of an examination of a copied day."""
    return _named(number, name_of(back))


def _named(number: int, name: str) -> Examined:
    key = f"{name}-{number // _EACH}"
    return Examined(f"P{key}", key, f"A{name}-{number}", f"1.2.826.0.{name}.{number}", f"{name}-o{number}")


def ordered(fhir: Fhir, number: int, name: str) -> Examined:
    """Write an order, and of each third one its patient."""
    one = _named(number, name)
    if number % _EACH == 0:
        identifier = {"system": PATIENT_ID, "value": one.patient}
        _put(fhir, person(0, identifier=[identifier], id=one.patient_key))
    _put(fhir, _order(one, "active", day_of(fhir)))
    return one


def examine(fhir: Fhir, one: Examined) -> None:
    """Have the technologist and Orthanc tell of an examination."""
    path = f"/api/v1/worklist/orders/{one.order}"
    _taken(fhir.api.client.put(path, json={"performed": "done"}, headers=fhir.header(Role.TECHNOLOGIST)))
    body = to_json([_told(one, day_of(fhir))])
    answer = fhir.api.client.post("/api/v1/internal/events", json=body, headers=fhir.api.internal())
    _taken(answer)
    if answer.get_json()["refused"]:
        raise RuntimeError("an event was refused")


def report(fhir: Fhir, one: Examined) -> None:
    """Sign a study's report, after which its order is completed."""
    _taken(save(fhir, one.study, "final"))
    _put(fhir, _order(one, "completed", day_of(fhir)))


def day_of(fhir: Fhir) -> str:
    """Return the day of the service's clock (UTC), as FHIR writes it."""
    return datetime.fromtimestamp(fhir.api.clock.time, UTC).date().isoformat()


def _judge(fhir: Fhir, one: Examined) -> None:
    """Write down a job that a model ended well."""
    now = fhir.api.clock.time
    with fhir.api.service.database.writing() as session:
        session.add(
            Job(
                **dict.fromkeys(("job_key", "trace_id"), secrets.token_hex(16)),
                **dict.fromkeys(("digest", "input_hash", "uids_hash"), secrets.token_hex(32)),
                **dict.fromkeys(("created_at", "submitted_at", "started_at", "ended_at", "turn"), now),
                **dict.fromkeys(("rule", "model"), "scale"),
                model_version="1",
                orthanc=f"{one.study}-1",
                study=one.study,
                series=f"{one.study}.1",
                patient_id=one.patient,
                issuer="",
                accession=one.accession,
                modality="CT",
                instances=99,
                priority="routine",
                state=State.SUCCEEDED,
                run=1,
                attempts=1,
                seconds=2.5,
            )
        )


def _put(fhir: Fhir, body: dict[str, Any]) -> None:
    _taken(fhir.ask("PUT", f"/{body['resourceType']}/{body['id']}", body))


def _taken(answer: Any) -> None:
    if answer.status_code >= 400:
        raise RuntimeError(answer.text)


def _order(one: Examined, status: str, day: str) -> dict[str, Any]:
    return order(
        one.patient_key,
        id=one.order,
        status=status,
        identifier=[typed("ACSN", one.accession)],
        occurrenceDateTime=f"{day}T09:30:00Z",
    )


def _told(one: Examined, day: str) -> StudyChanged:
    series = (
        Series(
            uid=f"{one.study}.{at}", modality="CT", number=str(at), description="Axial", body_part="HEAD", instances=99
        )
        for at in (1, 2, 3)
    )
    return StudyChanged(
        writer="scale",
        sequence=next(_sequences),
        orthanc=one.study.replace(".", "-"),
        study=one.study,
        patient_id=one.patient,
        issuer="",
        patient_name="Hong^Gildong=홍^길동",
        birth_date="19800203",
        sex="M",
        accession_number=one.accession,
        description="CT of the head",
        date=day.replace("-", ""),
        time="093000",
        series=tuple(series),
    )
