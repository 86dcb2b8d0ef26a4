"""`/api/v1/inference` of the API: who may ask, and that a real service answers through it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from neuronova.contract.inference import ARRAYS_ONLY
from neuronova.contract.roles import Role
from neuronova.contract.settings import read_settings
from tests.accounts.api import Api, code_of, json_of
from tests.inference.service import SECRET, Inference
from tests.inference.test_inline import _head
from tests.running import ADMIN_PASSWORD
from tests.server import free_ports

PATH = "/api/v1/inference"


def _api(data: Path, port: int) -> Api:
    for name in ("api", "keys"):
        (data / name).mkdir(parents=True)
    ours = {"NEURONOVA_DATA": str(data), "NEURONOVA_ADMIN_PASSWORD": ADMIN_PASSWORD}
    settings = read_settings(ours | {"NEURONOVA_INFERENCE_PORT": str(port)})
    settings.inference_secret_file.write_text(SECRET)
    return Api(settings)


@pytest.fixture
def api(service: Inference, tmp_path: Path) -> Iterator[Api]:
    made = _api(tmp_path, service.settings.inference_port)
    yield made
    made.service.database.close()


def test_an_array_goes_through_and_its_job_can_be_looked_at(api: Api) -> None:
    admin = api.admin()
    answer = api.client.post(PATH, json=_head(SeriesDescription="passed on"), headers=admin | {"Prefer": "wait=20"})
    found = json_of(answer)
    assert (answer.status_code, found["status"], found["reason"]) == (200, "not_evaluable", "wrong_geometry"), found
    assert api.journal.actions()[-1] == "inference-ask done"
    again = api.client.get(f"{PATH}/{found['job_key']}", headers=admin)
    assert json_of(again) == found
    assert code_of(api.client.get(f"{PATH}/{found['job_key']}/mask", headers=admin)) == "no_mask"


def test_more_than_other_routes_take_goes_through(api: Api) -> None:
    asked = _head() | {"metadata": {"Comment": "x" * (3 << 20)}}
    answer = api.client.post(PATH, json=asked, headers=api.admin())
    assert (answer.status_code, json_of(answer)["reason"]) == (200, "geometry_missing")


def test_a_stored_series_cannot_be_asked_for(api: Api, service: Inference) -> None:
    asked = {"job_key": "job-by-reference", "model": {}, "input": {"token": "stolen"}}
    assert code_of(api.client.post(PATH, json=asked, headers=api.admin())) == "array_required"
    assert service.get(f"{PATH}/job-by-reference").status_code == 404
    assert api.client.get(f"{PATH}/job-by-reference", headers=api.admin()).status_code == 422


def test_a_header_of_the_client_changes_nothing(api: Api) -> None:
    headers = api.admin() | {ARRAYS_ONLY: "", "X-Neuronova-Token": "mine"}
    assert code_of(api.client.post(PATH, json={}, headers=headers)) == "array_required"


@pytest.mark.parametrize("role", [Role.RADIOLOGIST, Role.DOCTOR, Role.PATIENT], ids=str)
def test_others_are_refused(api: Api, role: Role) -> None:
    api.person(role)
    assert code_of(api.client.post(PATH, json=_head(), headers=api.bearer(role.value))) == "forbidden"


def test_a_body_that_is_too_large_is_refused_unread(api: Api) -> None:
    answer = api.client.post(PATH, data=b" " * ((64 << 20) + 1), headers=api.admin())
    assert (answer.status_code, code_of(answer)) == (413, "too_large")


def test_a_service_that_is_down_or_does_not_know_the_secret_is_said_so(api: Api, tmp_path: Path) -> None:
    admin = api.admin()
    api.service.settings.inference_secret_file.write_text("t" * 43)
    assert code_of(api.client.post(PATH, json=_head(), headers=admin)) == "inference_unavailable"
    down = _api(tmp_path / "down", free_ports(1)[0])
    try:
        answer = down.client.post(PATH, json=_head(), headers=down.admin())
        assert (answer.status_code, code_of(answer)) == (503, "inference_unavailable")
    finally:
        down.service.database.close()
