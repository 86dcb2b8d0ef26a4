"""Fixtures that every folder of tests uses: a real server, and the real series where they are at hand."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydicom import Dataset, dcmread

from neuronova.platform.layout import REPOSITORY
from tests.browsing import browser
from tests.databases import database, postgres_address, settings, sqlite_template, variables
from tests.remembering import remembering
from tests.server import Server, running, settings_for
from tests.sharing import Sharing, is_long, put_in_order

# A fixture is made anew for each conftest.py that names it: those of a session are named here alone.
__all__ = ["browser", "database", "postgres_address", "remembering", "settings", "sqlite_template", "variables"]

# Its records of lost connections hold their sockets until the session ends.
logging.getLogger("pynetdicom").propagate = False

REAL_SERIES = REPOSITORY.parent / "shared" / "dicom"


def pytest_itemcollected(item: pytest.Item) -> None:
    """Leave to the long form what tests/sharing.py leaves to it."""
    if is_long(item.nodeid):
        item.add_marker(pytest.mark.long)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Have what takes longest come first, so that no worker is left with it at the end."""
    put_in_order(items)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Sharing | None:
    """Share the tests out as tests/sharing.py says, where files are asked to stay whole."""
    return Sharing(config, log) if config.getvalue("dist") == "loadfile" else None


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A server of this test's own."""
    with running(Server(settings_for(tmp_path / "data"))) as one:
        yield one


def real_series(name: str) -> list[Dataset]:
    """Return the slices of a real series, or skip the test where it is not at hand."""
    folder = REAL_SERIES / name
    if not folder.is_dir():
        pytest.skip(f"the real series {name} is not at hand")
    return [dcmread(path) for path in sorted(folder.glob("*.dcm"))]
