"""Who is told the metrics, and what is told of a part that does not answer."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from neuronova.contract.roles import Role
from neuronova.contract.settings import read_settings
from tests.accounts.api import Api, code_of
from tests.running import ADMIN_PASSWORD

PATH = "/api/v1/metrics"


@pytest.fixture(scope="module")
def api(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """One service for all the questions, which change nothing; what it is asked for is the same on each database."""
    data = tmp_path_factory.mktemp("key")
    (data / "api").mkdir()
    shutil.copy(sqlite_template, data / "api")
    made = Api(read_settings({"NEURONOVA_DATA": str(data), "NEURONOVA_ADMIN_PASSWORD": ADMIN_PASSWORD}))
    yield made
    made.service.database.close()


def with_key(api: Api, **headers: str) -> dict[str, str]:
    key = api.service.settings.metrics_key_file.read_text()
    return {"Authorization": f"Bearer {key}"} | {name.replace("_", "-"): value for name, value in headers.items()}


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "127.0.0.9"])
def test_the_key_is_good_on_this_machine(api: Api, address: str) -> None:
    answer = api.client.get(PATH, headers=with_key(api, X_Neuronova_Client=address))
    assert answer.status_code == 200
    assert "neuronova_figures_up" in answer.text


@pytest.mark.parametrize("address", ["192.0.2.1", "2001:db8::1", "unknown", "127.0.0.1, 192.0.2.1"])
def test_the_key_is_no_good_from_elsewhere(api: Api, address: str) -> None:
    answer = api.client.get(PATH, headers=with_key(api, X_Neuronova_Client=address))
    assert (answer.status_code, code_of(answer)) == (401, "token_invalid")


def test_the_key_opens_nothing_else(api: Api) -> None:
    for path in ("/api/v1/users", "/api/v1/auth/me", "/api/v1/internal/grants", "/api/v1/fhir/Patient"):
        assert api.client.get(path, headers=with_key(api)).status_code in (401, 403), path


def test_an_admin_is_told_from_anywhere_and_others_are_not(api: Api) -> None:
    api.person(Role.DOCTOR)
    there = {"X-Neuronova-Client": "192.0.2.1"}
    assert api.client.get(PATH, headers=api.admin() | there).status_code == 200
    refused = api.client.get(PATH, headers=api.bearer("doctor") | there)
    assert (refused.status_code, code_of(refused)) == (403, "forbidden")


@pytest.mark.parametrize("part", ["orthanc", "notifications", "inference"])
def test_a_part_that_does_not_answer_is_an_error(api: Api, part: str) -> None:
    answer = api.client.get(f"{PATH}/{part}", headers=with_key(api))
    assert (answer.status_code, code_of(answer)) == (502, "part_down")
    assert answer.content_type == "application/problem+json"


@pytest.mark.parametrize("part", ["worker", "..%2Finternal", "Orthanc", "x" * 300])
def test_what_is_no_part_is_refused(api: Api, part: str) -> None:
    assert api.client.get(f"{PATH}/{part}", headers=with_key(api)).status_code in (404, 422)
    assert api.client.get(f"{PATH}/{part}").status_code in (401, 404)
