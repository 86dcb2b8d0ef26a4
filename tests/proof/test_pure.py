"""What the long runs decide by: counts, targets, slopes, the wire and the clock."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path
from socketserver import BaseRequestHandler, ThreadingTCPServer
from typing import Any

import pytest

from proof.chaos.clock import Clock
from proof.chaos.judging import Count, counted
from proof.chaos.report import Report
from proof.fuzz.objects import MAKERS, objects
from proof.fuzz.run import Findings, table
from proof.load import targets
from proof.load.targets import FIRST_IMAGE, SEARCH, SIMPLE
from proof.soak.memory import MIB, growths
from tests.patience import PATIENCE
from tests.serving import serving
from tests.wire import Mode, Wire, to_port


@pytest.mark.parametrize(
    ("found", "missing", "twice"),
    [
        (["a", "b"], (), ()),
        (["a"], ("b",), ()),
        (["a", "b", "b"], (), ("b",)),
        (["a", "b", "c", "c"], (), ()),  # nobody acknowledged it
    ],
)
def test_what_was_acknowledged_is_there_once(
    found: list[str], missing: tuple[str, ...], twice: tuple[str, ...]
) -> None:
    count = counted("letters", ["a", "b"], found)
    assert count == Count("letters", 2, missing, twice)
    assert count.holds is not bool(missing or twice)


@pytest.mark.parametrize(
    ("report", "holds"),
    [
        (Report(recoveries={"a": [1.0, 2.0]}, counts=[Count("x", 1)]), True),
        (Report(recoveries={"a": [1.0, None]}, counts=[Count("x", 1)]), False),
        (Report(counts=[Count("x", 1, ("lost",))]), False),
        (Report(counts=[Count("x", 1, (), ("twice",))]), False),
        (Report(waiting={"jobs": 1}), False),
        (Report(trail="record 3 was changed"), False),
    ],
)
def test_a_run_holds_when_nothing_is_missing(report: Report, holds: bool) -> None:
    assert report.holds is holds
    assert ("Nothing is missing." in report.text()) is holds


def _findings(**changes: Any) -> Findings:
    return Findings(good=3, **changes)


@pytest.mark.parametrize(
    ("found", "holds"),
    [
        (_findings(), True),
        (_findings(late=["good 1"]), True),
        (_findings(lost=["1.2.3"]), False),
        (_findings(ended=["orthanc"]), False),
        (Findings(), False),
    ],
)
def test_harm_may_end_nothing_and_lose_nothing(found: Findings, holds: bool) -> None:
    assert found.holds is holds


@pytest.mark.filterwarnings("ignore:.* VR (UI|LT)")  # such values are the point
def test_what_is_sent_follows_from_the_seed_and_is_of_every_kind() -> None:
    some = [(one.kind, one.file) for one in islice(objects(7), len(MAKERS))]
    assert some == [(one.kind, one.file) for one in islice(objects(7), len(MAKERS))]
    assert {kind for kind, _ in some} == set(MAKERS)
    assert len({file for _, file in some}) == len(some)


def test_answers_to_harm_are_told_by_kind() -> None:
    found = _findings(outcomes={"encoded": 3})
    for answer in ("taken", "0xC112", "0xC112", "no answer", "no association"):
        found.count("nested", answer)
    assert "| nested | 5 | 1 | 0xC112: 2 | 2 |" in table(found).splitlines()
    assert "| encoded | 3 |" in table(found).splitlines()


def _rows(**changes: str) -> str:
    head = "Type,Name,Request Count,Failure Count,Requests/s,50%,95%,99%"
    rows = {
        SIMPLE: "9000,0,80,5,99,150",
        SEARCH: "1000,0,20,50,299,500",
        FIRST_IMAGE: "500,0,5,100,999,1500",
        "Aggregated": "10500,9,105,5,99,150",
    } | changes
    return "\n".join([head, *(f'GET,"{name}",{row}' for name, row in rows.items())])


@pytest.mark.parametrize(
    ("changes", "missed"),
    [
        ({}, []),
        ({SIMPLE: "9000,0,80,5,101,150"}, [0]),
        ({SEARCH: "1000,0,20,50,301,500"}, [1]),
        ({FIRST_IMAGE: "500,0,5,100,1001,1500"}, [2]),
        ({FIRST_IMAGE: "0,0,0,N/A,N/A,N/A"}, [2]),
        ({"Aggregated": "10500,9,104,5,99,150"}, [3]),  # 5 of them are first images, which are two requests each
        ({"Aggregated": "10500,10,105,5,99,150"}, [4]),
        ({"Aggregated": "0,0,0,N/A,N/A,N/A"}, [3, 4]),
    ],
)
def test_targets_are_met_at_their_limits_and_missed_beyond(
    tmp_path: Path, changes: dict[str, str], missed: list[int]
) -> None:
    file = tmp_path / "stats.csv"
    file.write_text(_rows(**changes))
    found = targets.read(file)
    assert [number for number, one in enumerate(targets.targets(found)) if not one.met] == missed
    assert targets.table(found).count("**missed**") == len(missed)


@pytest.mark.parametrize(
    ("size", "grows"),
    [
        (lambda _: 200 * MIB, 0),
        (lambda at: 200 * MIB + (300 * MIB if at < 500 else 0), 0),  # while it warms up
        (lambda at: 200 * MIB + (500 * MIB if at % 97 == 0 else 0), 0),  # for a moment
        (lambda at: 200 * MIB + at * MIB / 100, 12),  # 36 MiB an hour
        (lambda at: 200 * MIB + at * MIB / 50, 24),
    ],
)
def test_memory_that_grows_is_told_from_memory_that_is_used(size: Callable[[int], float], grows: float) -> None:
    samples = [(float(at), {"api": float(size(at))}) for at in range(0, 1801, 5)]
    (growth,) = growths(samples)
    assert growth.grows / MIB == pytest.approx(grows, abs=0.2)
    assert growth.holds is (grows < 20)


class _Echo(BaseRequestHandler):
    def handle(self) -> None:
        with suppress(OSError):
            while data := self.request.recv(100):
                self.request.sendall(data)


@pytest.fixture
def wire() -> Iterator[Wire]:
    server = ThreadingTCPServer(("127.0.0.1", 0), _Echo)
    server.daemon_threads = True
    with serving(server):
        yield Wire(to_port(server.server_address[1]))


def _echoed(end: socket.socket) -> bytes:
    end.sendall(b"here")
    return end.recv(100)


def test_a_wire_passes_on_slows_holds_back_and_cuts(wire: Wire) -> None:
    with socket.create_connection(("127.0.0.1", wire.port), timeout=PATIENCE) as end:
        assert _echoed(end) == b"here"
        with wire.being(Mode.SLOW):
            began = time.monotonic()
            assert _echoed(end) == b"here"
            assert time.monotonic() - began >= 0.4  # there and back
        with wire.being(Mode.SILENT):
            end.sendall(b"held")
            end.settimeout(0.3)
            with pytest.raises(TimeoutError):
                end.recv(100)
            end.settimeout(20)
        assert end.recv(100) == b"held"
        with wire.being(Mode.CUT):
            assert end.recv(100) == b""
            with socket.create_connection(("127.0.0.1", wire.port), timeout=PATIENCE) as another:
                assert another.recv(100) == b""
    assert wire.connections == 1
    with socket.create_connection(("127.0.0.1", wire.port), timeout=PATIENCE) as end:
        assert _echoed(end) == b"here"
    wire.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", wire.port), timeout=PATIENCE)


def test_a_clock_is_set_for_processes_that_run(tmp_path: Path) -> None:
    if not Clock.can_be_made():
        pytest.skip("there is no compiler")
    clock = Clock(tmp_path)
    program = "import sys, time\nfor _ in sys.stdin: print(time.time(), time.monotonic(), flush=True)"
    with subprocess.Popen(
        [sys.executable, "-c", program], env=dict(clock.environment()), stdin=-1, stdout=-1, text=True, bufsize=1
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None

        def told() -> tuple[float, float]:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write("?\n")
            wall, monotonic = process.stdout.readline().split()
            return float(wall) - time.time(), float(monotonic) - time.monotonic()

        assert told() == pytest.approx((0, 0), abs=30)
        with clock.ahead(600):
            assert told() == pytest.approx((600, 0), abs=30)
        with clock.ahead(-600):
            assert told() == pytest.approx((-600, 0), abs=30)
        assert told() == pytest.approx((0, 0), abs=30)
        process.stdin.close()
