"""What a delivery reads and writes of an order's priors: short transactions that ask first whether it is its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import ColumnElement, case, select
from sqlalchemy.orm import Session

from cdss_api.accounts.models import Modality
from cdss_api.database import Database
from cdss_api.imaging.matching import Order
from cdss_api.imaging.orders import order_named
from cdss_api.outbox.delivery import Delivery
from cdss_api.outbox.models import Stream
from cdss_api.prefetch.choosing import Chosen
from cdss_api.prefetch.models import LONGEST_DETAIL, Prefetch, Prior, PriorState, State
from neuronova.contract.grants import Operation


class NotOurs(Exception):
    """It was asked for again or dropped, or another worker has its message by now."""


@dataclass(frozen=True, slots=True)
class PrefetchRecord:
    """Reads and writes rows of `prefetch` and `prior`."""

    database: Database
    clock: Callable[[], float]

    def read(self, number: int) -> Prefetch | None:
        """Return a row as it is now, detached."""
        with self.database.reading() as session:
            row = session.get(Prefetch, number)
            if row is not None:
                session.expunge(row)
            return row

    def order(self, row: Prefetch) -> Order | None:
        """Return the order as it is now, None where there is none."""
        with self.database.reading() as session:
            return order_named(session, row.order_id)

    def archive(self, title: str) -> Modality | None:
        """Return the archive, None where there is no modality of that AE title that may store."""
        with self.database.reading() as session:
            known = session.get(Modality, title)
            if known is None or Operation.STORE not in known.operations:
                return None
            session.expunge(known)
            return known

    def next(self, row: Prefetch) -> Prior | None:
        """Return the study that is being fetched, else the next that is to be, the newest first, detached.

        One at which the archive broke off comes last: it may do so each time.
        """
        begun, broke_off = Prior.state == PriorState.FETCHING, Prior.detail.is_not(None)
        place = case((begun, 0), (broke_off, 2), else_=1)
        open_ = select(Prior).where(_of(row), Prior.state.in_((PriorState.FETCHING, PriorState.QUEUED)))
        with self.database.reading() as session:
            prior = session.scalars(open_.order_by(place, Prior.date.desc(), Prior.number).limit(1)).first()
            if prior is not None:
                session.expunge(prior)
            return prior

    def failed(self, row: Prefetch) -> int:
        """Return how many studies did not come."""
        with self.database.reading() as session:
            return len(session.scalars(select(Prior.number).where(_of(row), Prior.state == PriorState.FAILED)).all())

    def found(self, delivery: Delivery, row: Prefetch, order: Order, chosen: Sequence[tuple[Chosen, int]]) -> None:
        """Write what is to be fetched, each study with how many of its images are here.

        Raises:
            NotOurs: as for all that follow.
        """
        with self._own(delivery, row) as (session, mine):
            known = {one.study: one for one in session.scalars(select(Prior).where(_of(row)))}
            for one, here in chosen:
                prior = known.pop(one.found.study, None)
                if prior is None:
                    prior = Prior(prefetch=row.number, study=one.found.study, as_prior=False)
                    session.add(prior)
                _describe(prior, one, here)
            for prior in known.values():  # the archive has it no more, or the rule does not mean it now
                if prior.state not in (PriorState.FETCHED, PriorState.PRESENT):
                    prior.state, prior.detail, prior.job = PriorState.LEFT, None, None
            mine.patient_id, mine.issuer = order.patient_id, order.issuer
            mine.state, mine.detail = State.FETCHING, None

    def begins(self, delivery: Delivery, row: Prefetch, prior: Prior, *, as_prior: bool) -> None:
        """Write that a study is about to be sent: what comes of it is a prior before the first image is here."""
        with self._study(delivery, row, prior) as one:
            one.state, one.as_prior = PriorState.FETCHING, as_prior

    def begun(self, delivery: Delivery, row: Prefetch, prior: Prior, job: str) -> None:
        """Write that Orthanc has a job for a study."""
        with self._study(delivery, row, prior) as one:
            one.job = job

    def ended(
        self, delivery: Delivery, row: Prefetch, prior: Prior, state: PriorState, why: str | None, here: int
    ) -> None:
        """Write what became of a study; one of which nothing came may still come as new, from elsewhere."""
        with self._study(delivery, row, prior) as one:
            one.state, one.detail, one.as_prior = state, _short(why), one.as_prior and here > 0

    def say(self, delivery: Delivery, row: Prefetch, why: str | None) -> None:
        """Write for what it waits."""
        with self._own(delivery, row) as (_, mine):
            mine.detail = _short(why)

    def end(self, delivery: Delivery, row: Prefetch, state: State, why: str | None) -> None:
        """Write how it ended."""
        with self._own(delivery, row) as (_, mine):
            mine.state, mine.detail, mine.ended_at = state, _short(why), self.clock()

    @contextmanager
    def _study(self, delivery: Delivery, row: Prefetch, prior: Prior) -> Iterator[Prior]:
        with self._own(delivery, row) as (session, mine):
            one = session.get_one(Prior, prior.number)
            one.detail = one.job = mine.detail = None
            yield one

    @contextmanager
    def _own(self, delivery: Delivery, row: Prefetch) -> Iterator[tuple[Session, Prefetch]]:
        fence = select(Stream.fence).where(Stream.target == delivery.target, Stream.aggregate == delivery.aggregate)
        with self.database.writing() as session:
            mine = session.scalar(select(Prefetch).where(Prefetch.number == row.number).with_for_update())
            if (
                mine is None
                or (mine.run, mine.state) != (row.run, row.state)
                or session.scalar(fence) != delivery.fence
            ):
                raise NotOurs
            yield session, mine
            session.flush()
            row.state = mine.state


def _describe(prior: Prior, chosen: Chosen, here: int) -> None:
    found = chosen.found
    prior.date, prior.description, prior.images = found.date, found.description[:64], found.images
    prior.modalities, prior.job, prior.detail = " ".join(found.modalities)[:255], None, None
    is_whole = here >= found.images if found.images else here > 0 and prior.state != PriorState.FAILED
    if is_whole:
        # Of what this very order fetched, that stays said.
        prior.state = PriorState.FETCHED if prior.state == PriorState.FETCHED else PriorState.PRESENT
    elif chosen.doubts:
        prior.state, prior.detail = PriorState.DOUBTFUL, ", ".join(chosen.doubts)
    else:
        prior.state = PriorState.QUEUED


def _of(row: Prefetch) -> ColumnElement[bool]:
    return Prior.prefetch == row.number


def _short(why: str | None) -> str | None:
    return None if why is None else why[:LONGEST_DETAIL]
