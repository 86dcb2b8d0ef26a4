"""Delivery to a FHIR server: each of our resources is one of theirs, however often a message is sent.

A resource is created on the condition that none has our identifier, and updated from the version that the target is
known to have. What a message refers to goes first, in the version that the record holds at that moment; the message
about it that comes later finds it there already. So nothing has to wait for another stream, and a target that was added
late gets what it needs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from cdss_api.fhir.document import Document, read, write
from cdss_api.outbox import conflicts
from cdss_api.outbox.conflicts import Conflict
from cdss_api.outbox.delivery import Delivery
from cdss_api.outbox.exchange import Undelivered
from cdss_api.outbox.fhir_client import FhirClient, Theirs
from cdss_api.outbox.following import DELETE
from cdss_api.outbox.outgoing import criteria, holds, logical, outgoing, version_of
from cdss_api.outbox.profiles import Profile
from cdss_api.outbox.record import current
from cdss_api.outbox.remotes import PID, Known, Remotes
from cdss_api.outbox.verdicts import Outcome, Verdict

_TRIES = 3  # at a resource that others write to at the same time
_DEEPEST = 8  # of what refers to what
_REFUSED = frozenset({Verdict.PERMANENT, Verdict.DUPLICATE})


def _as_it_is(document: Document) -> Document:
    return document


@dataclass(frozen=True, slots=True)
class FhirDelivery:
    """Delivers to one target; `kinds` are the types that it wants, `adapt` what it wants otherwise than others do."""

    client: FhirClient
    remotes: Remotes
    profile: Profile
    kinds: frozenset[str]
    clock: Callable[[], float]
    adapt: Callable[[Document], Document] = _as_it_is

    def deliver(self, delivery: Delivery) -> Outcome:
        """Deliver one message. Raises what `FhirClient` raises."""
        document = read(delivery.payload)
        if delivery.kind == DELETE:
            self._delete(document)
        else:
            self.send(document)
        return Outcome(Verdict.OK)

    def send(self, document: Document) -> Known:
        """Have the target hold a resource, and what it refers to. Raises what `FhirClient` raises."""
        return _Sending(self, [_address(document)]).send(document)

    def _delete(self, document: Document) -> None:
        kind, id_, version = _named(document)
        if not self.profile.deletes:
            raise Undelivered(Outcome(Verdict.PERMANENT, "this kind of target takes no deletions"))
        with self.remotes.alone(kind, id_):
            known = self.remotes.find(kind, id_)
            if known is not None and known.version >= version:
                return
            if known is None:
                theirs = self.client.search(kind, criteria(kind, id_))
                known = Known(0, None, None) if theirs is None else Known(0, theirs.id, theirs.version)
            for _ in range(_TRIES):
                if known.remote_id is None or self.client.delete(kind, known.remote_id, self._match(known)):
                    self.remotes.remember(kind, id_, Known(version, None, None))
                    return
                theirs = self.client.read(kind, known.remote_id)
                if theirs is not None:
                    self.keep_loser(document, known.remote_id, theirs)
                    known = Known(known.version, theirs.id, theirs.version)
            raise _contended()

    def put(self, document: Document, ours: Document) -> Known:
        """Have the target hold a version of ours, or a newer one; `ours` is the resource as it is sent."""
        kind, id_, version = _named(document)
        with self.remotes.alone(kind, id_):
            known = self.remotes.find(kind, id_)
            if known is None or (known.remote_id is None and known.version < version):
                known = self._create(document, ours)
            if known.version < version:
                known = self._update(document, ours, known)
            self.remotes.remember(kind, id_, known)
            return known

    def _create(self, document: Document, ours: Document) -> Known:
        """Create it, or return what there already is: after a lost answer, or where our own memory was lost."""
        kind, id_, version = _named(document)
        search = criteria(kind, id_)
        theirs = None if self.profile.conditional else self.client.search(kind, search)
        made = False
        if theirs is None:
            theirs, made = self.client.create(ours, search if self.profile.conditional else None)
        if made:
            if theirs.pid is not None:
                self.remotes.remember(PID, id_, Known(version, theirs.pid, None))
            return Known(version, theirs.id, theirs.version)
        found = self.client.read(kind, theirs.id) or theirs
        return Known(_reached(found, ours, version), found.id, found.version)

    def _update(self, document: Document, ours: Document, known: Known) -> Known:
        """Write our version over the one that is known; what somebody else wrote meanwhile is kept as the loser."""
        kind, _, version = _named(document)
        for _ in range(_TRIES):
            if known.remote_id is None:
                break
            try:
                theirs = self.client.update(known.remote_id, ours, self._match(known))
            except Undelivered as refused:
                if refused.outcome.verdict is not Verdict.PERMANENT or self.client.read(kind, known.remote_id):
                    raise
                self.keep_loser(document, known.remote_id, None)
                return self._create(document, ours)
            if theirs is not None:
                return Known(version, theirs.id, theirs.version)
            found = self.client.read(kind, known.remote_id)
            if found is None:
                continue
            if _reached(found, ours, version) >= version:
                return Known(_reached(found, ours, version), found.id, found.version)
            self.keep_loser(document, known.remote_id, found)
            known = Known(known.version, found.id, found.version)
        raise _contended()

    def keep_loser(self, document: Document, remote_id: str, theirs: Theirs | None) -> None:
        """Keep what our version replaces; None where it had been deleted there."""
        kind, id_, version = _named(document)
        with self.remotes.database.writing() as session:
            lost = Conflict(target=self.remotes.target, kind=kind, id=id_, version=version, remote_id=remote_id)
            lost.remote_version = None if theirs is None else theirs.version
            lost.loser = None if theirs is None else write(theirs.document)
            lost.found_at = self.clock()
            conflicts.keep(session, lost)

    def _match(self, known: Known) -> str | None:
        return known.remote_version if self.profile.versions else None


@dataclass(frozen=True, slots=True)
class _Sending:
    """One message, and the addresses of what is being sent for it: the way down to where we are."""

    to: FhirDelivery
    way: list[str] = field(default_factory=list)

    def send(self, document: Document) -> Known:
        kind, id_, version = _named(document)
        known = self.to.remotes.find(kind, id_)
        if known is not None and known.version >= version:
            return known
        return self.to.put(document, self.to.adapt(outgoing(document, self._resolve)))

    def _resolve(self, kind: str, id_: str) -> Document:
        """Return a reference to what the target has, which is sent first where it does not have it yet."""
        known = self.to.remotes.find(kind, id_)
        if known is not None and known.remote_id is not None:
            return {"reference": f"{kind}/{known.remote_id}"}
        document = current(self.to.remotes.database, kind, id_)
        address = f"{kind}/{id_}"
        # Of two that refer to each other, one goes first.
        if document is None or kind not in self.to.kinds or address in self.way or len(self.way) >= _DEEPEST:
            return logical(kind, id_, document)
        try:
            known = _Sending(self.to, [*self.way, address]).send(document)
        except Undelivered as refused:
            if refused.outcome.verdict not in _REFUSED:
                raise
            known = None  # its own message says so
        if known is None or known.remote_id is None:
            return logical(kind, id_, document)
        return {"reference": f"{kind}/{known.remote_id}"}


def _reached(theirs: Theirs, ours: Document, version: int) -> int:
    """Return which version of ours a target's resource holds, 0 where somebody else changed it since."""
    written = version_of(theirs.document)
    if written > version:
        return written
    return version if holds(theirs.document, ours) else 0


def _named(document: Document) -> tuple[str, str, int]:
    return document["resourceType"], document["id"], int(document["meta"]["versionId"])


def _address(document: Document) -> str:
    return f"{document['resourceType']}/{document['id']}"


def _contended() -> Undelivered:
    return Undelivered(Outcome(Verdict.TRANSIENT, "somebody else writes to it all the time"))
