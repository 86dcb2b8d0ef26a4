"""Which studies may wait: few, and never fewer than do."""

from __future__ import annotations

from threading import Thread
from typing import Any

import pytest
from sqlalchemy import select, text

from cdss_api.consequences import follow
from cdss_api.database import migrate
from cdss_api.fhir.compartment import Compartments
from cdss_api.fhir.models import Resource
from cdss_api.fhir.moment import micros_of
from cdss_api.fhir.store import Store
from cdss_api.prefetch.models import Prefetch, Prior, PriorState, State
from cdss_api.reading.models import Open
from cdss_api.reading.waiting import REPORT_OF
from neuronova.contract.roles import Role
from tests.accounts.api import TESTER
from tests.fhir.asking import Fhir
from tests.reading.asking import save, studies
from tests.reading.examinations import examined, order, person, study, uid


def opened(fhir: Fhir) -> set[str]:
    """Return the ids of the ImagingStudies that may wait."""
    with fhir.api.service.database.reading() as session:
        return set(session.scalars(select(Resource.logical_id).join(Open, Open.number == Resource.number)))


def foreign(made: dict[str, str], status: str, **more: Any) -> dict[str, Any]:
    """Return a report of another system, of an order and no study by name."""
    known = {
        "resourceType": "DiagnosticReport",
        "status": status,
        "code": {"text": "CT"},
        "subject": {"reference": f"Patient/{made['patient']}"},
        "basedOn": [{"reference": f"ServiceRequest/{made['order']}"}],
    }
    return known | more


def test_a_study_may_wait_until_it_is_signed_and_its_later_changes_do_not_matter(fhir: Fhir) -> None:
    made = examined(fhir, 1)
    assert opened(fhir) == {made["study"]}
    assert save(fhir, uid(1), "preliminary").status_code == 200
    assert opened(fhir) == {made["study"]}
    assert save(fhir, uid(1), "final", 1).status_code == 200
    assert opened(fhir) == set()
    changed = study(1, made["patient"], (made["order"],), description="Head and neck")
    assert fhir.ask("PUT", f"/ImagingStudy/{made['study']}", changed | {"id": made["study"]}).status_code == 200
    assert opened(fhir) == set()


@pytest.mark.parametrize("unsigned", ["entered-in-error", "another-order", "deleted"])
def test_a_study_waits_again_when_another_system_takes_its_report_back(fhir: Fhir, unsigned: str) -> None:
    made, other = examined(fhir, 1), examined(fhir, 2)
    report = fhir.create(foreign(made, "final"))
    assert opened(fhir) == {other["study"]}
    assert studies(fhir) == [uid(2)]
    if unsigned == "deleted":
        fhir.ask("DELETE", f"/DiagnosticReport/{report}")
    else:
        back = foreign(made, unsigned) if unsigned == "entered-in-error" else foreign(made | other, "final")
        assert fhir.ask("PUT", f"/DiagnosticReport/{report}", back | {"id": report}).status_code == 200
    assert studies(fhir) == ([uid(1)] if unsigned == "another-order" else [uid(1), uid(2)])


def test_a_report_that_came_before_its_study_leaves_it_to_whoever_reads_the_list(fhir: Fhir) -> None:
    made = examined(fhir, 1)
    named = [{"system": REPORT_OF, "value": f"urn:oid:{uid(7)}"}]
    fhir.create(foreign(made, "final", identifier=named))
    late = fhir.create(study(7, made["patient"]))
    assert opened(fhir) == {made["study"], late}
    assert studies(fhir) == [uid(1)]


def test_a_study_that_changes_while_its_report_is_taken_back_waits(fhir: Fhir) -> None:
    whom = fhir.create(person(1))
    made = {"patient": whom, "order": fhir.create(order(whom))}
    report = fhir.create(foreign(made, "final"))
    late = fhir.create(study(1, whom, (made["order"],)))
    changed = study(1, whom, (made["order"],), description="Head and neck") | {"id": late}
    change = Thread(target=fhir.ask, args=("PUT", f"/ImagingStudy/{late}", changed))
    with fhir.api.service.work(TESTER) as work:
        everything = Compartments(account=TESTER.subject, role=Role.ADMIN, now=work.now, recent=0.0)
        store = Store(work.session, everything, TESTER.subject, micros_of(work.now))
        store.update("DiagnosticReport", report, foreign(made, "entered-in-error") | {"id": report})
        follow(fhir.api.service, work, store)
        change.start()
        change.join(2)  # the change sees the signature, and ends here unless it waits
    change.join()
    assert opened(fhir) == {late}
    assert studies(fhir) == [uid(1)]


def test_what_is_deleted_does_not_wait(fhir: Fhir) -> None:
    made = examined(fhir, 1)
    fhir.ask("DELETE", f"/ImagingStudy/{made['study']}")
    assert opened(fhir) == set()


def test_a_prior_waits_only_once_it_is_of_an_order(fhir: Fhir) -> None:
    whom = fhir.create(person(1))
    asked = {"rule": "ct", "archive": "OLDPACS", "patient_id": "P-1", "issuer": "", "asked": "", "state": State.DONE}
    told = {"date": "20240102", "description": "", "modalities": "CT", "state": PriorState.FETCHED, "as_prior": True}
    with fhir.api.service.database.writing() as session:
        session.add(fetched := Prefetch(order_id="another", run=1, created_at=0.0, **asked))
        session.flush()
        session.add(Prior(prefetch=fetched.number, study=uid(1), **told))
    came = fhir.create(study(1, whom))
    grown = study(1, whom, description="Head") | {"id": came}
    assert fhir.ask("PUT", f"/ImagingStudy/{came}", grown).status_code == 200
    assert opened(fhir) == set()
    again = study(1, whom, (fhir.create(order(whom)),)) | {"id": came}
    assert fhir.ask("PUT", f"/ImagingStudy/{came}", again).status_code == 200
    assert opened(fhir) == {came}
    assert studies(fhir) == [uid(1)]


def test_the_migration_finds_what_waits(fhir: Fhir) -> None:
    made = [examined(fhir, number) for number in (1, 2, 3)]
    assert save(fhir, uid(2), "final").status_code == 200
    fhir.ask("DELETE", f"/ImagingStudy/{made[2]['study']}")
    database = fhir.api.service.database
    with database.engine.begin() as connection:
        connection.execute(text("DROP TABLE reading_open"))
        for index in ("imaging_study_patient", "imaging_study_logical_id", "fhir_date_long"):
            connection.execute(text(f"DROP INDEX {index}"))
        connection.execute(text("UPDATE alembic_version SET version_num = '0023'"))
    migrate(database, "0024")
    assert opened(fhir) == {made[0]["study"]}
