"""The reading list with many studies: milliseconds a question, on both databases.

`python -m bench.reading [STUDIES]`.
"""

from __future__ import annotations

import shutil
import sys
import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import text

from cdss_api.database import Database, migrate, open_database
from cdss_api.fhir.compartment import Compartments
from cdss_api.fhir.document import Document
from cdss_api.fhir.store import Store
from cdss_api.reading import words
from cdss_api.reading.listing import listed
from cdss_api.reading.progress import Progress
from cdss_api.reading.waiting import REPORT_OF, Wanted
from neuronova.contract.roles import Role
from neuronova.contract.settings import read_settings
from tests import postgres

STUDIES, TIMES = 20_000, 7
NOW = 1_800_000_000.0
_DCM = "http://dicom.nema.org/resources/ontology/DCM"
QUESTIONS = {
    "first page": Wanted(),
    "last page": Wanted(offset=STUDIES - STUDIES // 10 - 100),
    "one modality": Wanted(modality="MR"),
    "stat alone": Wanted(priority="stat"),
    "a name": Wanted(text="family77 given"),
    "a word of all": Wanted(text="head"),
    "preliminary": Wanted(progress=Progress.REPORTED),
    "mine": Wanted(mine=True, reader=frozenset({"kim"})),
}


def fill(database: Database, count: int) -> None:
    """Write studies with their patients and orders; a tenth has a signed report, another tenth a preliminary one."""
    everything = Compartments(account="bench", role=Role.ADMIN, now=NOW, recent=0.0)
    for start in range(0, count, 1000):
        with database.writing() as session:
            store = Store(session, everything, "bench", int(NOW * 1e6) + start)
            for number in range(start, min(start + 1000, count)):
                _write(store, number)
            words.keep(store, store.written)
    if database.engine.dialect.name == "postgresql":
        with database.writing() as session:
            session.execute(text("ANALYZE"))


def measured(database: Database) -> dict[str, tuple[float, int]]:
    """Return the median of milliseconds, and how many fit, of each question."""
    everything = Compartments(account="bench", role=Role.RADIOLOGIST, now=NOW, recent=0.0)
    found = {}
    for name, wanted in QUESTIONS.items():
        took, total = [], 0
        for _ in range(TIMES):
            began = time.perf_counter()
            with database.reading() as session:
                total = listed(session, everything, wanted).total
            took.append((time.perf_counter() - began) * 1000)
        found[name] = (median(took), total)
    return found


def _write(store: Store, number: int) -> None:
    patient, order, uid = f"p{number // 10}", f"o{number}", f"1.2.3.{number}"
    if number % 10 == 0:
        name = [{"family": f"Family{number // 10}", "given": ["Given"]}]
        _put(store, "Patient", patient, identifier=[{"system": "urn:oid:1.2", "value": f"P{number}"}], name=name)
    about = {"subject": {"reference": f"Patient/{patient}"}}
    priority = ("routine", "urgent", "asap", "stat")[number % 4]
    _put(store, "ServiceRequest", order, status="active", intent="order", priority=priority, **about)
    based: dict[str, Any] = {"basedOn": [{"reference": f"ServiceRequest/{order}"}], **about}
    named = [{"system": "urn:dicom:uid", "value": f"urn:oid:{uid}"}]
    modality = {"system": _DCM, "code": ("CT", "MR", "CR")[number % 3]}
    more = {
        "identifier": named,
        "series": [{"uid": f"{uid}.1", "modality": modality}],
        "description": "CT Head",
        "status": "available",
    }
    _put(store, "ImagingStudy", f"s{number}", **more, **based)
    if number % 10 < 2:
        status = "final" if number % 10 else "preliminary"
        of = [{"system": REPORT_OF, "value": f"urn:oid:{uid}"}]
        by = [{"reference": f"Practitioner/{'kim' if number % 100 == 0 else 'lee'}"}]
        _put(store, "DiagnosticReport", f"r{number}", identifier=of, status=status, resultsInterpreter=by, **based)


def _put(store: Store, kind: str, id_: str, **members: Any) -> None:
    document: Document = {"resourceType": kind, "id": id_, **members}
    store.create(kind, document, id_)


def main(count: int) -> None:
    """Measure both databases, and print."""
    with TemporaryDirectory(prefix="nn") as folder, postgres.cluster() as address:
        data = Path(folder) / "data"
        (data / "api").mkdir(parents=True)
        for name, variables in (("SQLite", {}), ("PostgreSQL", {"NEURONOVA_DATABASE_URL": address})):
            database = open_database(read_settings({"NEURONOVA_DATA": str(data), **variables}))
            migrate(database)
            fill(database, count)
            for question, (took, total) in measured(database).items():
                print(f"{name:10}  {question:14}  {took:8.1f} ms  {total} fit", flush=True)
            database.close()
        shutil.rmtree(data)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else STUDIES)
