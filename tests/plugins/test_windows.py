"""Which series get a window of their own: those of grayscale images that name none."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from orthanc_plugins.journal import Journal, Outcome
from orthanc_plugins.transcoding.windowing import Window, window_of
from orthanc_plugins.workers.windows import WINDOW_CENTER, add_window
from orthanc_plugins.workers.workshop import Workshop
from tests.synthetic import make, part10

GRAY = {"00280004": {"vr": "CS", "Value": ["MONOCHROME2"]}, "00280101": {"vr": "US", "Value": [12]}}
WINDOW = {"00281050": {"vr": "DS", "Value": [40]}}


class Asked(Exception):
    """Orthanc was asked for the series' images."""


class Workshops:
    """A workshop that nothing may be asked of."""

    @property
    def client(self) -> None:
        raise Asked


NOWHERE = cast(Workshop, Workshops())


@pytest.mark.parametrize(
    "items",
    [
        [],
        [GRAY | WINDOW],
        [GRAY, GRAY | WINDOW],
        [GRAY | {"00283010": {"vr": "SQ", "Value": [{}]}}],
        [GRAY | {"52009229": {"vr": "SQ", "Value": [{"00289132": {"vr": "SQ", "Value": [WINDOW]}}]}}],
        [GRAY | {"52009230": {"vr": "SQ", "Value": [{}, {"00289132": {"vr": "SQ", "Value": [WINDOW]}}]}}],
        [GRAY | {"00280101": {"vr": "US", "Value": [8]}}],
        [GRAY | {"00280101": {"vr": "LO", "Value": ["12"]}}],
        [GRAY | {"00280004": {"vr": "CS", "Value": ["RGB"]}}],
        [{"00080060": {"vr": "CS", "Value": ["SR"]}}],
    ],
)
def test_others_are_left_as_they_are(items: list[dict[str, Any]]) -> None:
    before = deepcopy(items)
    add_window(NOWHERE, "series", items)
    assert items == before


def test_the_images_of_a_series_without_a_window_are_looked_at() -> None:
    with pytest.raises(Asked):
        add_window(NOWHERE, "series", [dict(GRAY), dict(GRAY)])


def test_what_belongs_to_no_frame_names_no_window() -> None:
    with pytest.raises(Asked):
        add_window(NOWHERE, "series", [GRAY | {"52009229": {"vr": "LO", "Value": [None, "00289132"]}}])


def workshop_of(file: Path, failed: bool = False) -> Workshop:
    """Return a workshop that has one instance in every series: a file, which perhaps could not be encoded."""

    @contextmanager
    def content(*_: object) -> Iterator[Path]:
        yield file

    client = SimpleNamespace(get_json=lambda _: {"Instances": ["instance"]}, stored_file=lambda *_: "stored")
    journal = Journal(file.with_suffix(".journal"))
    if failed:
        journal.finish(Outcome(instance="instance", md5="", status="failed", reason="crashed"), 0.0)
    return cast(Workshop, SimpleNamespace(client=client, content=content, journal=journal))


@pytest.mark.parametrize(
    ("attributes", "is_added"),
    [
        ({}, True),
        ({"RescaleSlope": "2", "RescaleIntercept": "0"}, True),
        ({"RescaleSlope": None, "RescaleIntercept": None}, False),
        ({"PixelData": b""}, False),
    ],
)
def test_an_image_that_cannot_be_read_gives_no_window(
    tmp_path: Path, attributes: dict[str, object], *, is_added: bool
) -> None:
    file = tmp_path / "file"
    file.write_bytes(part10(make("ct", **attributes)))
    items = [dict(GRAY)]
    add_window(workshop_of(file), "series", items)
    assert (WINDOW_CENTER in items[0]) is is_added


def test_an_image_that_ended_an_encoder_is_not_looked_at(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(part10(make("ct")))
    items = [dict(GRAY)]
    add_window(workshop_of(file, failed=True), "series", items)
    assert items == [GRAY]


@pytest.mark.parametrize(
    ("values", "window"),
    [
        ([], None),
        ([7, 7, 7], None),
        ([-1.7e308] * 9 + [1.7e308] * 9, None),
        ([0.0, 200.0], Window(center=100.5, width=199.0)),
    ],
)
def test_a_window_is_of_numbers_that_json_has(values: list[float], window: Window | None) -> None:
    assert window_of(np.array(values)) == window
