"""Damaged and harmful objects sent to a real Orthanc: it answers, lives, and goes on with what is good."""

from __future__ import annotations

import os
import random
import socket
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import quote

import pydicom
import pytest
import requests
from pynetdicom import AE
from pynetdicom.presentation import build_context

from orthanc_plugins.harm import HARMFUL
from proof.fuzz.objects import MAKERS
from proof.fuzz.sending import TAKEN, store, store_wrongly
from tests.access import http
from tests.hostile.bombs import BOMBS, PATHS, nested
from tests.hostile.mutating import damaged
from tests.patience import PATIENCE
from tests.server import ENCODED, Server, running, settings_for, until
from tests.synthetic import make, part10, uid

pytestmark = pytest.mark.filterwarnings("ignore:.* VR (UI|LT)")  # such values are the point

DAMAGED = 120
MOST_HELD = 1 << 30  # bytes of memory: what was freed stays in the allocator's arenas, some 100 MB in each
VERIFICATION = "1.2.840.10008.1.1"
ACCEPTS = {
    "/metadata": "application/dicom+json",
    "/frames/1": 'multipart/related; type="image/jphc"',
    "/rendered": "image/jpeg",
    "": 'multipart/related; type="application/dicom"; transfer-syntax=*',
}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with TemporaryDirectory(prefix="nn") as folder, running(Server(settings_for(Path(folder) / "data"))) as one:
        yield one


@pytest.fixture(autouse=True)
def alive(server: Server) -> Iterator[None]:
    """After each test the same process answers, and what is good is stored, encoded and served."""
    assert server.process is not None
    yield
    assert server.process.poll() is None
    good = make("ct", SOPInstanceUID=uid(f"good {time.time_ns()}"))
    assert stow(server, part10(good)).status_code == 200
    uids = (good.StudyInstanceUID, good.SeriesInstanceUID, good.SOPInstanceUID)
    frames = f"{address(server, *uids)}/frames/1"
    until(
        lambda: http.get(frames, headers={"Accept": ACCEPTS["/frames/1"]}).ok,
        "a good image as HTJ2K",
        ENCODED,
    )


def stow(server: Server, content: bytes) -> requests.Response:
    """Store one object (PS3.18 10.5)."""
    body = b"--part\r\nContent-Type: application/dicom\r\n\r\n%s\r\n--part--\r\n" % content
    headers = {"Content-Type": 'multipart/related; type="application/dicom"; boundary=part'}
    return http.post(f"{server.dicomweb}/studies", data=body, headers=headers)


def address(server: Server, study: str, series: str, instance: str) -> str:
    return f"{server.dicomweb}/studies/{quote(study)}/series/{quote(series)}/instances/{quote(instance)}"


