"""Memory of the server's processes while a 1 GB object is stored and encoded, and while one frame of it is read."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import requests
from pydicom import Dataset

from bench.peer import bare, ours
from bench.report import Detail, Result, Row
from tests.access import http
from tests.dicomweb.wire import instance_path
from tests.server import Server, until
from tests.synthetic import make

FRAMES, SIZE = 2000, 512
MEGABYTE = 1e6
FORMS = {"HTJ2K": "image/jphc", "Explicit VR LE": "application/octet-stream"}
READING_LIMIT = 50.0


def measure(quick: bool) -> Iterator[Result]:
    """Yield the growth of the process that grows most, over the object's size; and by reading one frame, in MB."""
    with TemporaryDirectory(prefix="nnm") as folder:
        path = Path(folder) / "large.dcm"
        dataset = _write_large(path, 200 if quick else FRAMES)
        size = path.stat().st_size
        with ours() as server:
            server.until_settled(0)
            until(lambda: server.state()["workers"] == server.settings.encode_workers, "the workers run")
            time.sleep(1)
            yield from _storing(server, path, size)
            yield from _reading(server, dataset, size)
        with bare() as plain:
            watch = Watch(plain)
            _store(plain, path)
            until(lambda: len(plain.get("/instances")) == 1, "it is stored")
            yield Detail(f"Memory of a bare Orthanc while it stores the same object: {watch.told(size)}.")


def _storing(server: Server, path: Path, size: int) -> Iterator[Result]:
    watch, began = Watch(server), time.monotonic()
    _store(server, path)
    stored = time.monotonic() - began
    storing = watch.told(size)
    server.until_settled(1, 600)
    yield Row(
        what=f"memory: {size / 1e9:.2f} GB in one object stored and encoded",
        against="the object's size",
        ours=watch.most() / MEGABYTE,
        peer=size / MEGABYTE,
        unit="MB",
        ratio=watch.most() / size,
        target=2.0,
        at_most=True,
    )
    yield Detail(
        f"Memory, growth of each process: stored ({stored:.0f} s) {storing};"
        f" stored and encoded ({time.monotonic() - began:.0f} s) {watch.told(size)}."
    )


def _reading(server: Server, dataset: Dataset, size: int) -> Iterator[Result]:
    for form, accept in FORMS.items():
        time.sleep(2)
        watch = Watch(server)
        took = [_read_frame(server, dataset, number, accept) for number in (7, int(dataset.NumberOfFrames) - 1)]
        grown = watch.most() / MEGABYTE
        yield Row(
            what=f"memory: one frame of it read as {form}",
            against=f"{READING_LIMIT:.0f} MB",
            ours=grown,
            peer=READING_LIMIT,
            unit="MB",
            ratio=grown / READING_LIMIT,
            target=1.0,
            at_most=True,
        )
        times = " and ".join(f"{1000 * one:.1f} ms" for one in took)
        yield Detail(f"One frame of it read as {form}: {times}, the first one and another; {watch.told(size)}.")


def _store(server: Server, path: Path) -> None:
    command = ["storescu", "-aec", server.settings.aet, "127.0.0.1", str(server.settings.dicom_port), str(path)]
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)


def _read_frame(server: Server, dataset: Dataset, number: int, accept: str) -> float:
    url = f"{server.dicomweb}/{instance_path(dataset)}/frames/{number}"
    began = time.perf_counter()
    answer = http.get(url, headers={"Accept": accept})
    if answer.status_code != requests.codes.ok:
        raise RuntimeError(answer.text)
    return time.perf_counter() - began


def _write_large(path: Path, frames: int) -> Dataset:
    """Write a multi-frame object of `frames` frames without holding it in memory; return its attributes."""
    dataset = make("multiframe")
    dataset.Rows = dataset.Columns = SIZE
    dataset.NumberOfFrames = frames
    dataset.BitsAllocated = dataset.BitsStored = 16
    dataset.HighBit, dataset.PixelRepresentation = 15, 0
    dataset.PixelData = b""
    dataset["PixelData"].VR = "OW"
    dataset.save_as(path, enforce_file_format=True)
    y, x = np.mgrid[-1 : 1 : SIZE * 1j, -1 : 1 : SIZE * 1j]
    shape = np.exp(-4 * (x**2 + y**2)) * 2000
    noise = np.random.default_rng(3).integers(0, 24, (2 * SIZE, SIZE))
    with path.open("r+b") as file:
        file.seek(-4, 2)  # the length of Pixel Data, which stands last
        file.write((frames * SIZE * SIZE * 2).to_bytes(4, "little"))
        for index in range(frames):
            start = 7 * index % SIZE
            file.write((shape + noise[start : start + SIZE]).astype("<u2").tobytes())
    return dataset


class Watch:
    """The server's processes: the peak of each one's resident memory over what it had when this was made."""

    def __init__(self, server: Server) -> None:
        if server.process is None:
            raise RuntimeError("the server does not run")
        self._root = server.process.pid
        self._first = {pid: _status(pid) for pid in self._pids()}
        for pid in self._first:
            Path(f"/proc/{pid}/clear_refs").write_text("5")  # the peak counts from now on

    def _pids(self) -> list[int]:
        children = Path(f"/proc/{self._root}/task").glob("*/children")
        return [self._root, *sorted({int(pid) for one in children for pid in one.read_text().split()})]

    def _grown(self) -> dict[int, int]:
        grown = {}
        for pid in self._pids():
            first, now = self._first.get(pid, {"VmRSS": 0, "RssFile": 0}), _status(pid)
            # Pages of files that are only read belong to the machine's cache.
            grown[pid] = now["VmHWM"] - first["VmRSS"] - max(0, now["RssFile"] - first["RssFile"])
        return grown

    def most(self) -> int:
        """Return by how many bytes the process grew that grew most."""
        return max(self._grown().values())

    def told(self, size: int) -> str:
        """Return each process with its growth."""
        grown = self._grown().items()
        return ", ".join(f"{_name(pid)} {one / MEGABYTE:,.0f} MB ({one / size:.2f})" for pid, one in grown)


def _status(pid: int) -> dict[str, int]:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {line.split(":")[0]: int(line.split()[1]) * 1024 for line in lines if line.endswith(" kB")}


def _name(pid: int) -> str:
    words = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
    return next((word.rpartition(".")[2] for word in words if "workers." in word), "orthanc")
