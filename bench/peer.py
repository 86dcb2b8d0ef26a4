"""A bare Orthanc as the distribution starts it, on ports and in a folder of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from neuronova.contract.grants import Change
from neuronova.platform.layout import Layout, make_folders
from neuronova.platform.programs import find_programs
from tests.server import Server, running, settings_for, until

DISTRIBUTION = Path("/etc/orthanc")
OUR_ENVIRONMENT = {"TCP_NODELAY": "1"}


@dataclass
class BareOrthanc(Server):
    """The distribution's Orthanc with its own configuration and plugins; nothing of ours."""

    environment: dict[str, str] = field(default_factory=dict)

    def start(self) -> None:
        """Start it with the distribution's configuration, ports and folders excepted."""
        make_folders(Layout(self.settings.data))
        folder = self.settings.data / "distribution"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(DISTRIBUTION, folder)
        # Orthanc refuses a setting that stands in two files.
        for file in folder.glob("*.json"):
            kept = [line for line in file.read_text().splitlines() if not line.strip().startswith(_ours(self))]
            file.write_text("\n".join(kept))
        (folder / "bench.json").write_text(json.dumps(_settings(self)))
        (folder / "credentials.json").unlink(missing_ok=True)
        with self.log.open("ab") as log:
            ambient = {name: value for name, value in os.environ.items() if name not in OUR_ENVIRONMENT}
            self.process = subprocess.Popen(
                [find_programs().orthanc, str(folder)], env=ambient | self.environment, stdout=log, stderr=log
            )
        until(self._answers, f"Orthanc answers; {self.log}")


def _settings(server: Server) -> dict[str, object]:
    storage = str(server.settings.data / "orthanc")
    return {
        "StorageDirectory": storage,
        "IndexDirectory": storage,
        "HttpPort": server.settings.orthanc_port,
        "DicomPort": server.settings.dicom_port,
        "DicomAet": server.settings.aet,
        "AuthenticationEnabled": False,
    }


def _ours(server: Server) -> tuple[str, ...]:
    return tuple(f'"{name}"' for name in _settings(server))


@contextmanager
def bare(*, bind: str = "127.0.0.1", **environment: str) -> Iterator[BareOrthanc]:
    """Run a bare Orthanc for the length of a block; `bind` is for a gateway before it."""
    with TemporaryDirectory(prefix="nnb") as folder:
        settings = settings_for(Path(folder) / "data", NEURONOVA_BIND=bind)
        with running(BareOrthanc(settings, environment=environment)) as server:
            assert isinstance(server, BareOrthanc)
            yield server


@contextmanager
def ours(*, bind: str = "127.0.0.1", known: list[Change] | None = None, **environment: str) -> Iterator[Server]:
    """Run our server for the length of a block; `known` is what it knows of accounts."""
    with TemporaryDirectory(prefix="nnb") as folder:
        settings = settings_for(Path(folder) / "data", NEURONOVA_BIND=bind)
        with running(Server(settings, known=known, variables=environment)) as server:
            yield server
