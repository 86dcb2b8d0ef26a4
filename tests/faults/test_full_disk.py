"""A full disk refuses what comes, clearly, and loses nothing of what it has."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

import pytest
from pydicom import Dataset, dcmread

from neuronova.contract.roles import Role
from orthanc_plugins.room import OUT_OF_RESOURCES, SUCCESS, Room
from tests.access import http
from tests.faults.sending import send
from tests.gate.test_access import stow
from tests.server import Server, running, settings_for, until
from tests.synthetic import ct_slice

MIB = 1 << 20
DISK = 48  # MiB


class Received:
    """An object on its way in, of which nothing is asked."""


def test_a_reserve_stays_free(tmp_path: Path) -> None:
    with disk(tmp_path / "disk") as folder:
        room = Room(folder, 8 * MIB)
        assert room.on_cstore(Received()) == SUCCESS
        file = folder / "large"
        file.write_bytes(bytes((DISK - 7) * MIB))
        assert room.on_cstore(Received()) == OUT_OF_RESOURCES
        file.unlink()
        assert room.left()


@pytest.mark.parametrize("reserve", ["8", "0"], ids=["a-reserve-is-kept", "the-disk-is-full-to-its-end"])
def test_what_is_acknowledged_stays_and_the_rest_is_refused(tmp_path: Path, reserve: str) -> None:
    server = Server(settings_for(tmp_path / "data", NEURONOVA_DISK_RESERVE=reserve))
    with disk(tmp_path / "data" / "orthanc") as folder, running(server):
        sent: list[Dataset] = []
        status = SUCCESS
        while status == SUCCESS:
            assert len(sent) < 1.5 * DISK
            sent.append(ct_slice(len(sent) + 1, rows=1024, columns=1024, series=f"s{len(sent)}"))
            status = send(server, sent[-1])
        assert status == OUT_OF_RESOURCES
        assert intact(server, sent[:-1])
        if reserve != "0":
            refused = stow(server, Role.RADIOLOGIST, sent[-1])
            assert (refused.status_code, refused.json()["code"]) == (507, "disk-full")
            server.stop()
            server.start()  # which Orthanc cannot where there is no room at all
            assert intact(server, sent[:-1])
        subprocess.run(["mount", "-o", f"remount,size={2 * DISK}m", folder], check=True)
        until(lambda: send(server, sent[-1]) == SUCCESS, "there is room again")
        server.stop(signal.SIGKILL)
        server.start()
        assert intact(server, sent)


def intact(server: Server, datasets: list[Dataset]) -> bool:
    """Tell whether the archive has exactly these objects, as it was sent (its head is Orthanc's)."""
    files = [http.get(f"{server.url}/instances/{one}/file").content for one in server.get("/instances")]
    have = {str(one.SOPInstanceUID): one for one in (dcmread(BytesIO(file)) for file in files)}
    return have == {str(one.SOPInstanceUID): one for one in datasets}


@contextmanager
def disk(folder: Path) -> Iterator[Path]:
    """Make a folder a small disk of its own."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a disk")
    folder.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK}m", "tmpfs", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)
