"""The outbox's own worker and forwarding's own delivery, before a real Orthanc, with a clock that is set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pydicom import Dataset
from sqlalchemy import select

from cdss_api import modalities
from cdss_api.forwarding.delivery import ForwardDelivery
from cdss_api.forwarding.models import Forward
from cdss_api.forwarding.record import ForwardRecord
from cdss_api.forwarding.sending import Sender
from cdss_api.outbox.models import Message, Stream, Target
from cdss_api.outbox.waits import Policy
from cdss_api.outbox.worker import Worker
from neuronova.contract.ai.judged import Sent, SeriesJudged, input_hash
from neuronova.contract.grants import ModalityChange, Operation
from neuronova.contract.priority import Priority
from tests.access import everything
from tests.accounts.api import TESTER, Api
from tests.jobs.judging import judged, tell
from tests.server import Server

TARGET = "dicom:PEER"
TO_PEER = Sent(rule="all-ct", to="PEER", priority=Priority.URGENT)


@dataclass
class Bench:
    """A worker for what goes to PEER."""

    api: Api
    server: Server

    def __post_init__(self) -> None:
        self.allow(Operation.STORE)

    def allow(self, *operations: Operation) -> None:
        """Have the API's table say what PEER may do."""
        with self.api.service.work(TESTER) as work:
            modalities.put(work, ModalityChange(title="PEER", host="127.0.0.1", operations=operations))

    def arrived(self, *images: Dataset, sent: Sequence[Sent] = (TO_PEER,)) -> SeriesJudged:
        """Store images, and tell the API of their series as the plugin does."""
        self.server.send(*images)
        return self.told(images[0], sent=sent)

    def told(self, image: Dataset, *, sent: Sequence[Sent] = (TO_PEER,)) -> SeriesJudged:
        """Tell the API of the series that an image is of, as it is stored now."""
        (found,) = [
            one for one in self.server.get("/series?expand")
            if one["MainDicomTags"]["SeriesInstanceUID"] == image.SeriesInstanceUID
        ]  # fmt: skip
        files = Sender(self.server.url, everything).files(found["ID"])
        series = judged(
            str(image.SeriesInstanceUID),
            orthanc=found["ID"],
            study=str(image.StudyInstanceUID),
            instances=len(files),
            input_hash=input_hash((one.uid, one.md5) for one in files),
            asked=(),
            sent=tuple(sent),
        )
        assert tell(self.api, series) == {"taken": 1, "refused": 0}
        return series

    def work(self, seconds: float = 0.0) -> None:
        """Work until nothing is due, while so many seconds pass on the service's clock."""
        record = ForwardRecord(self.api.service.database, self.api.clock)
        deliver = ForwardDelivery(record=record, sender=lambda: Sender(self.server.url, everything))
        database = self.api.service.database
        worker = Worker(database, deliver, self.api.clock, lambda: 0.0, Policy(), only=[TARGET])
        end = self.api.clock.time + seconds
        while worker.step():
            pass
        while self.api.clock.time < end:
            self.api.clock.time += 5.0
            while worker.step():
                pass

    def rows(self) -> list[Forward]:
        with self.api.service.database.reading() as session:
            rows = list(session.scalars(select(Forward).order_by(Forward.number)))
            session.expunge_all()
            return rows

    def states(self) -> list[str]:
        return [one.state for one in self.rows()]

    def messages(self) -> list[tuple[str, int, str | None]]:
        """Return the state, the attempts and the verdict of each message."""
        columns = (Message.state, Message.attempts, Message.verdict)
        rows = select(*columns).join(Stream).where(Stream.target == TARGET).order_by(Message.number)
        with self.api.service.database.reading() as session:
            return [(state, attempts, verdict) for state, attempts, verdict in session.execute(rows)]

    def breaker(self) -> str:
        with self.api.service.database.reading() as session:
            return session.get_one(Target, TARGET).breaker
