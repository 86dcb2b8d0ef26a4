"""What the plugin is told of the orders in the database, and when."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from cdss_api.accounts.internal import KEY_HEADER
from cdss_api.app import create_app
from cdss_api.fhir.compartment import Compartments
from cdss_api.fhir.moment import micros_of
from cdss_api.fhir.store import Store
from cdss_api.service import Service
from cdss_api.starting import open_service, plugin_key_file, prepare
from cdss_api.worklist.following import Worklist, pause_after
from cdss_api.worklist.reading import state_of
from neuronova.contract.roles import Role
from neuronova.contract.settings import read_settings
from neuronova.contract.worklist import Entry, from_json
from tests.worklist.orders import allergy, appointment, device, order, patient, practitioner, weight


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    for folder in ("api", "keys"):
        (tmp_path / folder).mkdir()
    made = open_service(read_settings({"NEURONOVA_DATA": str(tmp_path)}))
    prepare(made, lambda _said: None)
    yield made
    made.database.close()


def put(service: Service, *resources: dict[str, Any], now: float | None = None, gone: bool = False) -> None:
    at = time.time() if now is None else now
    with service.database.writing() as session:
        seen = Compartments(account="tests", role=Role.ADMIN, now=at, recent=0)
        store = Store(session, seen, "tests", micros_of(at))
        for one in resources:
            if gone:
                store.delete(one["resourceType"], one["id"])
            else:
                store.update(one["resourceType"], one["id"], one)


def told(worklist: Worklist) -> tuple[Entry, ...]:
    return worklist.update("").entries


def test_what_belongs_to_an_order_is_found(service: Service) -> None:
    worklist = Worklist(service.database)
    assert told(worklist) == ()
    other = patient(id="other", identifier=[{"value": "other"}])
    put(service, patient(), other, device(), practitioner("kim", "Kim"), practitioner("lee", "Lee"), order())
    (plain,) = told(worklist)
    assert (plain.patient_id, plain.weight, plain.allergies, plain.step.station_titles) == (
        "P-100",
        "",
        (),
        ("CT_ONE",),
    )
    assert (plain.requesting_physician, plain.step.performing_physician) == ("Lee^A", "Kim^A")

    put(service, weight(70, "2026-03-01"), allergy("Iodine"), appointment("2026-05-01T10:00:00+09:00", "ct1"))
    put(service, weight(99, "2026-03-02") | {"id": "others", "subject": {"reference": "Patient/other"}})
    (known,) = told(worklist)
    assert (known.weight, known.allergies, known.step.date) == ("70", ("Iodine",), "20260501")

    put(service, allergy("Iodine"), gone=True)
    assert told(worklist)[0].allergies == ()
    put(service, device(title="CT_NEW"))
    assert told(worklist)[0].step.station_titles == ("CT_NEW",)
    task = {"resourceType": "Task", "id": "t", "status": "completed", "intent": "order"}
    put(service, task | {"focus": {"reference": "ServiceRequest/order-1"}})
    assert told(worklist) == ()


def test_a_version_stands_for_what_is_on_the_worklist(service: Service) -> None:
    first, second = Worklist(service.database), Worklist(service.database)
    put(service, patient(), order())
    known = first.update("")
    assert known.full
    assert second.update(known.version).full is False
    put(service, patient(id="nobody"))
    assert first.update(known.version).full is False  # nothing of it is on the worklist
    put(service, order(status="revoked"))
    assert first.update(known.version) == second.update(known.version)
    assert first.update(known.version).entries == ()


def test_a_change_that_is_committed_late_is_not_missed(service: Service) -> None:
    """Its time is that of its transaction's beginning, so it need not be the newest."""
    worklist = Worklist(service.database)
    now = time.time()
    put(service, patient(), now=now - 5)
    put(service, order(id="order-2"), now=now)
    assert len(told(worklist)) == 1
    put(service, order(id="order-1"), now=now - 1)
    assert len(told(worklist)) == 2
    put(service, order(id="order-1", status="revoked"), now=now - 0.5)
    assert len(told(worklist)) == 1


@pytest.mark.parametrize(("took", "pause"), [(0.0, 0.2), (0.02, 0.2), (0.05, 0.5), (0.4, 4.0), (30.0, 5.0)])
def test_a_worklist_that_takes_long_to_read_is_read_less_often(took: float, pause: float) -> None:
    assert pause_after(took) == pytest.approx(pause)


def test_an_unchanged_worklist_is_not_read_again(service: Service) -> None:
    worklist = Worklist(service.database)
    put(service, patient(), order())
    version = worklist.update("").version
    statements: list[str] = []
    event.listen(service.database.engine, "before_cursor_execute", lambda *given: statements.append(given[2]))
    assert worklist.update(version).full is False
    assert statements
    assert all("fhir_version" not in one for one in statements)


def test_an_index_answers_what_a_poll_asks(service: Service) -> None:
    asked: list[tuple[str, Any]] = []
    event.listen(service.database.engine, "before_cursor_execute", lambda *given: asked.append(given[2:4]))
    with service.database.reading() as session:
        state_of(session)
        polled = [one for one in asked if one[0].startswith("SELECT")]
        assert len(polled) == 2
        for statement, parameters in polled:
            plan = session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all()
            steps = [str(row[3]) for row in plan if "fhir_resource" in str(row[3])]
            assert steps
            assert all(one.startswith("SEARCH") and "fhir_resource_updated" in one for one in steps)


def test_the_route_waits_for_a_change(service: Service) -> None:
    client = create_app(service).test_client()
    headers = {KEY_HEADER: plugin_key_file(service.settings).read_text()}
    path = "/api/v1/internal/worklist"
    assert client.get(path).status_code == 403
    assert client.get(f"{path}?since=no", headers=headers).status_code == 422
    put(service, patient(), order())
    update = from_json(client.get(path, headers=headers).get_json())
    assert [entry.order for entry in update.entries] == ["order-1"]
    began = time.monotonic()
    again = from_json(client.get(f"{path}?since={update.version}&wait=0.5", headers=headers).get_json())
    assert (again.full, again.version) == (False, update.version)
    assert time.monotonic() - began >= 0.5
