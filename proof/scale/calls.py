"""What users and parts ask the API for, of patients and days taken at random."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import count
from random import Random
from urllib.parse import quote

from cdss_api.overview.gathering import counted
from cdss_api.retention.looking import candidates
from cdss_api.worklist.reading import read_entries, state_of
from neuronova.contract.retention.rules import RetentionRule, Since, Then
from neuronova.contract.roles import Role
from proof.scale.day import Examined, examine, examined, ordered, report
from tests.fhir.asking import Fhir

GRANTS = 200  # patients that the doctor sees, each by a grant of their own
_RULE = RetentionRule(
    name="scale", keep_days=36500, since=Since.ARRIVAL, then=Then.REPORT, copied_to=(), a_day=1, conditions=()
)


@dataclass(frozen=True, slots=True)
class Archive:
    """A service whose database has `days` copies of a day of `studies`."""

    fhir: Fhir
    day: date
    days: int
    studies: int
    random: Random

    def anyone(self) -> Examined:
        """Return an examination of any day."""
        return examined(self.random.randrange(self.studies), self.random.randint(1, self.days))

    def granted(self) -> str:
        """Return the id of a Patient whom the doctor sees."""
        return examined(0, self.random.randint(1, min(self.days, GRANTS))).patient_key

    def any_day(self) -> str:
        """Return a day of those that were copied."""
        return (self.day - timedelta(days=self.random.randint(1, self.days))).isoformat()

    def get(self, path: str, role: Role = Role.RADIOLOGIST) -> None:
        """Ask for what has to be answered."""
        answer = self.fhir.api.client.get(f"/api/v1{path}", headers=self.fhir.header(role))
        if answer.status_code != 200:
            raise RuntimeError(f"{path}: {answer.text}")


Call = Callable[[Archive], object]


def _asks(path: Callable[[Archive], str], role: Role = Role.RADIOLOGIST) -> Call:
    return lambda archive: archive.get(path(archive), role)


def _of(path: str, role: Role = Role.RADIOLOGIST) -> Call:
    """Return a call about any examination, whose names the path has in braces."""

    def call(archive: Archive) -> None:
        one = archive.anyone()
        names = {name: quote(getattr(one, name)) for name in Examined.__slots__}
        archive.get(path.format(**names), role)

    return call


def _today(archive: Archive) -> str:
    return (archive.day + timedelta(days=1)).isoformat()


def _worklist(archive: Archive) -> None:
    with archive.fhir.api.service.database.reading() as session:
        state_of(session)
        read_entries(session)


def _overview(archive: Archive) -> None:
    with archive.fhir.api.service.database.reading() as session:
        counted(session, archive.fhir.api.clock(), timedelta(0))


USERS: Mapping[str, Call] = {
    "reading list, first page": _asks(lambda _: "/reading"),
    "reading list, by name": _asks(lambda _: f"/reading?text={quote('길동')}"),
    "reading list, by a PatientID that does not wait": _of("/reading?text={patient}"),
    "reading list of a doctor, by grants": _asks(lambda _: "/reading", Role.DOCTOR),
    "report of a study, with priors": _of("/reports/{study}"),
    "worklist of today": _asks(lambda one: f"/worklist/day?day={_today(one)}", Role.TECHNOLOGIST),
    "worklist of any day": _asks(lambda one: f"/worklist/day?day={one.any_day()}"),
    "FHIR: Patient by identifier": _of("/fhir/Patient?identifier={patient}"),
    "FHIR: ImagingStudy of a patient": _of("/fhir/ImagingStudy?patient=Patient/{patient_key}"),
    "FHIR: the same, by a doctor's grants": _asks(
        lambda one: f"/fhir/ImagingStudy?patient=Patient/{one.granted()}", Role.DOCTOR
    ),
    "FHIR: ServiceRequest by accession number": _of("/fhir/ServiceRequest?identifier={accession}"),
    "FHIR: ImagingStudy of a day": _asks(lambda one: f"/fhir/ImagingStudy?started={one.any_day()}&_total=none"),
    "console: newest studies": _asks(lambda _: "/studies", Role.ADMIN),
    "console: studies of a PatientID": _of("/studies?patient_id={patient}", Role.ADMIN),
    "console: newest jobs": _asks(lambda _: "/jobs", Role.ADMIN),
    "console: how jobs stand": _asks(lambda _: "/jobs/overview", Role.ADMIN),
    "console: overview": _overview,
    "for modalities: worklist": _worklist,
}


def looked(archive: Archive) -> None:
    """Look for what retention may delete, as the worker does each hour: whatever the rules."""
    with archive.fhir.api.service.database.reading() as session:
        for _ in candidates(session, (_RULE,), archive.fhir.api.clock()):
            raise RuntimeError("nothing is as old")


def ways(archive: Archive) -> Mapping[str, Callable[[], object]]:
    """Return the steps of a study's way, each of which takes the oldest study that has come as far."""
    fhir, numbers = archive.fhir, count()
    come: deque[Examined] = deque()
    seen: deque[Examined] = deque()

    def step_examined() -> None:
        seen.append(one := come.popleft())
        examine(fhir, one)

    return {
        "an order, with its patient each third time": lambda: come.append(ordered(fhir, next(numbers), "3")),
        "an examination: said to be done, and told by Orthanc": step_examined,
        "a report signed, and its order completed": lambda: report(fhir, seen.popleft()),
    }
