"""The service on both databases, and an external FHIR server to deliver to."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.emr.delivering import Sender
from tests.emr.peer import Line, emr, line_to
from tests.fhir.asking import Fhir
from tests.fhir.conftest import api, fhir, journal

__all__ = ["api", "fhir", "journal"]


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """One server for the session."""
    with emr() as url:
        yield url


@pytest.fixture
def line(server: str) -> Iterator[Line]:
    """The way to it, with faults of its own."""
    with line_to(server) as made:
        yield made


@pytest.fixture
def sender(fhir: Fhir, line: Line) -> Iterator[Sender]:
    """The service, with the server as its target."""
    made = Sender(fhir, line)
    made.add()
    yield made
    made.close()
