"""Fluid, grey and white matter on a head of which it is known what each voxel is."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from inference.modelling import describe
from inference.models.t1w_volumes import tissue
from inference.models.t1w_volumes.tissue import ANTS, NotSeparable, tissues
from neuronova.platform.layout import REPOSITORY
from tests.inference.divided import divided
from tests.inference.service import Inference
from tests.inference.t1w import SPACING, brightness, head_t1w, truth
from tests.server import Server


def overlap(found: NDArray[np.uint8], known: NDArray[np.uint8], number: int) -> float:
    """Return the Dice coefficient of a class."""
    here, there = found == number, known == number
    return 2 * float((here & there).sum()) / float(here.sum() + there.sum())


def test_each_tissue_is_found_where_it_is() -> None:
    known = truth()
    found = tissues(brightness().astype(np.float32), known > 0, SPACING)
    assert ((found > 0) == (known > 0)).all()
    # The fluid is a sheet of a few voxels, which blocks of 2 mm and its neighbours blur.
    assert [overlap(found, known, number) > least for number, least in ((1, 0.9), (2, 0.95), (3, 0.97))] == [True] * 3
    again = tissues(brightness().astype(np.float32), known > 0, SPACING)
    assert (again == found).all()


@pytest.mark.parametrize("threads", ["1", "3"])
def test_the_same_images_always_give_the_same(threads: str) -> None:
    """In a process of its own, for ITK asks once how many threads it may have."""
    ours = os.environ | {"ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS": threads}
    program = [sys.executable, "-m", "tests.inference.divided"]
    done = subprocess.run(program, cwd=REPOSITORY, env=ours, capture_output=True, text=True, check=True)
    assert done.stdout == f"{divided()}\n"


def test_a_digest_stands_for_one_release_of_ants() -> None:
    assert version("antspyx") == ANTS
    assert f"ANTs, antspyx {ANTS}" in " ".join(describe(Path(tissue.__file__).parent).limits)


def test_the_scale_and_the_order_of_the_axes_do_not_matter() -> None:
    values, mask = brightness().astype(np.float32), truth() > 0
    found = tissues(values, mask, SPACING)
    assert (tissues(values * 7 + 3, mask, SPACING) == found).mean() > 0.9999
    turned = tissues(values.transpose(2, 0, 1), mask.transpose(2, 0, 1), SPACING)
    assert (turned == found.transpose(2, 0, 1)).mean() > 0.9999


@pytest.mark.parametrize(
    ("values", "mask"),
    [
        pytest.param(np.zeros((20, 20, 20)), np.zeros((20, 20, 20), bool), id="no-mask"),
        pytest.param(np.zeros((20, 20, 20)), np.ones((20, 20, 20), bool), id="one-value"),
        pytest.param(np.indices((20, 20, 20))[0] % 2, np.ones((20, 20, 20), bool), id="two-values"),
        pytest.param(np.indices((20, 20, 20))[0], np.indices((20, 20, 20)).sum(0) < 5, id="few-voxels"),
    ],
)
def test_what_falls_into_no_three_classes_is_refused(values: NDArray[np.float64], mask: NDArray[np.bool_]) -> None:
    with pytest.raises(NotSeparable):
        tissues(values.astype(np.float32), mask, (1.5, 1.5, 1.5))


def test_a_synthetic_head_ends_with_its_volumes(service: Inference, orthanc: Server) -> None:
    images = head_t1w("tissues")
    orthanc.send(*images)
    assert service.ask(service.request("job-tissues", "t1w-volumes", images)).status_code == 202
    job = service.ended("job-tissues", 140)
    assert job["status"] == "succeeded", job
    result = job["result"]
    brain, *parts = [one["value"] for one in result["measurements"]]
    assert sum(parts) == pytest.approx(brain, abs=0.3)
    assert parts == [one["volume"] for one in result["mask"]["segments"]]
    codes = [one["anatomy"]["value"] for one in result["mask"]["segments"]]
    assert codes == ["65216001", "389081007", "389080008"]
    with np.load(io.BytesIO(service.get(result["mask"]["path"]).content), allow_pickle=False) as stored:
        found = stored["mask"]
    assert [float((found == number).sum()) / 1000 for number in (1, 2, 3)] == pytest.approx(parts, abs=0.06)
    known = truth()
    # The network leaves out most of the fluid below the skull, as it was taught to.
    assert overlap((found > 0).astype(np.uint8), (known > 0).astype(np.uint8), 1) > 0.94
    assert (overlap(found, known, 2) > 0.93, overlap(found, known, 3) > 0.96) == (True, True)
