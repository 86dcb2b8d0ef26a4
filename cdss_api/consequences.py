"""What follows from a change of the record, in the same transaction: the one list of all that reacts to resources.

Whatever another system must know, or an account gains by a resource, is true as soon as the resource is, or neither is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TypeVar

from cdss_api.accounts.recording import Actor, Kept
from cdss_api.accounts.work import Work
from cdss_api.database import whole
from cdss_api.fhir import subscriptions, teams
from cdss_api.fhir.compartment import Compartments
from cdss_api.fhir.moment import micros_of
from cdss_api.fhir.store import Store, Stored
from cdss_api.imaging import following as imaging
from cdss_api.mpps import following as mpps
from cdss_api.outbox import following as outbox
from cdss_api.prefetch import requesting as prefetch
from cdss_api.reading import opening, signing, words
from cdss_api.service import Service
from neuronova.contract.roles import Role

T = TypeVar("T")

Follower = Callable[[Work, Store, Sequence[Stored]], None]


def followers_of(service: Service) -> tuple[Follower, ...]:
    """Return all that reacts; the outbox and subscriptions come last: they tell others of what the rest has written."""
    return (
        teams.follow,
        imaging.follow,
        mpps.follow,
        signing.follow,
        words.follow,
        opening.follow,
        partial(prefetch.follow, service.prefetch),
        outbox.follow,
        subscriptions.follow,
    )


def follow(service: Service, work: Work, store: Store) -> None:
    """Have everything follow from what a transaction has written, and from what that writes in turn.

    It is recorded once all of it is written: a transaction that is done again is recorded once.
    """
    followers, kept = followers_of(service), Kept()
    following = work.recording_by(kept)
    done = 0
    while done < len(store.written):
        written = store.written[done:]
        done = len(store.written)
        for follower in followers:
            follower(following, store, written)
    store.session.flush()
    kept.write(service.record)


@contextmanager
def writing(service: Service, actor: Actor) -> Iterator[Store]:
    """Yield the store as the platform itself writes to it, in one transaction with all that follows.

    Whoever lets a person write by it has to have asked whether they may.
    """
    with service.work(actor) as work:
        store = _own(work)
        yield store
        follow(service, work, store)


def written(service: Service, actor: Actor, write: Callable[[Store], T], record: Callable[[T], None]) -> T:
    """Return what `write` returns, with all that follows in one transaction; where it met another, it is done again.

    `record` is called last, once all is written and before it is committed.
    """

    def unit() -> T:
        with service.work(actor) as work:
            store = _own(work)
            done = write(store)
            follow(service, work, store)
            record(done)
            return done

    return whole(unit)


def _own(work: Work) -> Store:
    everything = Compartments(account=work.actor.subject, role=Role.ADMIN, now=work.now, recent=0.0)
    return Store(work.session, everything, work.actor.subject, micros_of(work.now))
