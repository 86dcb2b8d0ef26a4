"""A study's report in the store: read with what is around it, and written as its next version."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from cdss_api.accounts.models import Account
from cdss_api.fhir.document import Document, read_stored
from cdss_api.fhir.interactions import alone_with
from cdss_api.fhir.linked import by_id
from cdss_api.fhir.models import Resource, Version
from cdss_api.fhir.moment import instant
from cdss_api.fhir.query import parse
from cdss_api.fhir.searching import identified, search
from cdss_api.fhir.store import Store, Stored
from cdss_api.fhir.validation import check
from cdss_api.reading.listing import Around, surroundings
from cdss_api.reading.people import practitioner_for
from cdss_api.reading.report import SIGNED, Content, Status, content_of, document_of, may_follow, readers_of
from cdss_api.reading.study import DICOM_UID, OID, description_of, shown_name, subject_of
from cdss_api.reading.waiting import REPORT_OF
from neuronova.contract.roles import Role
from neuronova.web.problems import Problem

MOST_PRIORS = 20
SIGNERS = (Role.RADIOLOGIST, Role.ADMIN)


@dataclass(frozen=True, kw_only=True, slots=True)
class Opened:
    """A study as its editor is opened; `report` is none before the first save."""

    study: Document
    stored: Stored
    around: Around
    report: Stored | None

    @property
    def description(self) -> str:
        """Return how the study is called."""
        return description_of(self.study, self.around.orders_of(self.study))

    @property
    def patient(self) -> Document | None:
        """Return its patient, where they may be seen."""
        return self.around.patients.get(subject_of(self.study))


def opened(store: Store, uid: str) -> Opened:
    """Return the study of a UID with its report.

    Raises:
        Problem: 404 where there is none, or none that may be seen.
    """
    found = identified(store, "ImagingStudy", DICOM_UID, f"{OID}{uid}", 1)
    if not found:
        raise Problem(404, "not-found", "There is no such study, or you may not see it.")
    study = found[0].document()
    around = surroundings(store.session, store.compartments, [study])
    return Opened(study=study, stored=found[0], around=around, report=report_of(store, uid))


def report_of(store: Store, uid: str) -> Stored | None:
    """Return the report that names a study; of several, which another system may have made, the newest."""
    found = identified(store, "DiagnosticReport", REPORT_OF, f"{OID}{uid}", 10)
    return max(found, key=lambda one: (one.updated, one.id), default=None)


def save(
    store: Store, opened_: Opened, uid: str, content: Content, expected: int | None, who: tuple[str, Role]
) -> Stored:
    """Write the next version of a study's report; `store` is the platform's, `who` an account and its role.

    Raises:
        Problem: 403 for who may not sign; 409 where the status may not follow; 412 and 428 where the report is at
            another version than `expected`, so that nobody overwrites what they have not seen.
    """
    account, role = who
    if content.status in SIGNED and role not in SIGNERS:
        raise Problem(403, "forbidden", "Only a radiologist signs a report.")
    alone_with(store, "DiagnosticReport", _named(uid))
    current = report_of(store, uid)
    _require(store, current, expected)
    before = None if current is None else current.document()
    if not may_follow(before, content.status):
        raise Problem(409, "report_signed", _order_of(content))
    reader = practitioner_for(store, account)
    document = document_of(content, opened_.study, opened_.description, reader, instant(store.now))
    check(document)
    if current is None:
        return store.create("DiagnosticReport", document)
    return store.update("DiagnosticReport", current.id, document | {"id": current.id}, expected)[0]


def versions(store: Store, report: Stored) -> list[dict[str, Any]]:
    """Return all versions of a report, the newest first, each with who wrote it and when."""
    rows = (
        select(Version.body, Version.author, Account.display_name, Account.username)
        .join(Resource, Resource.number == Version.number)
        .outerjoin(Account, Account.account_id == Version.author)
        .where(Resource.kind == report.kind, Resource.logical_id == report.id, Version.body.is_not(None))
        .order_by(Version.version.desc())
        .limit(200)
    )
    return [
        content_of(read_stored(body)) | {"author": shown or username or author}
        for body, author, shown, username in store.session.execute(rows)
        if body is not None
    ]


def priors(store: Store, opened_: Opened) -> list[dict[str, Any]]:
    """Return the patient's other reports that were signed or are preliminary, the newest first."""
    patient = subject_of(opened_.study)
    asked = [
        ("subject", f"Patient/{patient}"),
        ("category", "RAD"),
        ("status", "preliminary,final,amended,corrected,appended"),
        ("_sort", "-date"),
        ("_count", str(MOST_PRIORS + 1)),
    ]
    found = search(store, parse("DiagnosticReport", asked, strict=True)).matches if patient else []
    own = None if opened_.report is None else opened_.report.id
    documents = [one.document() for one in found if one.id != own][:MOST_PRIORS]
    names = readers(store, documents)
    return [
        content_of(one)
        | {
            "description": str((one.get("code") or {}).get("text", "")),
            "effective": str(one.get("effectiveDateTime", "")),
            "study": study_named(one),
            "readers": names[one["id"]],
        }
        for one in documents
    ]


def readers(store: Store, reports: Iterable[Document]) -> Mapping[str, list[str]]:
    """Return by report the names of who interpreted it."""
    reports = list(reports)
    people = by_id(store.session, "Practitioner", {one for report in reports for one in readers_of(report)})
    return {
        report["id"]: [shown_name(people[one]) for one in readers_of(report) if one in people] for report in reports
    }


def study_named(report: Document) -> str:
    """Return the StudyInstanceUID that a report names, or nothing."""
    named = (one for one in report.get("identifier", ()) if one.get("system") == REPORT_OF)
    return next((str(one.get("value", "")).removeprefix(OID) for one in named), "")


def _named(uid: str) -> list[tuple[str, str]]:
    return [("identifier", f"{REPORT_OF}|{OID}{uid}")]


def _require(store: Store, current: Stored | None, expected: int | None) -> None:
    if current is None:
        if expected is not None:
            raise Problem(412, "report_gone", "The report that you changed is not there any more.")
        return
    etag = {"ETag": current.etag}
    if expected is None:
        detail = "There is a report already: read it, and send If-Match with its version."
        raise Problem(428, "precondition_required", detail, etag)
    if expected != current.version:
        last = versions(store, current)[0]
        detail = f"{last['author']} saved version {current.version} at {last['changed']}, after you had opened it."
        raise Problem(412, "report_changed", f"{detail} Your text is kept in this window.", etag)


def _order_of(content: Content) -> str:
    if content.status is Status.AMENDED:
        return "Only a signed report is amended."
    return "The report was signed: it can only be amended."
