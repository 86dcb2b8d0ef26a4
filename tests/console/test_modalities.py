"""C-ECHO asked for by a page, of a real application entity."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pynetdicom import AE, evt
from pynetdicom.sop_class import Verification  # type: ignore[attr-defined]

from cdss_api.accounts.models import Modality
from neuronova.contract.grants import ModalityChange
from tests.accounts.api import Api, code_of, json_of
from tests.databases import api
from tests.server import free_ports

__all__ = ["api"]


@pytest.fixture
def answering() -> Iterator[tuple[int, list[str]]]:
    """An application entity: its port, and who asked it."""
    asked: list[str] = []

    def on_echo(event: evt.Event) -> int:
        asked.append(event.assoc.requestor.ae_title)
        return 0x0000

    entity = AE(ae_title="CT1")
    entity.add_supported_context(Verification)
    (port,) = free_ports(1)
    server = entity.start_server(("127.0.0.1", port), block=False, evt_handlers=[(evt.EVT_C_ECHO, on_echo)])
    assert server is not None
    yield port, asked
    server.shutdown()


def test_a_modality_is_asked_by_our_title(api: Api, answering: tuple[int, list[str]]) -> None:
    port, asked = answering
    admin = api.admin()
    api.client.put("/api/v1/modalities/CT1", json={"host": "127.0.0.1", "port": port}, headers=admin)
    answer = api.client.post("/api/v1/modalities/CT1/echo", headers=admin)
    assert answer.status_code == 200, answer.text
    assert 0 < json_of(answer)["seconds"] < 5
    assert asked == ["NEURONOVA"]
    assert "modality-echo done" in api.journal.actions()


def test_who_does_not_answer_is_told_with_why(api: Api) -> None:
    admin, (port,) = api.admin(), free_ports(1)
    api.client.put("/api/v1/modalities/CT1", json={"host": "127.0.0.1", "port": port}, headers=admin)
    answer = api.client.post("/api/v1/modalities/CT1/echo", headers=admin)
    assert (answer.status_code, code_of(answer)) == (502, "no_answer")
    assert json_of(answer)["detail"] == f"CT1 does not answer a C-ECHO at 127.0.0.1:{port}."
    unknown = api.client.post("/api/v1/modalities/MR1/echo", headers=admin)
    assert (unknown.status_code, code_of(unknown)) == (404, "no_such_modality")


def test_what_is_to_be_called_by_tls_is_never_called_without(api: Api, answering: tuple[int, list[str]]) -> None:
    port, asked = answering
    where, admin = {"host": "127.0.0.1", "port": port, "tls": True}, api.admin()
    refused = api.client.put("/api/v1/modalities/CT1", json=where, headers=admin)
    assert (refused.status_code, code_of(refused)) == (422, "no_certificate")
    with api.service.database.writing() as session:  # as one that was added while there was a certificate
        session.add(Modality(title="CT1", host="127.0.0.1", port=port, operations=["store"], tls=True))
    answer = api.client.post("/api/v1/modalities/CT1/echo", headers=admin)
    assert (answer.status_code, code_of(answer)) == (502, "no_answer")
    assert "NEURONOVA_DICOM_TLS_CERTIFICATE" in json_of(answer)["detail"]
    assert asked == []


def test_a_daily_limit_is_kept_told_and_taken_away(api: Api) -> None:
    where, admin = {"host": "127.0.0.1", "daily_mib": 500}, api.admin()
    for limit in (500, None):
        answer = api.client.put("/api/v1/modalities/CT1", json=where | {"daily_mib": limit}, headers=admin)
        assert (answer.status_code, json_of(answer)["daily_mib"]) == (200, limit)
        (told,) = [one for one in api.update().changes if isinstance(one, ModalityChange)]
        assert told.daily_mib == limit
    for odd in (0, -1, 1.5, 1 << 31):
        refused = api.client.put("/api/v1/modalities/CT1", json=where | {"daily_mib": odd}, headers=admin)
        assert refused.status_code == 422, odd
    (listed,) = json_of(api.client.get("/api/v1/modalities", headers=admin))["modalities"]
    assert (listed["daily_mib"], listed["received_today"]) == (None, None)  # no Orthanc runs
