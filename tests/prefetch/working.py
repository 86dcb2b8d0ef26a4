"""Orders by the API, the outbox's own worker and prefetch's own delivery, before a real Orthanc."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from itertools import count
from typing import Any

from pydicom import Dataset
from sqlalchemy import select

from cdss_api import modalities
from cdss_api.outbox.models import Message, Stream, Target
from cdss_api.outbox.waits import Policy
from cdss_api.outbox.worker import Worker
from cdss_api.prefetch.delivery import STEP, PrefetchDelivery
from cdss_api.prefetch.fetching import Fetcher
from cdss_api.prefetch.models import Prefetch, Prior
from cdss_api.prefetch.record import PrefetchRecord
from neuronova.contract.grants import ModalityChange, Operation
from neuronova.contract.issuer import PATIENT_ID
from tests.access import everything
from tests.accounts.api import TESTER, Api
from tests.fhir.asking import Fhir
from tests.prefetch.archive import TITLE
from tests.server import Server
from tests.synthetic import ct_slice
from tests.worklist.orders import order

TARGET = f"prefetch:{TITLE}"
TODAY = date(2026, 3, 1)
_patients = count(1)


def study(name: str, patient: str, *, images: int = 2, **more: Any) -> list[Dataset]:
    """Return a CT study of Hong's."""
    made = [ct_slice(number, rows=16, columns=16, study=name, patient=patient) for number in range(1, images + 1)]
    for image in made:
        image.PatientName, image.PatientBirthDate, image.PatientSex = "Hong^Gildong", "19800203", "M"
        image.StudyDate, image.StudyDescription = "20240102", name
        for keyword, value in more.items():
            setattr(image, keyword, value)
    return made


@dataclass
class Bench:
    """A worker for what is fetched from the archive; `patient` is a PatientID that no other test has."""

    fhir: Fhir
    server: Server
    patient: str = field(default_factory=lambda: f"P-{next(_patients)}")

    def __post_init__(self) -> None:
        self.allow(Operation.STORE)

    @property
    def api(self) -> Api:
        return self.fhir.api

    def allow(self, *operations: Operation, issuer: str | None = None) -> None:
        """Have the API's table say what the archive may do."""
        with self.api.service.work(TESTER) as work:
            modalities.put(work, ModalityChange(title=TITLE, host="127.0.0.1", operations=operations, issuer=issuer))

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Ask the FHIR interface as an admin."""
        answer = self.fhir.ask(method, f"/{path}", body)
        assert answer.status_code in (200, 201), answer.text
        return answer.get_json(force=True)

    def ordered(self, **more: Any) -> dict[str, Any]:
        """Place an order of Hong's."""
        whom = {
            "resourceType": "Patient",
            "identifier": [{"system": PATIENT_ID, "value": self.patient}],
            "name": [{"family": "Hong", "given": ["Gildong"]}],
            "birthDate": "1980-02-03",
            "gender": "male",
        }
        subject = {"reference": f"Patient/{self.ask('POST', 'Patient', whom)['id']}"}
        placed = order(subject=subject, identifier=[], performer=[], **more)
        for name in ("id", "meta", "requester", "performer", "identifier"):
            placed.pop(name, None)
        made: dict[str, Any] = self.ask("POST", "ServiceRequest", placed)
        return made

    def changed(self, placed: dict[str, Any], **more: Any) -> dict[str, Any]:
        """Write an order anew."""
        made: dict[str, Any] = self.ask("PUT", f"ServiceRequest/{placed['id']}", placed | more)
        return made

    def worker(self, step: float = STEP) -> Worker:
        service = self.api.service
        deliver = PrefetchDelivery(
            record=PrefetchRecord(service.database, self.api.clock),
            fetcher=lambda: Fetcher(self.server.url, everything),
            rules={rule.name: rule for rule in service.prefetch},
            title=self.server.settings.aet,
            issuer=None,
            today=lambda: TODAY,
            step=step,
        )
        return Worker(service.database, deliver, self.api.clock, lambda: 0.0, Policy(), only=[TARGET])

    def work(self, seconds: float = 5.0, step: float = STEP) -> None:
        """Work until nothing is due, while so many seconds pass on the service's clock."""
        worker, end = self.worker(step), self.api.clock.time + seconds
        while worker.step():
            pass
        while self.api.clock.time < end:
            self.api.clock.time += 0.5
            while worker.step():
                pass

    def rows(self) -> list[Prefetch]:
        with self.api.service.database.reading() as session:
            rows = list(session.scalars(select(Prefetch).order_by(Prefetch.number)))
            session.expunge_all()
            return rows

    def states(self) -> list[str]:
        return [one.state for one in self.rows()]

    def priors(self) -> dict[str, str]:
        """Return the state of each study, by its description."""
        return {one.description: one.state for one in self.all_priors()}

    def all_priors(self) -> list[Prior]:
        with self.api.service.database.reading() as session:
            rows = list(session.scalars(select(Prior).order_by(Prior.number)))
            session.expunge_all()
            return rows

    def here(self, images: list[Dataset]) -> int:
        """Return how many of these images' study are stored."""
        return Fetcher(self.server.url, everything).held(str(images[0].StudyInstanceUID))

    def messages(self) -> list[tuple[str, int, str | None]]:
        """Return the state, the attempts and the verdict of each message."""
        columns = (Message.state, Message.attempts, Message.verdict)
        rows = select(*columns).join(Stream).where(Stream.target == TARGET).order_by(Message.number)
        with self.api.service.database.reading() as session:
            return [(state, attempts, verdict) for state, attempts, verdict in session.execute(rows)]

    def breaker(self) -> str:
        with self.api.service.database.reading() as session:
            return session.get_one(Target, TARGET).breaker
