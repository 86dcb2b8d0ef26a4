"""Orthanc's threads keep what the interpreter made for them, and Orthanc ends all the same."""

from __future__ import annotations

from pathlib import Path

import requests

from tests.server import Server, running, settings_for

ENTRY = Path(__file__).with_name("visits") / "visits_entry.py"
VISITS = 5


def test_a_thread_keeps_its_state_between_calls(tmp_path: Path) -> None:
    server = Server(settings_for(tmp_path / "data"), variables={"ORTHANC_SCRIPT": str(ENTRY)})
    with running(server), requests.Session() as session:  # one connection, which one thread serves

        def visits(path: str) -> list[int]:
            return [int(session.get(server.url + path, timeout=10).text) for _ in range(VISITS)]

        assert visits("/fresh") == [1] * VISITS, "the interpreter keeps it by itself: `kept` is needed no more"
        assert visits("/kept") == list(range(1, VISITS + 1))
        assert server.process is not None
        server.process.terminate()
        assert server.process.wait(30) == 0
