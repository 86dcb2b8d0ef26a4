"""The inference service: real process, real Orthanc, real models on synthetic heads, and models that misbehave."""

from __future__ import annotations

import io
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
import requests
from pydicom import Dataset
from pydicom.uid import UID, JPEG2000Lossless, RLELossless

from tests.inference.service import SECRET, Inference, head_ct
from tests.patience import PATIENCE
from tests.server import Server, until
from tests.synthetic import part10


@pytest.fixture(scope="module")
def ct(orthanc: Server) -> Sequence[Dataset]:
    images = head_ct("bleeding", bleeding=True)
    orthanc.send(*images)
    return images


def test_a_haematoma_is_a_candidate_and_the_mask_lies_on_it(service: Inference, ct: Sequence[Dataset]) -> None:
    request = service.request("job-bleeding", "ct-hyperdensity", ct)
    answer = service.ask(request)
    assert (answer.status_code, answer.headers["Location"]) == (202, "/api/v1/inference/job-bleeding")
    job = service.ended("job-bleeding")
    assert job["status"] == "succeeded", job
    result = job["result"]
    assert 1400 < result["measurements"][0]["value"] < 1700
    (found,) = result["findings"]
    # The phantom's haematoma is an ellipsoid of 24 x 37 x 31 mm, which has 14 mL; its edges are left out.
    assert 8 < found["measurements"][0]["value"] < 14.5
    assert found["instance"] in {one.SOPInstanceUID for one in ct}
    mask = np.load(io.BytesIO(service.get(result["mask"]["path"]).content), allow_pickle=False)
    assert list(mask["mask"].shape) == result["mask"]["shape"] == [32, 160, 160]
    assert list(mask["instances"]) == [one.SOPInstanceUID for one in ct]
    x, y, z = found["position"]
    assert mask["mask"][round(z / 4.5), round(y / 1.15), round(x / 1.15)] == 2
    assert any("not for diagnosis" in one for one in result["limits"])


def test_a_head_without_blood_has_no_candidate(service: Inference, orthanc: Server) -> None:
    images = head_ct("healthy")
    orthanc.send(*images)
    service.ask(service.request("job-healthy", "ct-hyperdensity", images))
    job = service.ended("job-healthy")
    assert job["status"] == "succeeded", job
    assert job["result"]["findings"] == []


@pytest.mark.parametrize("syntax", [RLELossless, JPEG2000Lossless])
def test_a_compressed_series_is_decoded_where_it_is_stored(service: Inference, orthanc: Server, syntax: UID) -> None:
    images = head_ct(f"compressed {syntax.name}", count=24)
    for one in images:
        one.compress(syntax, generate_instance_uid=False)
        orthanc.upload(part10(one))
    key = f"job-{syntax.keyword}"
    assert service.ask(service.request(key, "ct-hyperdensity", images)).status_code == 202
    job = service.ended(key)
    assert job["status"] == "succeeded", job
    assert job["result"]["mask"]["shape"] == [24, 160, 160]


def test_a_job_that_is_stopped_ends_its_model_and_may_be_asked_for_again(
    service: Inference, ct: Sequence[Dataset]
) -> None:
    request = service.request("job-stopped", "test-hangs", ct)
    assert service.ask(request).status_code == 202
    until(service.children, "the model's process")
    url, secret = f"{service.url}/api/v1/inference/job-stopped", {"Authorization": f"Bearer {SECRET}"}
    assert requests.delete(url, timeout=PATIENCE).status_code == 401
    assert requests.delete(url, headers=secret, timeout=PATIENCE).status_code == 204
    until(lambda: not service.children(), "the end of the model")
    assert service.ended("job-stopped")["reason"] == "stopped"
    assert requests.delete(f"{url}-not", headers=secret, timeout=PATIENCE).status_code == 404
    assert service.ask(request).json()["status"] in ("queued", "running")
    requests.delete(url, headers=secret, timeout=PATIENCE)
    assert service.ended("job-stopped")["reason"] == "stopped"


def test_a_ct_to_the_t1_model_is_not_evaluable(service: Inference, ct: Sequence[Dataset]) -> None:
    service.ask(service.request("job-ct-to-t1", "t1w-volumes", ct))
    job = service.ended("job-ct-to-t1")
    assert (job["status"], job["reason"]) == ("not_evaluable", "wrong_modality")
    assert "result" not in job


@pytest.mark.parametrize(
    ("model", "status", "reason"),
    [
        ("test-hangs", "failed_transient", "deadline_exceeded"),
        ("test-eats", "failed_permanent", "out_of_memory"),
        ("test-dies", "failed_transient", "model_crashed"),
        ("test-rubbish", "failed_permanent", "bad_output"),
        ("test-liar", "failed_permanent", "bad_output"),
        ("test-raises", "failed_permanent", "model_error"),
    ],
)
def test_a_model_that_misbehaves(
    service: Inference, ct: Sequence[Dataset], model: str, status: str, reason: str
) -> None:
    service.ask(service.request(f"job-{model}", model, ct))
    job = service.ended(f"job-{model}")
    assert (job["status"], job["reason"]) == (status, reason), job
    assert "DOE" not in str(job)
    until(lambda: not service.children(), "the end of the model's process")
    assert service.get("/ready").ok


