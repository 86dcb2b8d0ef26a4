"""C-ECHO asked for by a page, of a real application entity."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pynetdicom import AE, evt
from pynetdicom.sop_class import Verification  # type: ignore[attr-defined]

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
