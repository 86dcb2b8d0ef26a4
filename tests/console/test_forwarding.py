"""The queue of forwarding and its rules, as the page asks for them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cdss_api.forwarding.requesting import Wanted, request
from neuronova.contract.grants import Patient
from neuronova.contract.priority import Priority
from neuronova.contract.settings import Settings, read_settings
from tests.accounts.api import TESTER, Api, json_of
from tests.databases import api

__all__ = ["api"]
RULES = """rules:
  - name: ct-to-archive
    to: ARCHIVE
    priority: urgent
    conditions:
      - all: Modality
        one_of: [CT, MR]
"""


def send(api: Api, number: int, to: str) -> None:
    wanted = Wanted(
        rule="ct-to-archive",
        destination=to,
        priority=Priority.URGENT,
        orthanc=f"series-{number}",
        study="1.2.3",
        series=f"1.2.3.{number}",
        patient=Patient("KIM-1", ""),
        input_hash=str(number),
    )
    with api.service.work(TESTER) as work:
        request(work, wanted)


def queue(api: Api, **query: str) -> Any:
    return json_of(api.client.get("/api/v1/forwarding", query_string=query, headers=api.admin()))


def test_the_queue_is_listed_newest_first_by_pages_and_recorded(api: Api) -> None:
    for number in (1, 2, 3):
        send(api, number, "ARCHIVE" if number < 3 else "OTHER")
    first = queue(api, count="2")
    assert [one["series"] for one in first["forwards"]] == ["1.2.3.3", "1.2.3.2"]
    assert first["more"]
    rest = queue(api, count="2", before=str(first["forwards"][-1]["number"]))
    assert ([one["series"] for one in rest["forwards"]], rest["more"]) == (["1.2.3.1"], False)
    counted = json_of(api.client.get("/api/v1/forwarding/destinations", headers=api.admin()))
    assert [
        (one["destination"], one["counts"]["queued"], one["counts"]["sent"]) for one in counted["destinations"]
    ] == [
        ("ARCHIVE", 2, 0),
        ("OTHER", 1, 0),
    ]
    assert [one["series"] for one in queue(api, destination="OTHER")["forwards"]] == ["1.2.3.3"]
    assert queue(api, state="failed")["forwards"] == []
    assert "forward-list done" in api.journal.actions()


@pytest.fixture
def ruled(settings: Settings, tmp_path: Path) -> Api:
    return Api(read_settings(settings.environment() | {"NEURONOVA_FORWARDING_RULES": str(tmp_path / "rules.yaml")}))


def test_the_rules_are_shown_with_who_is_not_known(ruled: Api, tmp_path: Path) -> None:
    admin = ruled.admin()
    (tmp_path / "rules.yaml").write_text(RULES)

    def told() -> Any:
        return json_of(ruled.client.get("/api/v1/forwarding/rules", headers=admin))

    (rule,) = told()["rules"]
    assert rule["conditions"] == ["all Modality equals ct or mr"]
    assert (rule["to"], rule["when"], rule["priority"], rule["known"]) == ("ARCHIVE", "on_arrival", "urgent", False)
    ruled.client.put("/api/v1/modalities/ARCHIVE", json={"host": "127.0.0.1"}, headers=admin)
    assert told()["rules"][0]["known"]
    (tmp_path / "rules.yaml").write_text("rules: 7")
    broken = told()
    assert broken["rules"] == []
    assert "rules.yaml" in broken["problem"]
    ruled.service.database.close()


def test_without_a_file_there_are_no_rules(api: Api) -> None:
    answer = json_of(api.client.get("/api/v1/forwarding/rules", headers=api.admin()))
    assert answer == {"file": None, "problem": None, "rules": []}