def test_the_same_key_is_the_same_job_and_another_job_is_refused_it(service: Inference, ct: Sequence[Dataset]) -> None:
    request = service.request("job-same", "ct-hyperdensity", ct)
    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda _: service.ask(request), range(4)))
    assert {one.status_code for one in answers} == {202}
    service.ended("job-same")
    ended = 'neuronova_inference_jobs_total{model="ct-hyperdensity",reason="",status="succeeded"}'
    before = _metric(service, ended)
    assert service.ask(request).json()["status"] == "succeeded"
    assert _metric(service, ended) == before
    other = service.ask(service.request("job-same", "t1w-volumes", ct))
    assert (other.status_code, other.json()["code"]) == (409, "job_key_taken")


def test_a_failure_that_may_pass_is_tried_again_under_its_key(service: Inference, ct: Sequence[Dataset]) -> None:
    request = service.request("job-again", "test-dies", ct)
    name = 'neuronova_inference_jobs_total{model="test-dies",reason="model_crashed",status="failed_transient"}'
    service.ask(request)
    service.ended("job-again")
    before = _metric(service, name)
    assert service.ask(request).json()["status"] == "queued"
    service.ended("job-again")
    assert _metric(service, name) == before + 1


def test_a_late_slice_is_a_changed_input(service: Inference, ct: Sequence[Dataset]) -> None:
    answer = service.ask(service.request("job-late", "ct-hyperdensity", ct[:-1]))
    assert (answer.status_code, answer.json()["code"]) == (409, "input_changed")
    assert service.get("/api/v1/inference/job-late").status_code == 404


def _wrong(request: dict[str, Any], part: str, **changes: Any) -> dict[str, Any]:
    return request | {part: request[part] | changes} if part else request | changes


@pytest.mark.parametrize(
    ("part", "changes", "status", "code"),
    [
        pytest.param("input", {"dicomweb_root": "http://127.0.0.1:1/dicom-web"}, 422, "root_not_allowed", id="root"),
        pytest.param("input", {"study": "1.2.3.4"}, 404, "input_missing", id="study"),
        pytest.param("input", {"study": "../../system"}, 422, "invalid_input", id="path"),
        pytest.param("input", {"token": "no-token"}, 502, "dicomweb_refused", id="token"),
        pytest.param("input", {"token": "a\r\nb"}, 422, "invalid_input", id="header"),
        pytest.param("model", {"id": "nothing"}, 404, "unknown_model", id="model"),
        pytest.param("model", {"digest": "0" * 64}, 409, "model_changed", id="digest"),
        pytest.param("", {"deadline": -1}, 422, "invalid_input", id="deadline"),
        pytest.param("", {"job_key": "../../../etc"}, 422, "invalid_input", id="key"),
        pytest.param("", {"format": 2}, 422, "invalid_input", id="format"),
    ],
)
def test_what_is_wrong_is_named(
    service: Inference, ct: Sequence[Dataset], part: str, changes: dict[str, Any], status: int, code: str
) -> None:
    request = service.request("job-wrong", "ct-hyperdensity", ct)
    answer = service.ask(_wrong(request, part, **changes))
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    until(lambda: not service.children(), "no model waits for what does not come")


@pytest.mark.parametrize("path", ["/models", "/metrics", "/api/v1/inference/some-job", "/api/v1/openapi.json"])
def test_without_the_secret_nothing_is_told(service: Inference, path: str) -> None:
    assert requests.get(service.url + path, timeout=PATIENCE).status_code == 401
    wrong = {"Authorization": "Bearer wrong"}
    assert requests.get(service.url + path, headers=wrong, timeout=PATIENCE).status_code == 401
    assert service.get(path).status_code in (200, 404)


def test_a_full_queue_says_when_to_come_again(service: Inference, ct: Sequence[Dataset]) -> None:
    answers: list[requests.Response] = []
    while not answers or answers[-1].status_code == 202:  # where asking is slow, some have ended meanwhile
        assert len(answers) < 200
        answers.append(service.ask(service.request(f"job-full-{len(answers)}", "test-hangs", ct)))
    assert answers[-1].status_code == 429
    assert answers[-1].json()["code"] == "queue_full"
    assert int(answers[-1].headers["Retry-After"]) > 0
    assert {one.status_code for one in answers[:12]} == {202}


def _metric(service: Inference, name: str) -> float:
    lines = service.get("/metrics").text.splitlines()
    return next((float(line.rpartition(" ")[2]) for line in lines if line.startswith(name)), 0.0)
