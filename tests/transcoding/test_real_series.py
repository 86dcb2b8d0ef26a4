"""The real series, where they are at hand: every slice, decoded elsewhere."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pydicom.pixels.utils import pixel_array

from orthanc_plugins.transcoding.encoding import encode_file
from tests.conftest import real_series
from tests.transcoding.files import MD5, composed, openjpeg_values, with_frames, write


@pytest.mark.parametrize(("series", "step"), [("ct-head", 4), ("mr-t1w", 48)])
def test_slices_decode_to_their_values_elsewhere(series: str, step: int, tmp_path: Path) -> None:
    for ds in real_series(series)[::step]:
        source = write(tmp_path, ds)
        encode_file(source, MD5, tmp_path / "container")
        expected = with_frames(ds, pixel_array(ds, raw=True))
        np.testing.assert_array_equal(openjpeg_values(composed(source, tmp_path / "container", tmp_path)), expected)
        assert (tmp_path / "container").stat().st_size < expected.nbytes / 1.5