def memory(server: Server) -> int:
    """Return the bytes that Orthanc's own process has in memory."""
    assert server.process is not None
    return int(Path(f"/proc/{server.process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


def stored(server: Server) -> list[tuple[str, str, str]]:
    """Return the UIDs of all instances."""
    accept = {"Accept": "application/dicom+json"}
    found = http.get(f"{server.dicomweb}/instances?limit=5000", headers=accept).json()
    return [tuple(one[tag].get("Value", [""])[0] for tag in ("0020000D", "0020000E", "00080018")) for one in found]


def test_damaged_objects_are_refused_or_kept_and_harm_nothing(server: Server) -> None:
    answers = Counter(stow(server, damaged(seed)[1]).status_code for seed in range(DAMAGED))
    assert set(answers) <= {200, 202, 400, 409}, answers
    assert answers[200] > DAMAGED / 20, "too few were so little damaged that they were kept"
    assert answers[400] > DAMAGED / 20, "too few were so much damaged that they were refused"
    server.until_idle()
    kept = stored(server)
    assert sum(server.outcomes().values()) == len(kept)
    for uids in kept:
        for what, accept in ACCEPTS.items():
            answer = http.get(address(server, *uids) + what, headers={"Accept": accept})
            assert answer.status_code < 500 or answer.json()["Details"], answer.text
    assert memory(server) < MOST_HELD


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_harms_nothing(server: Server, name: str) -> None:
    assert stow(server, BOMBS[name](name)).status_code in (200, 202, 400)
    server.until_idle()
    assert memory(server) < MOST_HELD


@pytest.mark.parametrize("depth", [33, 60, 20_000])
def test_what_is_nested_too_deep_is_refused_before_it_is_read(server: Server, depth: int) -> None:
    answer = stow(server, nested(depth))
    assert answer.status_code == 400
    assert "nested deeper than 32 levels" in answer.json()["Details"]


@pytest.mark.parametrize("depth", [33, 1000])
def test_what_is_nested_too_deep_is_refused_to_a_modality_too(server: Server, depth: int) -> None:
    assert store(server.settings, "MODALITY", nested(depth)) == f"0x{HARMFUL:04X}"


def test_what_is_nested_much_too_deep_ends_nothing(server: Server) -> None:
    assert store(server.settings, "MODALITY", nested(20_000), seconds=10.0) != TAKEN


@pytest.mark.parametrize("kind", ["wrong length", "odd length", "another transfer syntax", "no data set"])
def test_a_data_set_that_is_at_odds_with_itself_is_not_taken(server: Server, kind: str) -> None:
    assert store(server.settings, "MODALITY", MAKERS[kind](random.Random(1)), seconds=10.0) != TAKEN


def test_messages_at_odds_with_themselves_harm_nothing(server: Server) -> None:
    for seed in range(20):
        store_wrongly(server.settings, "MODALITY", random.Random(seed), seconds=10.0)


@pytest.mark.parametrize("keyword", ["StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"])
@pytest.mark.parametrize("path", PATHS)
def test_a_path_in_place_of_a_uid_names_no_file(server: Server, path: str, keyword: str) -> None:
    ds = make("ct", **{"SOPInstanceUID": uid(f"path {path} {keyword}")})
    with pydicom.config.disable_value_validation():
        setattr(ds, keyword, path)
        content = part10(ds)
    stow(server, content)
    server.until_idle()
    data = server.settings.data
    assert {one.name for one in data.parent.iterdir()} == {data.name}
    assert not [one for one in data.rglob("*") if "harm" in one.name or "passwd" in one.name]


def test_a_silent_connection_holds_nobody_up(server: Server) -> None:
    with ExitStack() as stack:
        for _ in range(5):
            stack.enter_context(socket.create_connection(("127.0.0.1", server.settings.dicom_port)))
        started = time.monotonic()
        echo(server)
        assert time.monotonic() - started < 25  # one alone would hold Orthanc up for 30 s


def test_associations_without_messages_slow_nobody_down(server: Server) -> None:
    entity = AE(ae_title="MODALITY")
    entity.network_timeout = None
    idle = [server.associate(entity, [build_context(VERIFICATION)]) for _ in range(20)]
    try:
        started = time.monotonic()
        for _ in range(10):
            echo(server)
        assert time.monotonic() - started < 35  # with four threads each message waits for over four seconds
    finally:
        for one in idle:
            one.abort()


def test_rubbish_on_the_dicom_port_harms_nothing(server: Server) -> None:
    dice = random.Random(1)
    for number in range(60):
        with socket.create_connection(("127.0.0.1", server.settings.dicom_port)) as connection:
            kind = bytes([dice.choice((1, 2, 4, 5, 7, 0x47, 255)), 0])
            length = dice.choice((0, 1, 68, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF)).to_bytes(4)
            with suppress(OSError):
                connection.sendall(kind + length + dice.randbytes(dice.choice((0, 6, 70, 5000))))
                connection.shutdown(socket.SHUT_WR) if number % 2 else None
    echo(server)


def echo(server: Server) -> None:
    """Verify (C-ECHO) over an association of its own."""
    entity = AE(ae_title="MODALITY")
    entity.acse_timeout = entity.dimse_timeout = PATIENCE
    association = server.associate(entity, [build_context(VERIFICATION)])
    try:
        assert association.send_c_echo().Status == 0x0000
    finally:
        association.release()
