"""What follows from a change of the record, in the same transaction: the one list of all that reacts to resources.

Whatever another system must know, or an account gains by a resource, is true as soon as the resource is, or neither is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from cdss_api.accounts.recording import Actor
from cdss_api.accounts.work import Work
from cdss_api.fhir import subscriptions, teams
from cdss_api.fhir.compartment import Compartments
from cdss_api.fhir.moment import micros_of
from cdss_api.fhir.store import Store, Stored
from cdss_api.imaging import following as imaging
from cdss_api.outbox import following as outbox
from cdss_api.reading import signing, words
from cdss_api.service import Service
from neuronova.contract.roles import Role

Follower = Callable[[Work, Store, Sequence[Stored]], None]

# The outbox and subscriptions come last: they tell others of what the rest has written too.
FOLLOWERS: tuple[Follower, ...] = (
    teams.follow,
    imaging.follow,
    signing.follow,
    words.follow,
    outbox.follow,
    subscriptions.follow,
)


def follow(work: Work, store: Store) -> None:
    """Have everything follow from what a transaction has written, and from what that writes in turn."""
    done = 0
    while done < len(store.written):
        written = store.written[done:]
        done = len(store.written)
        for follower in FOLLOWERS:
            follower(work, store, written)


@contextmanager
def writing(service: Service, actor: Actor) -> Iterator[Store]:
    """Yield the store as the platform itself writes to it, in one transaction with all that follows.

    Whoever lets a person write by it has to have asked whether they may.
    """
    with service.work(actor) as work:
        everything = Compartments(account=actor.subject, role=Role.ADMIN, now=work.now, recent=0.0)
        store = Store(work.session, everything, actor.subject, micros_of(work.now))
        yield store
        follow(work, store)
