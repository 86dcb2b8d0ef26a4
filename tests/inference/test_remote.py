"""A model on a foreign server: one folder without code, a real HTTP server, and how that may fail."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from inference.inline import save_inline
from inference.modelling import BadModel, describe
from inference.running import Outcome, run_model
from inference.volume import Volume, volume_of
from neuronova.contract.inference import Status
from tests.inference.kserve import KServe, kserve
from tests.inference.service import slices
from tests.server import free_ports

TOML = """
id = "remote-bright"
version = "1"
kind = "remote"
title = "What is bright"
modality = "{modality}"
intended_use = "Tests. AI, not for diagnosis."
limits = ["AI, not for diagnosis."]
gates = []
licence = "none"
memory = 2000
deadline = 60

[server]
protocol = "{protocol}"
url = "{url}"
name = "bright model"
binary = {binary}

[[segments]]
number = {number}
label = "Bright"
anatomy = {{ value = "12738006", scheme = "SCT", meaning = "Brain" }}
"""


@pytest.fixture
def server() -> Iterator[KServe]:
    with kserve() as said:
        yield said


def described(folder: Path, **changes: Any) -> Path:
    known = {"modality": "CT", "protocol": "kserve-v2", "url": "http://127.0.0.1:1", "binary": "true", "number": 1}
    folder.mkdir()
    (folder / "model.toml").write_text(TOML.format(**(known | changes)))
    return folder


def volume() -> Volume:
    values = np.zeros((4, 20, 30))
    values[1:3, 5:15, 10:20] = 200
    return volume_of(slices("remote", values, spacing=(2.0, 1.0, 1.0), modality="CT"))


def outcome(folder: Path, *, deadline: float = 60, **changes: Any) -> Outcome:
    """Run the model in a child process as the service does."""
    job = folder / "job"
    job.mkdir()
    save_inline(job / "inline.npz", volume())
    return run_model(job, describe(described(folder / "model", **changes)), deadline, "/mask", threading.Event())


@pytest.mark.parametrize("binary", ["true", "false"], ids=["binary", "json"])
def test_a_volume_goes_there_and_its_mask_comes_back(server: KServe, tmp_path: Path, binary: str) -> None:
    found = outcome(tmp_path, url=server.url, binary=binary)
    assert found.status is Status.SUCCEEDED, found
    assert found.result is not None
    assert [(one.name, one.value, one.unit) for one in found.result.measurements] == [("Bright volume", 0.4, "mL")]
    with np.load(tmp_path / "job" / "mask.npz", allow_pickle=False) as stored:
        assert (stored["mask"] == (volume().values > 100)).all()
    ((path, asked),) = server.asked
    assert path == "/v2/models/bright%20model/infer"
    (tensor,) = asked["inputs"]
    assert (tensor["datatype"], tensor["shape"]) == ("FP32", [1, 1, 4, 20, 30])
    assert set(asked) == {"inputs", "outputs"}  # values and nothing that says whose they are


@pytest.mark.parametrize(
    ("faults", "ends"),
    [
        pytest.param({"status": 503}, (Status.FAILED_TRANSIENT, "server_unavailable"), id="busy"),
        pytest.param({"status": 400}, (Status.FAILED_PERMANENT, "bad_answer"), id="refused"),
        pytest.param({"status": 307}, (Status.FAILED_PERMANENT, "bad_answer"), id="redirected"),
        pytest.param({"body": b"rubbish"}, (Status.FAILED_PERMANENT, "bad_answer"), id="rubbish"),
        pytest.param({"body": b" " * (2 << 20)}, (Status.FAILED_PERMANENT, "bad_answer"), id="too-large"),
        pytest.param({"changed": {"shape": [1, 1, 4, 30, 20]}}, (Status.FAILED_PERMANENT, "bad_answer"), id="shape"),
        pytest.param({"changed": {"datatype": "INT64"}}, (Status.FAILED_PERMANENT, "bad_answer"), id="type"),
        pytest.param({"changed": {"name": "other"}}, (Status.FAILED_PERMANENT, "bad_answer"), id="name"),
    ],
)
def test_a_server_that_errs(server: KServe, tmp_path: Path, faults: dict[str, Any], ends: tuple[Status, str]) -> None:
    for name, value in faults.items():
        setattr(server, name, value)
    found = outcome(tmp_path, url=server.url)
    assert (found.status, found.reason) == ends, found


def test_values_that_are_no_segments_are_refused(server: KServe, tmp_path: Path) -> None:
    found = outcome(tmp_path, url=server.url, number=2)
    assert (found.status, found.reason) == (Status.FAILED_PERMANENT, "bad_answer")


def test_one_that_is_silent_is_given_up_at_the_deadline(server: KServe, tmp_path: Path) -> None:
    server.silent = True
    found = outcome(tmp_path, url=server.url, deadline=4)
    assert (found.status, found.reason) == (Status.FAILED_TRANSIENT, "deadline_exceeded")


def test_one_that_is_not_there(tmp_path: Path) -> None:
    found = outcome(tmp_path, url=f"http://127.0.0.1:{free_ports(1)[0]}")
    assert (found.status, found.reason) == (Status.FAILED_TRANSIENT, "server_unavailable")


def test_another_modality_is_not_sent(server: KServe, tmp_path: Path) -> None:
    found = outcome(tmp_path, url=server.url, modality="MR")
    assert (found.status, found.reason, server.asked) == (Status.NOT_EVALUABLE, "wrong_modality", [])


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"protocol": "other"}, id="protocol"),
        pytest.param({"url": "file:///etc/passwd"}, id="file"),
        pytest.param({"url": "file:///etc/passwd", "protocol": "neuronova"}, id="file-relayed"),
        pytest.param({"url": "http://user:word@host"}, id="password"),
        pytest.param({"number": 0}, id="background"),
    ],
)
def test_an_odd_description_is_refused(tmp_path: Path, changes: dict[str, Any]) -> None:
    with pytest.raises(BadModel):
        describe(described(tmp_path / "model", **changes))
