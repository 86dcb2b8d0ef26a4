"""Two units of work that wait for each other: PostgreSQL ends one, and nobody has to know."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import pytest
from sqlalchemy import event, select, text
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.orm import Session

from cdss_api.accounts.models import Account, Version
from cdss_api.fhir.compartment import Compartments
from cdss_api.fhir.store import Store
from cdss_api.mpps.keeping import Steps
from cdss_api.mpps.models import PerformedStep
from cdss_api.mpps.orders import alone_with_steps
from cdss_api.mpps.reading import read_change
from neuronova.contract.grants import Patient
from neuronova.contract.roles import Role
from tests import postgres
from tests.accounts.api import KIM, Api, code_of
from tests.fhir.asking import Fhir, patient
from tests.fhir.test_teams import practitioner, team
from tests.mpps.telling import end
from tests.mpps.test_keeping import CT, begin
from tests.reading.examinations import order
from tests.server import until

pytestmark = pytest.mark.parametrize("variables", ["postgresql"], indirect=True)  # SQLite has one writer

T = TypeVar("T")
Step = Callable[[Session], object]
# PostgreSQL looks for a deadlock so long after a wait began, and ends the one that it looks for.
_LOOKS_AFTER = "2s"


@pytest.fixture
def ended(api: Api) -> list[str | None]:
    """What ended transactions of the service."""
    found: list[str | None] = []

    def noted(failed: ExceptionContext) -> None:
        found.append(getattr(failed.original_exception, "sqlstate", None))

    event.listen(api.service.database.engine, "handle_error", noted)
    return found


def meeting(api: Api, hold: Step, cross: Step, unit: Callable[[], T]) -> T:
    """Have `unit` wait for what another transaction holds, which then waits for what `unit` holds."""
    database, address = api.service.database, str(api.service.settings.database_url)
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    postgres.execute(address, f"ALTER DATABASE {database.engine.url.database} SET deadlock_timeout = '{_LOOKS_AFTER}'")
    database.engine.dispose()  # connections that have it
    with ThreadPoolExecutor(1) as threads, database.writing() as session:
        session.execute(text("SET LOCAL deadlock_timeout = '10min'"))
        hold(session)
        asked = threads.submit(unit)
        until(lambda: postgres.value(address, waiting), "the unit waits")
        cross(session)
    return asked.result(60)


def alone_with(whom: Patient) -> Step:
    everything = Compartments(account="", role=Role.ADMIN, now=0.0, recent=0.0)
    return lambda session: alone_with_steps(Store(session, everything, "", 0), whom)


def accesses(fhir: Fhir) -> list[str]:
    """End the minute; return with what statuses the accesses of each kind ended in it, and how many."""
    before = len(fhir.events())
    fhir.api.clock.time += 61
    fhir.api.service.accesses.tick()  # type: ignore[attr-defined]
    return [one.detail for one in fhir.events()[before:]]


def test_a_transaction_of_the_record_is_carried_out_after_all(fhir: Fhir, ended: list[str | None]) -> None:
    kim = patient(KIM.patient_id, id="kim")
    kim["identifier"][0]["system"] = KIM.issuer
    for body in (kim, practitioner(Role.DOCTOR)):
        assert fhir.ask("PUT", f"/{body['resourceType']}/{body['id']}", body).status_code == 201
    fhir.account(Role.DOCTOR)
    asked = [team(Role.DOCTOR), order("kim", id="order")]
    entries = [
        {"request": {"method": "PUT", "url": f"{one['resourceType']}/{one['id']}"}, "resource": one} for one in asked
    ]
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
    fhir.api.journal.events.clear()
    accesses(fhir)
    # What follows from the team has locked the accounts and recorded its grant when the order waits for the steps.
    answer = meeting(
        fhir.api,
        alone_with(KIM),
        lambda session: session.execute(select(Version.version).with_for_update()),
        lambda: fhir.ask("POST", "/", bundle),
    )
    assert ended == ["40P01"]
    assert answer.status_code == 200, answer.text
    assert {one["response"]["status"] for one in answer.get_json(force=True)["entry"]} == {"201 Created"}
    assert fhir.api.journal.actions().count("grant done") == 1
    assert accesses(fhir) == ["200: 2"]  # one of each resource
    assert fhir.found("/Patient", Role.DOCTOR) == ["kim"]


def test_a_modalitys_step_is_kept_after_all(fhir: Fhir, ended: list[str | None]) -> None:
    steps = Steps(service=fhir.api.service)
    begin(steps, "1.2.1")
    accesses(fhir)
    meeting(
        fhir.api,
        lambda session: session.get(PerformedStep, "1.2.1", with_for_update=True),
        alone_with(Patient("P-1", CT.issuer)),
        lambda: steps.change(CT, "1.2.1", read_change(end())),
    )
    assert ended == ["40P01"]
    with fhir.api.service.database.reading() as session:
        assert session.get_one(PerformedStep, "1.2.1").status == "COMPLETED"
    assert accesses(fhir) == ["0: 1"]


def test_a_change_of_an_account_is_left_to_who_asked(api: Api, ended: list[str | None]) -> None:
    admin, kim = api.admin(), api.person(Role.DOCTOR)
    answer = meeting(
        api,
        lambda session: session.get(Account, kim, with_for_update=True),
        lambda session: session.execute(select(Version.version).with_for_update()),
        lambda: api.client.patch(f"/api/v1/users/{kim}", json={"display_name": "Kim"}, headers=admin),
    )
    assert ended == ["40P01"]
    assert (answer.status_code, code_of(answer)) == (503, "database_busy")
    assert int(answer.headers["Retry-After"]) > 0
    assert "again" in answer.get_json()["detail"]
