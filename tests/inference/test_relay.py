"""A model of another server that speaks the contract: a second real service stands in for it."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest

from inference.inline import save_inline
from inference.modelling import describe
from inference.running import Outcome, run_model
from inference.volume import volume_of
from neuronova.contract.inference import Status
from tests.inference.service import SECRET, Inference, head_ct
from tests.server import free_ports

TOML = """
id = "relayed"
version = "1"
kind = "remote"
title = "Another hospital's"
modality = "CT"
intended_use = "Tests. AI, not for diagnosis."
limits = ["AI, not for diagnosis."]
gates = []
licence = "none"
memory = 2000
deadline = 60

[server]
protocol = "neuronova"
url = "{url}"
name = "{name}"
secret_file = "{secret}"
"""


def outcome(folder: Path, url: str, name: str, secret: str = SECRET) -> Outcome:
    """Run the model on a head CT in a child process as the service does."""
    model, job = folder / "model", folder / "job"
    model.mkdir()
    job.mkdir()
    (folder / "secret").write_text(secret)
    (model / "model.toml").write_text(TOML.format(url=url, name=name, secret=folder / "secret"))
    save_inline(job / "inline.npz", volume_of(head_ct("relayed", bleeding=True)))
    return run_model(job, describe(model), 60, "/mask", threading.Event())


def test_what_it_finds_is_taken_over(service: Inference, tmp_path: Path) -> None:
    found = outcome(tmp_path, service.url, "ct-hyperdensity")
    assert found.status is Status.SUCCEEDED, found
    assert found.result is not None and found.result.mask is not None
    assert found.result.model.id == "relayed"  # its digest is that of the folder here
    assert [one.name for one in found.result.measurements][:1] == ["Intracranial volume"]
    assert [one.label for one in found.result.mask.segments] == ["Intracranial", "Hyperdensity candidate"]
    assert len(found.result.findings) == 1
    with np.load(tmp_path / "job" / "mask.npz", allow_pickle=False) as stored:
        assert set(np.unique(stored["mask"])) == {0, 1, 2}


@pytest.mark.parametrize(
    ("name", "secret", "ends"),
    [
        pytest.param("nobody", SECRET, (Status.NOT_EVALUABLE, "no_model"), id="no-model"),
        pytest.param("t1w-volumes", SECRET, (Status.NOT_EVALUABLE, "no_model"), id="of-another-modality"),
        pytest.param("ct-hyperdensity", "x" * 43, (Status.FAILED_PERMANENT, "bad_answer"), id="secret"),
    ],
)
def test_it_has_none(service: Inference, tmp_path: Path, name: str, secret: str, ends: tuple[Status, str]) -> None:
    found = outcome(tmp_path, service.url, name, secret)
    assert (found.status, found.reason) == ends, found


def test_it_is_not_there(tmp_path: Path) -> None:
    found = outcome(tmp_path, f"http://127.0.0.1:{free_ports(1)[0]}", "ct-hyperdensity")
    assert (found.status, found.reason) == (Status.FAILED_TRANSIENT, "server_unavailable")
