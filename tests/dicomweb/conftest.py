"""A server that has one object of every kind, encoded as far as it can be."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pydicom import Dataset

from tests.server import Server, running, settings_for
from tests.synthetic import KINDS, make, part10


@pytest.fixture(scope="module")
def kinds() -> dict[str, Dataset]:
    """Every object that the archive has."""
    return {name: make(name) for name in KINDS}


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory, kinds: dict[str, Dataset]) -> Iterator[Server]:
    """A server that has them and has done its work."""
    with running(Server(settings_for(tmp_path_factory.mktemp("archive") / "data"))) as server:
        for dataset in kinds.values():
            server.upload(part10(dataset))
        server.until_settled(len(kinds))
        yield server
