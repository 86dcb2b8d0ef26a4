"""The service on both databases, and one Orthanc for all tests of this folder that need no more."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from neuronova.contract.grants import ModalityChange, Operation
from tests.access import accounts
from tests.databases import api
from tests.forwarding.peer import Peer
from tests.server import Server, free_ports, running, settings_for, until

__all__ = ["api"]


@pytest.fixture(scope="module")
def port() -> int:
    """Where the destination listens when it is up."""
    return free_ports(1)[0]


@pytest.fixture
def peer(port: int) -> Peer:
    """A destination that is down."""
    return Peer(port)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, port: int) -> Iterator[Server]:
    """An Orthanc that knows the destination."""
    known = ModalityChange(title="PEER", host="127.0.0.1", port=port, operations=(Operation.STORE,), issuer=None)
    made = Server(settings_for(tmp_path_factory.mktemp("forwarding") / "data"), known=[*accounts(), known])
    with running(made):
        until(lambda: "ae-50454552" in made.get("/modalities"), "Orthanc has the table")
        yield made
