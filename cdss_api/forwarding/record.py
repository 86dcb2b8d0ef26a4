"""What a delivery reads and writes of a series on its way: short transactions that ask first whether it is its own."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import select

from cdss_api.database import Database
from cdss_api.forwarding.models import LONGEST_DETAIL, Forward, State
from cdss_api.modalities import storing
from cdss_api.outbox.delivery import Delivery
from cdss_api.outbox.models import Stream


class NotOurs(Exception):
    """It was asked for again or dropped, or another worker has its message by now."""


@dataclass(frozen=True, slots=True)
class ForwardRecord:
    """Reads and writes rows of `forward`."""

    database: Database
    clock: Callable[[], float]

    def read(self, number: int) -> Forward | None:
        """Return a row as it is now, detached."""
        with self.database.reading() as session:
            row = session.get(Forward, number)
            if row is not None:
                session.expunge(row)
            return row

    def arrived(self, row: Forward) -> set[str]:
        """Return the marks of the files of its series that arrived at its destination, by whatever rule."""
        of_series = select(Forward.sent).where(Forward.orthanc == row.orthanc, Forward.sent.is_not(None))
        with self.database.reading() as session:
            texts = session.scalars(of_series.where(Forward.destination == row.destination)).all()
        return {mark for text in texts for mark in json.loads(text or "[]")}

    def takes(self, title: str) -> bool:
        """Tell whether there is a modality of this AE title that may store."""
        with self.database.reading() as session:
            return title in storing(session)

    def begun(self, delivery: Delivery, row: Forward, job: str, files: Sequence[str]) -> None:
        """Write that Orthanc has a job for these files.

        Raises:
            NotOurs: as for all that follow.
        """
        with self._own(delivery, row) as mine:
            mine.state, mine.job, mine.files = State.SENDING, job, json.dumps(list(files))

    def queue(self, delivery: Delivery, row: Forward, why: str | None) -> None:
        """Write that it waits for another attempt."""
        with self._own(delivery, row) as mine:
            mine.state, mine.job, mine.files = State.QUEUED, None, None
            mine.detail = None if why is None else why[:LONGEST_DETAIL]

    def end(self, delivery: Delivery, row: Forward, state: State, why: str | None) -> None:
        """Write how it ended; the files of a job that succeeded have arrived."""
        with self._own(delivery, row) as mine:
            if state is State.SENT:
                mine.sent = mine.files or mine.sent
            mine.state, mine.job, mine.files, mine.ended_at = state, None, None, self.clock()
            mine.detail = None if why is None else why[:LONGEST_DETAIL]

    @contextmanager
    def _own(self, delivery: Delivery, row: Forward) -> Iterator[Forward]:
        fence = select(Stream.fence).where(Stream.target == delivery.target, Stream.aggregate == delivery.aggregate)
        with self.database.writing() as session:
            mine = session.scalar(select(Forward).where(Forward.number == row.number).with_for_update())
            if (
                mine is None
                or (mine.run, mine.state) != (row.run, row.state)
                or session.scalar(fence) != delivery.fence
            ):
                raise NotOurs
            yield mine
            session.flush()
            row.state = mine.state
