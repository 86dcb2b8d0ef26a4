"""`neuronova transcode` against a real server."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from neuronova.contract.settings import Settings
from neuronova.platform.layout import Layout, make_folders
from tests.access import changes_of_api
from tests.patience import PATIENCE
from tests.running import ambient
from tests.server import Server, running, settings_for
from tests.synthetic import make, part10

NEURONOVA = Path(sys.executable).with_name("neuronova")


def transcode(settings: Settings, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = ambient() | settings.environment() | {"COLUMNS": "120"}
    return subprocess.run(
        [NEURONOVA, "transcode", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A server that knows the key with which the command line signs."""
    settings = settings_for(tmp_path / "data")
    make_folders(Layout(settings.data))
    with running(Server(settings, known=changes_of_api(settings))) as one:
        yield one


def test_reports_what_became_of_the_archive(server: Server) -> None:
    for name in ("ct", "multiframe", "sr", "jpeg_baseline"):
        server.upload(part10(make(name)))
    done = transcode(server.settings)
    assert done.returncode == 0, done.stderr
    rows = [line.replace("│", " ").split() for line in done.stdout.splitlines() if "│" in line]
    found = {(row[0], " ".join(word for word in row[1:] if word.isalpha())): row for row in rows}
    assert set(found) == {("encoded", ""), ("skipped", "lossy"), ("skipped", "no pixel data")}
    assert found["encoded", ""][1] == "2"
    assert server.state()["backlog"] == 0


def test_says_when_nothing_runs(tmp_path: Path) -> None:
    done = transcode(settings_for(tmp_path / "data"))
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "start the platform" in done.stderr
