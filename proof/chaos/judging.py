"""What became of all that was acknowledged."""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import psycopg
import requests
from pydicom import Dataset, dcmread

from cdss_api.outbox.outgoing import RESOURCE
from cdss_api.reading.waiting import REPORT_OF
from neuronova.audit.reading import journals
from neuronova.audit.search import Query, every
from neuronova.contract.audit import Action, Event, Outcome
from proof.chaos.ledger import Ledger
from proof.chaos.working import ask_frame, is_frame_of
from proof.hospital import Hospital, Person

_PAGE = 500
_CURRENT = (
    "SELECT r.logical_id, v.body FROM fhir_resource r JOIN fhir_version v ON v.number = r.number"
    " AND v.version = r.version WHERE r.kind = %s AND NOT r.deleted"
)
_WAITING = {
    "messages": "SELECT count(*) FROM outbox_message WHERE state NOT IN ('completed', 'dead_letter')",
    "jobs": "SELECT count(*) FROM job WHERE state IN ('queued', 'running', 'failed_transient')",
    "results": "SELECT count(*) FROM result WHERE published_at IS NULL AND withdrawn_at IS NULL",
}


@dataclass(frozen=True, slots=True)
class Count:
    """How many of one kind were acknowledged; `missing` and `twice` name those that are not there, or too often."""

    what: str
    acknowledged: int
    missing: tuple[str, ...] = ()
    twice: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        """Tell whether each is there, and once."""
        return not self.missing and not self.twice


def counted(what: str, acknowledged: Iterable[str], found: Iterable[str]) -> Count:
    """Compare what was acknowledged with what was found."""
    wanted, have = sorted(set(acknowledged)), Counter(iter(found))  # of a table its keys
    missing = tuple(one for one in wanted if not have[one])
    return Count(what, len(wanted), missing, tuple(one for one in wanted if have[one] > 1))


