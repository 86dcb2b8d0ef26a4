"""The reading list: what waits, with its orders, patients and drafts, read in few queries whatever its size."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from cdss_api.fhir.compartment import Compartments
from cdss_api.fhir.document import Document
from cdss_api.fhir.linked import about, by_id, chunks, gathered, numbered
from cdss_api.fhir.models import TokenValue
from cdss_api.fhir.moment import instant
from cdss_api.reading.progress import progress_of
from cdss_api.reading.study import (
    OID,
    PRIORITIES,
    body_parts_of,
    description_of,
    modalities_of,
    order_shown,
    orders_of,
    person,
    priority_of,
    study_uid_of,
    subject_of,
)
from cdss_api.reading.waiting import REPORT_OF, Found, Wanted, waiting
from cdss_api.results.raising import RAISED_TO, critical_findings
from cdss_api.results.wording import NOT_FOR_DIAGNOSIS

# Built once: that takes longer than to ask it.
_NAMING = select(TokenValue.value, TokenValue.number).where(
    TokenValue.kind == "DiagnosticReport",
    TokenValue.code == "identifier",
    TokenValue.system == REPORT_OF,
    TokenValue.value.in_(bindparam("studies", expanding=True)),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Listed:
    """A page's rows, and how many fit in all."""

    rows: Sequence[Mapping[str, Any]]
    total: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Around:
    """The resources about some studies, by the ids of those they are about; reports by study UID and by order."""

    patients: Mapping[str, Document]
    orders: Mapping[str, Document]
    by_study: Mapping[str, Sequence[Document]]
    by_order: Mapping[str, Sequence[Document]]

    def orders_of(self, study: Document) -> list[Document]:
        """Return a study's orders that may be seen."""
        return [self.orders[one] for one in orders_of(study) if one in self.orders]

    def reports_of(self, study: Document) -> list[Document]:
        """Return a study's reports, the newest first."""
        unnamed = [
            report for order in orders_of(study) for report in self.by_order.get(order, ()) if not names_study(report)
        ]
        return [*self.by_study.get(study_uid_of(study), ()), *unnamed]


def listed(session: Session, seen: Compartments, wanted: Wanted) -> Listed:
    """Return the studies that wait for a report, stat first, and of each priority the oldest first."""
    found, total = waiting(session, seen, wanted)
    studies = numbered(session, [one.number for one in found])
    around = surroundings(session, seen, studies.values())
    findings = critical_findings(session, [str(one["id"]) for one in studies.values()])
    rows = []
    for one in found:
        study = studies[one.number]
        critical = findings.get(study["id"], [])
        row = _row(study, one, around)
        if critical and PRIORITIES.index(row["priority"]) > PRIORITIES.index(RAISED_TO):
            row["priority"] = RAISED_TO
        row["ai_findings"] = [f"{words} ({NOT_FOR_DIAGNOSIS})" for words in critical] if wanted.tells_findings else []
        rows.append(row)
    return Listed(rows=rows, total=total)


def surroundings(session: Session, seen: Compartments, studies: Iterable[Document]) -> Around:
    """Return what is about some studies and may be seen."""
    studies = list(studies)
    orders = by_id(session, "ServiceRequest", {one for study in studies for one in orders_of(study)}, seen)
    return Around(
        patients=by_id(session, "Patient", {subject_of(study) for study in studies}, seen),
        orders=orders,
        by_study=_named(session, [study_uid_of(study) for study in studies], seen),
        by_order=about(session, "DiagnosticReport", "based-on", "ServiceRequest", orders, seen=seen),
    )


def names_study(report: Document) -> bool:
    """Tell whether a report says which study it is of."""
    return any(one.get("system") == REPORT_OF for one in report.get("identifier", ()))


def _named(session: Session, studies: Iterable[str], seen: Compartments) -> Mapping[str, Sequence[Document]]:
    pairs: list[tuple[str, int]] = []
    for some in chunks(f"{OID}{uid}" for uid in studies if uid):
        named = session.execute(_NAMING, {"studies": some})
        pairs += [(value.removeprefix(OID), number) for value, number in named]
    return gathered(session, pairs, seen)


def _row(study: Document, found: Found, around: Around) -> dict[str, Any]:
    orders, reports = around.orders_of(study), around.reports_of(study)
    return {
        "study": study_uid_of(study),
        "imaging_study": study["id"],
        "came": instant(found.came),
        "started": str(study.get("started", "")),
        "priority": priority_of(orders),
        "modalities": modalities_of(study),
        "body_parts": body_parts_of(study),
        "description": description_of(study, orders),
        "patient": person(around.patients.get(subject_of(study))),
        "orders": [order_shown(one) for one in orders],
        "progress": progress_of(orders[0] if orders else None, studies=[study], reports=reports).value,
        "report": next((str(one.get("status", "")) for one in reports), ""),
    }
