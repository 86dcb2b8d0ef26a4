"""One Orthanc for the tests of this folder, which knows the key that the command line signs with."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from neuronova.platform.layout import Layout, make_folders
from tests.access import accounts, changes_of_api
from tests.server import Server, running, settings_for


def serving(data: Path, **more: str) -> Server:
    settings = settings_for(data, **more)
    make_folders(Layout(settings.data))
    return Server(settings, known=[*accounts(), *changes_of_api(settings)])


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(serving(tmp_path_factory.mktemp("archive") / "data")) as server:
        yield server
