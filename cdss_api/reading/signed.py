"""A version of a report as it is printed: what it says, of whom, and who signed it when."""

from __future__ import annotations

from datetime import UTC, datetime

from cdss_api.database import Database
from cdss_api.fhir.compartment import Compartments
from cdss_api.fhir.document import Document
from cdss_api.fhir.linked import by_id
from cdss_api.fhir.moment import micros_of, span
from cdss_api.fhir.store import Store
from cdss_api.reading.printing import Printed
from cdss_api.reading.reports import readers
from cdss_api.reading.study import person, subject_of
from neuronova.contract.roles import Role

# The states of a signed report (FHIR R4, DiagnosticReportStatus), and how it is headed.
_TITLES = {
    "final": "Report",
    "amended": "Amended report",
    "corrected": "Corrected report",
    "appended": "Report, appended",
}


def version_of(database: Database, id_: str, version: int, now: float) -> tuple[Document, Printed]:
    """Return a version of a DiagnosticReport, and what stands on its print.

    Raises:
        Refused: there is no such version.
    """
    everything = Compartments(account="service:reports", role=Role.ADMIN, now=now, recent=0.0)
    with database.reading() as session:
        store = Store(session, everything, everything.account, micros_of(now))
        report = store.vread("DiagnosticReport", id_, str(version)).document()
        subject = subject_of(report)
        patient = by_id(session, "Patient", [subject]).get(subject)
        names = readers(store, [report])[report["id"]]
    return report, _printed(report, patient, names)


def _printed(report: Document, patient: Document | None, names: list[str]) -> Printed:
    whose, status = person(patient), str(report.get("status"))
    issued = str(report.get("issued") or report["meta"]["lastUpdated"])
    signed = datetime.fromtimestamp(span(issued).low / 1_000_000, UTC).astimezone()
    when = signed.strftime("%Y-%m-%d %H:%M %Z")
    described = str((report.get("code") or {}).get("text", ""))
    codings = [one for concept in report.get("conclusionCode", ()) for one in concept.get("coding", ())]
    whom = ", ".join(one for one in (whose["name"], whose["patient_id"]) if one)
    return Printed(
        title=f"{_TITLES.get(status, 'Report')}: {described}".rstrip(": "),
        facts=[
            ("Patient", whom),
            ("Date of birth", whose["birth_date"]),
            ("Examination", str(report.get("effectiveDateTime", ""))[:16].replace("T", " ")),
        ],
        text=str(report.get("conclusion", "")),
        conclusions=[f"{one.get('display', '')} ({one.get('code', '')})" for one in codings],
        signature=f"Signed: {', '.join(names) or 'unknown'}, {when}",
        signed=signed,
        footer=f"{whom} - version {report['meta']['versionId']}, {when}",
    )
