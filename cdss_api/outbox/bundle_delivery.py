"""Delivery of several messages to a FHIR server in one batch Bundle (FHIR R4 3.1.0.11), each with its own fate.

A batch and no transaction: its entries are about different streams and have nothing to do with one another, and in a
transaction one refused resource would hold up those of other patients. An entry is what delivery by itself would ask
first, with the same condition. What that question does not settle is left to delivery by itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from uuid import NAMESPACE_URL, uuid5

from cdss_api.fhir.document import Document, read
from cdss_api.outbox.delivery import Delivery
from cdss_api.outbox.exchange import Answer
from cdss_api.outbox.fhir_client import FhirClient, encoded, said_of
from cdss_api.outbox.following import DELETE
from cdss_api.outbox.outgoing import criteria, logical, outgoing
from cdss_api.outbox.profiles import Profile
from cdss_api.outbox.record import current
from cdss_api.outbox.remotes import Known, Remotes
from cdss_api.outbox.verdicts import Outcome, Verdict, of_answer

_LARGEST = 1 << 20  # characters of payload in a Bundle
_WITHOUT = 600.0  # seconds without Bundles after one was refused as a whole
_STATUS = re.compile(r"(\d{3})(?:\D.*)?", re.DOTALL)
_BY_ITSELF = frozenset({401, 404, 410, 412})  # asks for a token, for another look, or for what is there by now
_HELD = Outcome(Verdict.OK, "the target has it, or a newer version")


class _Missing(Exception):
    """The target lacks something that a message refers to."""


@dataclass(frozen=True, slots=True)
class _Entry:
    """An entry, and the place of its message; `made` is the status that says that the target took it as it is."""

    at: int
    kind: str
    id: str
    version: int
    made: frozenset[int]
    body: Document


@dataclass(slots=True)
class BundleDelivery:
    """Delivers to one target; `kinds` are the types that it wants."""

    client: FhirClient
    remotes: Remotes
    profile: Profile
    kinds: frozenset[str]
    clock: Callable[[], float]
    _without_until: float = field(default=0.0)

    def most(self) -> int:
        """Return how many messages go together at this time."""
        return 1 if self.clock() < self._without_until else self.profile.together

    def deliver(self, deliveries: Sequence[Delivery]) -> list[Outcome | None]:
        """Deliver messages of different streams (see `delivery.DeliverMany`). Raises what `Exchange` raises."""
        documents = _distinct([None if one.kind == DELETE else read(one.payload) for one in deliveries])
        named = [(document["resourceType"], document["id"]) for document in documents if document is not None]
        with self.remotes.alone_with(named):
            outcomes: list[Outcome | None] = [None] * len(deliveries)
            entries, room = [], _LARGEST
            for at, document in enumerate(documents):
                if document is None or len(deliveries[at].payload) > room:
                    continue
                planned = self._planned(at, document)
                if isinstance(planned, _Entry):
                    room -= len(deliveries[at].payload)
                    entries.append(planned)
                else:
                    outcomes[at] = planned
            if len(entries) > 1:
                self._send(entries, outcomes)
            return outcomes

    def _planned(self, at: int, document: Document) -> _Entry | Outcome | None:
        """Return the entry of a message, or what there is to say without one."""
        kind, id_, version = document["resourceType"], document["id"], int(document["meta"]["versionId"])
        known = self.remotes.find(kind, id_)
        if known is not None and known.version >= version:
            return _HELD
        try:
            ours = outgoing(document, self._resolve)
        except _Missing:
            return None
        if known is None or known.remote_id is None:
            asked = {"method": "POST", "url": kind, "ifNoneExist": encoded(criteria(kind, id_))}
            body = {"fullUrl": uuid5(NAMESPACE_URL, f"{kind}/{id_}").urn, "resource": ours, "request": asked}
            return _Entry(at, kind, id_, version, frozenset({201}), body)
        if known.remote_version is None:
            return None
        url = f"{kind}/{known.remote_id}"
        asked = {"method": "PUT", "url": url, "ifMatch": f'W/"{known.remote_version}"'}
        body = {"fullUrl": f"{self.client.url}/{url}", "resource": ours | {"id": known.remote_id}, "request": asked}
        return _Entry(at, kind, id_, version, frozenset({200, 201}), body)

    def _resolve(self, kind: str, id_: str) -> Document:
        known = self.remotes.find(kind, id_)
        if known is not None and known.remote_id is not None:
            return {"reference": f"{kind}/{known.remote_id}"}
        document = current(self.remotes.database, kind, id_)
        if document is not None and kind in self.kinds:
            raise _Missing
        return logical(kind, id_, document)

    def _send(self, entries: Sequence[_Entry], outcomes: list[Outcome | None]) -> None:
        answer = self.client.batch([one.body for one in entries])
        whole = answer.outcome(self.clock())
        said = answer.document().get("entry")
        if whole.verdict is not Verdict.OK or not isinstance(said, list) or len(said) != len(entries):
            if whole.verdict in (Verdict.OK, Verdict.PERMANENT):
                self._without_until = self.clock() + _WITHOUT
            if whole.wait is not None:
                # It names a time: that speaks of the sender, and so of each of them.
                for one in entries:
                    outcomes[one.at] = whole
            return
        arrived = {}
        for one, its in zip(entries, said, strict=True):
            outcomes[one.at], known = self._judged(one, its, answer)
            if known is not None:
                arrived[one.kind, one.id] = known
        self.remotes.remember_all(arrived)

    def _judged(self, entry: _Entry, said: object, answer: Answer) -> tuple[Outcome | None, Known | None]:
        """Return what an entry's own answer means, and what the target is known to have by it."""
        response = said.get("response") if isinstance(said, dict) else None
        found = _STATUS.fullmatch(str(response.get("status", ""))) if isinstance(response, dict) else None
        if not isinstance(said, dict) or found is None:
            return None, None
        status = int(found[1])
        if status in entry.made:
            theirs = said_of(said, entry.kind)
            if theirs is None:
                return None, None
            outcome = Outcome(Verdict.OK, f"{answer.asked}: entry HTTP {status}")
            return outcome, Known(entry.version, theirs.id, theirs.version)
        if status < 400 or status in _BY_ITSELF:
            return None, None
        single = replace(answer, asked=f"{answer.asked} entry", status=status, text=_told(response))
        meant = of_answer(status, answer.headers, self.clock())
        return replace(meant, detail=single.outcome(self.clock()).detail), None


def _distinct(documents: Sequence[Document | None]) -> list[Document | None]:
    """Leave out what is there twice: in one Bundle, the order of two versions of a resource would be nobody's."""
    seen: set[tuple[str, str]] = set()
    kept: list[Document | None] = []
    for document in documents:
        address = None if document is None else (document["resourceType"], document["id"])
        kept.append(None if address is None or address in seen else document)
        if address is not None:
            seen.add(address)
    return kept


def _told(response: object) -> str:
    outcome = response.get("outcome") if isinstance(response, dict) else None
    issues = outcome.get("issue") if isinstance(outcome, dict) else None
    said = [one.get("diagnostics") or one.get("details") for one in issues or [] if isinstance(one, dict)]
    return " ".join(str(one) for one in said if one)
