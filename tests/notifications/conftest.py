"""Notifications on both databases, with the accounts' fixtures; the process of the streams beside the API."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cdss_api.notifications.streaming import PATH
from neuronova.contract.settings import Settings
from tests.accounts.api import Api
from tests.databases import api
from tests.notifications import streams

__all__ = ["api"]
assert PATH == streams.PATH


@pytest.fixture
def live(settings: Settings) -> Iterator[Api]:
    """The service, with the clock of the process of the streams."""
    made = Api(settings, clock=streams.RealClock())
    yield made
    made.service.database.close()


@pytest.fixture
def process(live: Api, variables: dict[str, str]) -> Iterator[streams.Process]:
    assert live.service
    with streams.process(variables) as running:
        yield running