@dataclass(frozen=True, slots=True)
class Judge:
    """Asks everybody: Orthanc as the admin; the database, the audit journals and the EMR themselves."""

    hospital: Hospital
    ledger: Ledger
    database: str  # its address
    emr: str

    def waiting(self) -> dict[str, int]:
        """Return what is still on its way, by what it is."""
        found = {what: int(self._rows(query)[0][0]) for what, query in _WAITING.items()}
        found["series without a job"] = len(self._series() - {str(series) for series, _ in self._jobs()})
        found["images to be encoded"] = self.hospital.backlog()
        return {what: number for what, number in found.items() if number}

    def counts(self) -> list[Count]:
        """Return each kind with what is missing of it."""
        whole = {one.study: one for one in self.ledger.whole}
        results = self._rows("SELECT series FROM result WHERE withdrawn_at IS NULL AND published_at IS NOT NULL")
        messages = self._rows("SELECT number, state FROM outbox_message")
        dead = tuple(str(number) for number, state in messages if state == "dead_letter")
        orders = {one.accession: id_ for one, id_ in self.ledger.orders.items()}
        requests_, studies, reports = (
            dict(self._current(kind)) for kind in ("ServiceRequest", "ImagingStudy", "DiagnosticReport")
        )
        ordered = {uid: self.ledger.orders[one] for uid, one in whole.items()}
        of_order = {
            uid: id_ for id_, body in studies.items() for uid in _values(body) if ordered.get(uid) in _orders(body)
        }
        signed = {uid: id_ for id_, body in reports.items() for uid in _values(body, REPORT_OF)}
        return [
            *self._images(),
            counted("studies, in the audit trail as stored", whole, {one.study for one in self._audited(Action.STORE)}),
            counted("studies shown to somebody, in the audit trail as read", *self._reads()),
            counted("orders in the record", orders, (one for body in requests_.values() for one in _values(body))),
            counted("ImagingStudies, each of its order", whole, of_order),
            counted("ImagingStudies, once", whole, (one for body in studies.values() for one in _values(body))),
            counted(
                "jobs that ended well",
                self._series(),
                (series for series, state in self._jobs() if state == "succeeded"),
            ),
            counted("results stored and published", self._series(), (str(series) for (series,) in results)),
            counted(
                "signed reports", self.ledger.reports, (u for b in reports.values() for u in _values(b, REPORT_OF))
            ),
            self._at_the_emr("ServiceRequest", [*orders.values()]),
            self._at_the_emr("ImagingStudy", [of_order[one] for one in whole if one in of_order]),
            self._at_the_emr("DiagnosticReport", [signed[one] for one in self.ledger.reports if one in signed]),
            Count("messages, none of them a dead letter", len(messages), dead),
            Count(
                "readings while faults happened, what was shown as it was sent",
                self.ledger.asked["read"],
                tuple(self.ledger.wrong),
            ),
        ]

    def _images(self) -> list[Count]:
        admin = self.hospital.person("admin")
        ids = self._ids(admin)
        sent = {str(image.SOPInstanceUID): image for image in self._sent()}
        with ThreadPoolExecutor(3) as threads:
            same = threads.map(lambda uid: _is_same(admin, sent[uid], ids.get(uid, [])), sent)
            encoded = threads.map(lambda uid: _is_encoded(admin, sent[uid], ids.get(uid, [])), sent)
            found = [uid for uid, holds in zip(sent, same, strict=True) if holds]
            again = [uid for uid in sent if len(ids.get(uid, [])) > 1]
            return [
                counted("images in Orthanc, equal to what was sent", sent, [*found, *again]),
                counted(
                    "images as HTJ2K, equal pixel by pixel",
                    sent,
                    [uid for uid, holds in zip(sent, encoded, strict=True) if holds],
                ),
            ]

    def _sent(self) -> Iterator[Dataset]:
        for examination in sorted({*self.ledger.images.values()}, key=lambda one: one.number):
            for image in examination.images():
                if str(image.SOPInstanceUID) in self.ledger.images:
                    yield image

    def _ids(self, admin: Person) -> dict[str, list[str]]:
        """Return Orthanc's identifiers by SOPInstanceUID."""
        found: dict[str, list[str]] = {}
        since = 0
        while page := admin.told("GET", f"/orthanc/instances?expand&since={since}&limit={_PAGE}"):
            since += len(page)
            for one in page:
                found.setdefault(one["MainDicomTags"]["SOPInstanceUID"], []).append(one["ID"])
        return found

    def _audited(self, action: Action) -> Iterator[Event]:
        folder = self.hospital.platform.settings.data / "audit"
        query = Query(action=action, outcome=Outcome.ALLOWED)
        yield from (record.event for record in every(journals(folder), query))

    def _reads(self) -> tuple[set[str], set[str]]:
        accounts = dict(self._rows("SELECT username, account_id FROM account"))
        read = {f"{one.subject} {one.study}" for one in self._audited(Action.READ)}
        return {f"{accounts[name]} {study}" for name, study in self.ledger.seen}, read

    def _series(self) -> set[str]:
        return {str(one.images()[0].SeriesInstanceUID) for one in self.ledger.whole if one.has_model}

    def _jobs(self) -> list[tuple[Any, ...]]:
        return self._rows("SELECT series, state FROM job")

    def _current(self, kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
        yield from ((id_, json.loads(body)) for id_, body in self._rows(_CURRENT, kind))

    def _at_the_emr(self, kind: str, ids: list[str]) -> Count:
        found: list[str] = []
        with requests.Session() as session:
            for id_ in ids:
                query = {"identifier": f"{RESOURCE}|{kind}/{id_}"}
                entries = session.get(f"{self.emr}/{kind}", params=query, timeout=30).json().get("entry", ())
                found += [id_] * len(entries)
        return counted(f"{kind} at the EMR", ids, found)

    def _rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.database) as connection:
            return connection.execute(query.encode(), values or None).fetchall()


def _values(resource: dict[str, Any], system: str | None = None) -> list[str]:
    """Return the values of a resource's identifiers, those of one system if it is named."""
    known = [one for one in resource.get("identifier", ()) if system in (None, one.get("system"))]
    return [str(one.get("value", "")).removeprefix("urn:oid:") for one in known]


def _orders(study: dict[str, Any]) -> list[str]:
    """Return the ServiceRequests that an ImagingStudy is based on, by their ids."""
    return [str(one.get("reference", "")).removeprefix("ServiceRequest/") for one in study.get("basedOn", ())]


def _is_same(admin: Person, sent: Dataset, ids: list[str]) -> bool:
    """Tell whether Orthanc has what was sent, but for the file's head, which is its own."""
    answer = admin.ask("GET", f"/orthanc/instances/{ids[0]}/file") if ids else None
    return answer is not None and answer.ok and dcmread(io.BytesIO(answer.content)) == sent


def _is_encoded(admin: Person, sent: Dataset, ids: list[str]) -> bool:
    """Tell whether there is an HTJ2K attachment, and the frame that is answered has the values that were sent."""
    if not ids or "htj2k" not in admin.told("GET", f"/orthanc/instances/{ids[0]}/attachments"):
        return False
    answer = ask_frame(admin, sent)
    return answer.ok and is_frame_of(sent, answer)
