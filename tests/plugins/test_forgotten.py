"""What a request brings is not kept: neither its body nor its headers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from proof.parts import anonymous_memory
from tests.access import http
from tests.server import Server, running, settings_for

MIB = 1 << 20
LARGE = bytes(2 * MIB)
TIMES = 160  # so much of it that what the heap itself takes, up to 30 MiB as seen, does not matter
WARM = 10  # requests before it is looked: threads and their stacks come with the first


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(
        Server(settings_for(tmp_path_factory.mktemp("forgotten") / "data", NEURONOVA_ENCODE_WORKERS="1"))
    ) as one:
        yield one


def memory(server: Server) -> float:
    """Return the bytes that Orthanc's own process has for itself."""
    assert server.process is not None
    return anonymous_memory(server.process.pid)


def test_a_body_is_not_kept(server: Server) -> None:
    def ask(times: int) -> None:
        for _ in range(times):
            assert http.post(f"{server.url}/neuronova/encode", data=LARGE).status_code == 400

    ask(WARM)
    before = memory(server)
    ask(TIMES)
    assert memory(server) - before < TIMES * len(LARGE) / 4


def test_headers_and_parameters_are_not_kept(server: Server) -> None:
    long = "x" * 1500

    def ask(times: int) -> None:
        for number in range(times):
            headers = {f"X-{name}": f"{number} {long}" for name in range(6)}
            answer = http.get(f"{server.url}/neuronova/health?of={number}{long}", headers=headers)
            assert answer.status_code == 200

    ask(40 * WARM)
    before = memory(server)
    ask(40 * TIMES)
    assert memory(server) - before < 40 * TIMES * 7 * len(long) / 4
