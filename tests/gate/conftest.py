"""A server with the studies of several patients, and an account of each role."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.access import accounts
from tests.gate.people import ALL, SEEN
from tests.server import Server, running, settings_for
from tests.synthetic import part10


@pytest.fixture(scope="module")
def hospital(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The doctor, the nurse and the patient see one patient, who has two studies."""
    settings = settings_for(tmp_path_factory.mktemp("hospital") / "data")
    known = accounts(doctor=[SEEN], nurse=[SEEN], patient=[SEEN])
    with running(Server(settings, known=known)) as server:
        for dataset in ALL:
            server.upload(part10(dataset))
        server.until_settled(len(ALL))
        yield server
