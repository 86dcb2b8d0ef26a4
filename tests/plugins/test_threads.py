"""Orthanc's threads keep what the interpreter made for them, and Orthanc ends all the same."""

from __future__ import annotations

import http.client
import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from neuronova.platform.layout import REPOSITORY
from tests import debian13
from tests.patience import PATIENCE
from tests.server import Server, running, settings_for

ENTRY = Path(__file__).with_name("visits") / "visits_entry.py"
VISITS = 5


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """An Orthanc with one thread that answers, so that each request meets what the one before has left."""
    configuration = tmp_path / "orthanc.json"
    ours = (REPOSITORY / "orthanc.json").read_text(encoding="utf-8")
    configuration.write_text(re.sub('"HttpThreadsCount": [0-9]+', '"HttpThreadsCount": 1', ours), encoding="utf-8")
    server = Server(settings_for(tmp_path / "data"), configuration, {"ORTHANC_SCRIPT": str(ENTRY)})
    with running(server):
        yield server


def ask(server: Server, path: str) -> tuple[int, bytes]:
    with closing(http.client.HTTPConnection("127.0.0.1", server.settings.orthanc_port, timeout=PATIENCE)) as connection:
        connection.request("GET", path, headers={"Connection": "close"})
        answer = connection.getresponse()
        return answer.status, answer.read()


def states(server: Server) -> set[int]:
    """Return in which of the interpreter's states some visits are answered."""
    return {int(ask(server, "/visits/one")[1]) for _ in range(VISITS)}


def test_a_thread_keeps_its_state_between_calls(server: Server) -> None:
    if not debian13.is_chosen():  # its interpreter does not end well with what is kept
        assert len(states(server)) == 1
    assert ask(server, "/visits/one")[0] == 200
    assert server.process is not None
    server.process.terminate()
    assert server.process.wait(PATIENCE) == 0


def test_an_error_before_python_is_not_the_next_requests(server: Server) -> None:
    assert states(server)
    # Orthanc cannot make a Python string of this, and leaves the error to whoever comes next in the thread.
    assert ask(server, "/visits/%FF")[0] == 500
    assert len(states(server)) == (VISITS if debian13.is_chosen() else 1)
