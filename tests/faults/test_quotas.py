"""A modality that has stored what it may in a day is refused until the next, over a restart; others are not."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import pytest
from pydicom import Dataset

from orthanc_plugins.quotas import Quotas
from orthanc_plugins.room import OUT_OF_RESOURCES, SUCCESS
from tests.access import accounts, http, modality
from tests.faults.sending import send
from tests.server import Server, running, settings_for, until
from tests.synthetic import ct_slice

MIB = 1 << 20
NOON = datetime(2026, 3, 1, 12).timestamp()
DAY = 86400.0


@dataclass
class Received:
    """An object on its way in."""

    title: str

    def GetInstanceRemoteAet(self) -> str:  # noqa: N802  Orthanc's name
        return self.title

    def GetInstanceData(self) -> bytes:  # noqa: N802
        return b""


@dataclass
class Clock:
    now: float = NOON

    def __call__(self) -> float:
        return self.now


def quotas(folder: Path, clock: Clock, limits: Mapping[str, int], number: int = 1) -> Quotas:
    return Quotas(folder, number, limits.get, clock)


def test_a_limit_ends_storing_until_midnight(tmp_path: Path) -> None:
    clock = Clock()
    of = quotas(tmp_path, clock, {"CT1": 3 * MIB})
    for _ in range(3):
        assert of.on_cstore(Received("CT1")) == SUCCESS
        of.received("CT1", MIB)
        of.received("MR1", 5 * MIB)
    assert of.on_cstore(Received("CT1")) == OUT_OF_RESOURCES
    assert of.on_cstore(Received("MR1")) == SUCCESS
    assert of.today() == {"CT1": 3 * MIB, "MR1": 15 * MIB}
    clock.now += 11.9 * 3600
    assert of.on_cstore(Received("CT1")) == OUT_OF_RESOURCES
    clock.now += 0.2 * 3600
    assert of.on_cstore(Received("CT1")) == SUCCESS
    assert of.today() == {}


@pytest.mark.parametrize(("later", "counted"), [(60.0, True), (DAY, False)])
def test_a_restart_forgets_nothing_of_the_day(tmp_path: Path, later: float, counted: bool) -> None:
    clock = Clock()
    before = quotas(tmp_path, clock, {})
    before.received("CT1", MIB)
    before.received("CT1", MIB)  # within the seconds in which nothing is written
    before.close()
    clock.now += later
    assert quotas(tmp_path, clock, {}).today() == ({"CT1": 2 * MIB} if counted else {})


def test_a_limit_is_that_of_all_orthancs_together(tmp_path: Path) -> None:
    clock = Clock()
    first, second = (quotas(tmp_path, clock, {"CT1": 3 * MIB}, number) for number in (1, 2))
    first.received("CT1", 2 * MIB)
    second.received("CT1", MIB)
    first.close()
    second.close()
    clock.now += 6.0  # what another one has written down is looked at each five seconds
    assert [one.on_cstore(Received("CT1")) for one in (first, second)] == [OUT_OF_RESOURCES] * 2
    assert first.today() == second.today() == {"CT1": 3 * MIB}


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"day": "2026-03-01"}', '{"day": "2026-03-01", "received": {"CT1": "x"}}']
)
def test_a_damaged_file_begins_anew(tmp_path: Path, text: str) -> None:
    (tmp_path / "received.json").write_text(text)
    of = quotas(tmp_path, Clock(), {"CT1": MIB})
    assert of.on_cstore(Received("CT1")) == SUCCESS
    of.received("CT1", MIB)
    assert of.on_cstore(Received("CT1")) == OUT_OF_RESOURCES


def image(number: int) -> Dataset:
    return ct_slice(number, rows=1024, columns=1024, study="quota", series="quota")  # 2 MiB


def test_a_real_modality_is_refused_clearly_and_others_are_not(tmp_path: Path) -> None:
    known = [replace(one, daily_mib=3) if one == modality("MODALITY") else one for one in accounts()]
    server = Server(settings_for(tmp_path / "data"), known=known)
    with running(server):
        until(lambda: len(server.get("/modalities")) > 1, "Orthanc has the table")
        assert [send(server, image(number)) for number in (1, 2, 3)] == [SUCCESS, SUCCESS, OUT_OF_RESOURCES]
        assert len(server.get("/instances")) == 2
        assert server.state()["received_today"]["MODALITY"] > 3 * MIB
        text = http.get(f"{server.url}/neuronova/metrics").text
        assert 'neuronova_ingest_refused_total{reason="daily-limit",source="MODALITY"} 1.0' in text
        server.stop(signal.SIGTERM)
        server.start()
        until(lambda: len(server.get("/modalities")) > 1, "Orthanc has the table")
        assert send(server, image(3)) == OUT_OF_RESOURCES
        assert send(server, image(3), "STORESCU") == SUCCESS
