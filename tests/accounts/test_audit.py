"""Whoever reads the audit trail stands in it too."""

from __future__ import annotations

from tests.accounts.api import Api, code_of


def test_a_search_of_the_trail_is_recorded(api: Api) -> None:
    admin = api.admin()
    api.journal.events.clear()
    answer = api.client.get("/api/v1/audit/records?patient_id=KIM-1&outcome=denied", headers=admin)
    assert answer.status_code == 200, answer.text
    (event,) = api.journal.events
    assert (event["action"], event["patient"]) == ("audit-search", None)
    assert event["detail"] == {"limit": "100", "outcome": "denied", "patient_id": "KIM-1"}
    assert event["subject"] and event["token_id"]


def test_a_trail_that_cannot_be_written_is_not_read(api: Api) -> None:
    admin = api.admin()
    api.journal.broken = True
    answer = api.client.get("/api/v1/audit/records", headers=admin)
    assert answer.status_code == 500
    assert code_of(answer)
    assert "records" not in answer.text
