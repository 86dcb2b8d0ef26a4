"""Orders' priors and the rules for them, as the page asks for them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cdss_api import modalities
from cdss_api.errors import Unavailable
from cdss_api.prefetch.models import Prefetch, Prior, State
from cdss_api.prefetch.requesting import request
from cdss_api.starting import open_service
from neuronova.contract.grants import ModalityChange, Operation
from neuronova.contract.roles import Role
from neuronova.contract.settings import Settings, read_settings
from tests.accounts.api import TESTER, Api, code_of, json_of
from tests.databases import api

__all__ = ["api"]
RULES = """rules:
  - name: chest
    from: OLD
    orders: {modality: CT, says: chest}
    priors: {years: 5}
"""


@pytest.fixture
def ruled(settings: Settings, tmp_path: Path) -> Iterator[Api]:
    file = tmp_path / "rules.yaml"
    file.write_text(RULES)
    made = Api(read_settings(settings.environment() | {"NEURONOVA_PREFETCH_RULES": str(file)}))
    yield made
    made.service.database.close()


def put(api: Api, name: str, *studies: str) -> int:
    """Write down what is asked for an order, and the studies that were found."""
    with api.service.work(TESTER) as work:
        row = Prefetch(order_id=name, rule="chest", run=0, created_at=work.now)
        row.archive, row.asked, row.patient_id, row.issuer = "OLD", "", "KIM-1", "HOSPITAL"
        request(work, row)
        for study in studies:
            prior = Prior(prefetch=row.number, study=study, date=f"202{study[-1]}0101", description="", modalities="CT")
            prior.state, prior.as_prior = "fetched", True
            work.session.add(prior)
        return row.number


def ended(api: Api, number: int, state: State) -> None:
    with api.service.work(TESTER) as work:
        work.session.get_one(Prefetch, number).state = state


def told(api: Api, path: str = "", **query: str) -> Any:
    return json_of(api.client.get(f"/api/v1/prefetch{path}", query_string=query, headers=api.admin()))


def test_orders_are_listed_newest_first_by_pages_with_their_studies_and_recorded(api: Api) -> None:
    put(api, "one", "1.2.3", "1.2.5", "1.2.4")
    put(api, "two")
    ended(api, put(api, "three"), State.FAILED)
    first = told(api, count="2")
    assert ([one["order"] for one in first["prefetches"]], first["more"]) == (["three", "two"], True)
    rest = told(api, count="2", before=str(first["prefetches"][-1]["number"]))
    assert ([one["order"] for one in rest["prefetches"]], rest["more"]) == (["one"], False)
    assert [one["study"] for one in rest["prefetches"][0]["priors"]] == ["1.2.5", "1.2.4", "1.2.3"]
    assert [one["order"] for one in told(api, state="failed")["prefetches"]] == ["three"]
    assert "prefetch-list done" in api.journal.actions()


def test_what_has_ended_is_asked_for_again(api: Api) -> None:
    number = put(api, "one")
    path, admin = f"/api/v1/prefetch/{number}/again", api.admin()
    assert code_of(api.client.post(path, headers=admin)) == "in_progress"
    first = told(api)["prefetches"][0]["message"]
    ended(api, number, State.DONE)
    again = json_of(api.client.post(path, headers=admin))
    assert (again["state"], again["message"] > first) == ("queued", True)
    assert api.journal.actions().count("prefetch done") == 2
    assert code_of(api.client.post("/api/v1/prefetch/99/again", headers=admin)) == "no_such_prefetch"


@pytest.mark.parametrize(("method", "path"), [("GET", ""), ("GET", "/rules"), ("POST", "/1/again")])
def test_only_who_manages_the_outbox_looks_or_asks(api: Api, method: str, path: str) -> None:
    put(api, "one")
    api.person(Role.RADIOLOGIST)
    header = api.bearer(Role.RADIOLOGIST.value)
    assert code_of(api.client.open(f"/api/v1/prefetch{path}", method=method, headers=header)) == "forbidden"


def test_the_rules_are_shown_with_who_is_not_known(ruled: Api, tmp_path: Path) -> None:
    answer = told(ruled, "/rules")
    (rule,) = answer["rules"]
    assert answer["file"] == str(tmp_path / "rules.yaml")
    assert (rule["archive"], rule["known"], rule["order_words"], rule["years"]) == ("OLD", False, ["chest"], 5)
    with ruled.service.work(TESTER) as work:
        modalities.put(work, ModalityChange(title="OLD", host="127.0.0.1", operations=(Operation.STORE,)))
    assert told(ruled, "/rules")["rules"][0]["known"]


def test_without_a_file_nothing_is_fetched(api: Api) -> None:
    assert told(api, "/rules") == {"file": None, "rules": []}


def test_a_file_that_is_wrong_stops_the_start_and_names_itself(settings: Settings, tmp_path: Path) -> None:
    file = tmp_path / "rules.yaml"
    file.write_text(RULES.replace("years: 5", "years: none"))
    wrong = read_settings(settings.environment() | {"NEURONOVA_PREFETCH_RULES": str(file)})
    with pytest.raises(Unavailable, match=r"NEURONOVA_PREFETCH_RULES: .*rules\.yaml: line 5"):
        open_service(wrong)
