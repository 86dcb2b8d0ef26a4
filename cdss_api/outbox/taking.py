"""Taking in what others wrote at a target: merged by identifier, the last write wins, and the loser is kept.

What we wrote there ourselves is known by the version that we remember. While a message about a resource waits for the
target, nothing of it is taken: delivery sees their version itself and keeps it (`fhir_delivery`). What is taken is
remembered in the same transaction, so that the message which follows from it finds that the target has it already.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from cdss_api.accounts.recording import Actor
from cdss_api.consequences import writing
from cdss_api.fhir.document import write
from cdss_api.fhir.models import Resource, TokenValue, Version
from cdss_api.fhir.outcome import Refused
from cdss_api.fhir.store import Store
from cdss_api.fhir.validation import check
from cdss_api.outbox import conflicts
from cdss_api.outbox.conflicts import Conflict
from cdss_api.outbox.fhir_client import FhirClient, Theirs
from cdss_api.outbox.following import aggregate_of
from cdss_api.outbox.incoming import identifiers, incoming, named_ours, referred
from cdss_api.outbox.models import Message, Stream, is_open
from cdss_api.outbox.polling import instant
from cdss_api.outbox.remotes import Known, Remote, keep
from cdss_api.service import Service
from neuronova.contract.issuer import spellings
from neuronova.contract.roles import Role

_ACTOR = Actor(subject="service:outbox", role=Role.SERVICE)
_DEEPEST = 4  # of what refers to what


@dataclass(frozen=True, slots=True)
class Taking:
    """Takes in the resources of one target; `kinds` are the types that it is polled for."""

    service: Service
    client: FhirClient
    kinds: frozenset[str]

    def __call__(self, target: str, theirs: Theirs) -> None:
        """Take in one resource, or leave it where there is nothing new. Raises what `FhirClient` raises."""
        self._take(target, theirs, 0)

    def _take(self, target: str, theirs: Theirs, depth: int) -> None:
        kind = theirs.document["resourceType"]
        with self.service.database.reading() as session:
            before = _known(session, target, kind, theirs.id)
            if before is not None and before.remote_version == theirs.version:
                return
            missing = [
                one
                for one in sorted(referred(theirs.document, self.client.url))
                if one[0] in self.kinds and _known(session, target, *one) is None
            ]
        for other, id_ in missing if depth < _DEEPEST else ():
            found = self.client.read(other, id_)
            if found is not None:
                self._take(target, found, depth + 1)
        # A page may be older than what we wrote since: what is taken is what there is now.
        now = self.client.read(kind, theirs.id)
        if now is None:
            return
        try:
            with writing(self.service, _ACTOR) as store:
                if _known(store.session, target, kind, theirs.id) == before:
                    _One(store, target, now, self.client.url, self.service.now()).take(before)
        except Refused:
            # Kept where a person sees it: it is not taken, and the next ones are.
            with self.service.database.writing() as session:
                conflicts.keep(session, _conflict(target, now, now.id, 0, "theirs", self.service.now()))


class _Known(NamedTuple):
    """What is remembered of a resource of theirs: our id and version, and the version that they had then."""

    id: str
    version: int
    remote_version: str | None


@dataclass(frozen=True, slots=True)
class _One:
    store: Store
    target: str
    theirs: Theirs
    base: str
    now: float

    def take(self, known: _Known | None) -> None:
        """Create it here, or have the later of both versions win."""
        session, kind = self.store.session, self.theirs.document["resourceType"]
        id_ = known.id if known is not None else self._merged()
        if id_ is not None and _waits(session, self.target, self.store, kind, id_):
            return
        document = incoming(self.theirs.document, self.base, self._local)
        check(document)
        if id_ is None:
            stored = self.store.create(kind, document)
        else:
            row = session.execute(_current(kind, id_)).one_or_none()
            if row is None or row.body is None:
                self._lose(id_, 0 if row is None else row.version)
                return
            based = known is not None and known.version == row.version
            if not based and row.updated > instant(self.theirs.document):
                self._lose(id_, row.version)
                return
            if not based:
                lost = _conflict(self.target, self.theirs, id_, row.version, "ours", self.now)
                lost.loser = row.body
                conflicts.keep(session, lost)
            stored, _ = self.store.update(kind, id_, document | {"id": id_}, row.version)
        keep(session, self.target, kind, stored.id, Known(stored.version, self.theirs.id, self.theirs.version))

    def _merged(self) -> str | None:
        """Return the resource of ours that it is by an identifier; raises Refused where it may be several."""
        session, document = self.store.session, self.theirs.document
        own = named_ours(document)
        if own is not None and session.execute(_current(document["resourceType"], own)).one_or_none() is not None:
            return own
        found: set[str] = set()
        for system, value in identifiers(document):
            rows = select(Resource.logical_id).join(TokenValue, TokenValue.number == Resource.number)
            same = rows.where(Resource.kind == document["resourceType"], ~Resource.deleted)
            token = same.where(TokenValue.code == "identifier", TokenValue.value == value)
            token = token.where(TokenValue.system.in_(spellings(system)))
            found |= set(session.scalars(token.limit(2)))
        if len(found) > 1:
            raise Refused(412, "multiple-matches", "Its identifiers are those of several resources here.")
        return found.pop() if found else None

    def _local(self, kind: str, id_: str) -> str | None:
        known = _known(self.store.session, self.target, kind, id_)
        return None if known is None else known.id

    def _lose(self, id_: str, version: int) -> None:
        conflicts.keep(self.store.session, _conflict(self.target, self.theirs, id_, version, "theirs", self.now))


def _known(session: Session, target: str, kind: str, remote_id: str) -> _Known | None:
    columns = (Remote.id, Remote.version, Remote.remote_version)
    rows = select(*columns).where(Remote.target == target, Remote.kind == kind, Remote.remote_id == remote_id)
    found = session.execute(rows.limit(1)).one_or_none()
    return None if found is None else _Known(*found)


def _waits(session: Session, target: str, store: Store, kind: str, id_: str) -> bool:
    aggregate = aggregate_of(store, kind, id_)
    rows = select(Message.number).join(Stream, Stream.number == Message.stream)
    open_ = rows.where(Stream.target == target, Stream.aggregate == aggregate, is_open())
    return session.scalar(open_.limit(1)) is not None


def _current(kind: str, id_: str) -> Select[int, int, str | None]:
    rows = select(Resource.version, Resource.updated, Version.body)
    joined = rows.join(Version, (Version.number == Resource.number) & (Version.version == Resource.version))
    return joined.where(Resource.kind == kind, Resource.logical_id == id_)


def _conflict(target: str, theirs: Theirs, id_: str, version: int, lost: str, now: float) -> Conflict:
    made = Conflict(target=target, kind=theirs.document["resourceType"], id=id_, version=version, remote_id=theirs.id)
    made.remote_version, made.loser = theirs.version, write(theirs.document)
    made.lost, made.found_at = lost, now
    return made
