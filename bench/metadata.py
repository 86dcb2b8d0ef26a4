"""Series metadata of 384 slices: the first answer after a start, and the next ones."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from statistics import median

from bench.images import brain_mr
from bench.peer import bare, ours
from bench.report import Detail, Pairs, Result
from tests.access import HEADER, http
from tests.server import Server, until
from tests.synthetic import part10

ROUNDS = 7
WARM_ANSWERS = 10


def measure(quick: bool) -> Iterator[Result]:
    """Yield seconds to the last byte, cold and warm, against the stock plugin's first answer."""
    slices = brain_mr()
    path = f"/dicom-web/studies/{slices[0].StudyInstanceUID}/series/{slices[0].SeriesInstanceUID}/metadata"
    cold, warm, stock_again = Pairs(), Pairs(), Pairs()
    with ours() as our, bare() as plain:
        for server in (our, plain):
            for one in slices:
                server.upload(part10(one))
        our.until_settled(len(slices), 180)
        until(lambda: _prepared(our), "the workers prepare the metadata")
        for number in range(2 if quick else ROUNDS):
            first: dict[int, float] = {}
            for server in (our, plain) if number % 2 else (plain, our):
                _start_again(server)
                if server is our:
                    until(lambda: our.state()["workers"] == our.settings.encode_workers, "the workers run")
                    time.sleep(1)  # the machine is as busy with their start as it ever is
                first[id(server)] = _seconds(server, path, len(slices))
            again = median(_seconds(our, path, len(slices)) for _ in range(WARM_ANSWERS))
            cold.add(first[id(our)], first[id(plain)])
            warm.add(again, first[id(plain)])
            stock_again.add(again, median(_seconds(plain, path, len(slices)) for _ in range(3)))
    against = "the stock plugin's first answer"
    yield cold.row(f"series metadata of {len(slices)} slices, cold", against, "s", 1.0, less_is_better=True)
    yield warm.row(f"series metadata of {len(slices)} slices, warm", against, "s", 10.0, less_is_better=True)
    row = stock_again.row("", "", "s", None, less_is_better=True)
    yield Detail(f"Warm series metadata against the stock plugin's next answers ({row.peer:.3f} s): {row.ratio:.1f}.")


def _start_again(server: Server) -> None:
    server.stop(signal.SIGKILL)
    server.start()


def _prepared(server: Server) -> bool:
    series = server.get("/series")
    found: bool = "series-metadata" in server.get(f"/series/{series[0]}/attachments")
    return found


def _seconds(server: Server, path: str, count: int) -> float:
    connection = HTTPConnection("127.0.0.1", server.settings.orthanc_port, timeout=60)
    connection.connect()
    began = time.perf_counter()
    connection.request("GET", path, headers={"Accept": "application/dicom+json", HEADER: http.token})
    content = connection.getresponse().read()
    took = time.perf_counter() - began
    connection.close()
    if len(json.loads(content)) != count:
        raise RuntimeError(f"not {count} instances")
    return took
