"""A second Orthanc, as it comes: an archive of another make than ours, without plugins."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import requests
from pydicom import Dataset

from neuronova.platform.programs import find_programs
from tests.patience import PATIENCE
from tests.prefetch.archive import TITLE
from tests.server import free_ports, until


@dataclass
class SecondOrthanc:
    """Its data is kept while it is down."""

    folder: Path
    ports: tuple[int, int]  # DICOM and HTTP

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.ports[1]}"

    @contextmanager
    def up(self) -> Iterator[SecondOrthanc]:
        """Answer for the length of a block."""
        command = [find_programs().orthanc, str(self.folder / "orthanc.json")]
        with (self.folder / "log").open("ab") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
            try:
                until(self._answers, "the second Orthanc answers")
                yield self
            finally:
                process.kill()

    def _answers(self) -> bool:
        try:
            return requests.get(f"{self.url}/system", timeout=PATIENCE).ok
        except requests.ConnectionError:
            return False

    def keep(self, *images: Dataset) -> None:
        """Store images."""
        for image in images:
            written = BytesIO()
            image.save_as(written, enforce_file_format=True)
            requests.post(f"{self.url}/instances", data=written.getvalue(), timeout=PATIENCE).raise_for_status()


def second_orthanc(folder: Path, title: str, port: int) -> SecondOrthanc:
    """Make one that sends to an AE title at a port of this machine."""
    dicom, http = free_ports(2)
    settings = {
        "StorageDirectory": str(folder / "storage"),
        "IndexDirectory": str(folder / "storage"),
        "DicomAet": TITLE,
        "DicomPort": dicom,
        "HttpPort": http,
        "RemoteAccessAllowed": False,
        "AuthenticationEnabled": False,
        "Plugins": [],
        "DicomModalities": {"ours": [title, "127.0.0.1", port]},
    }
    (folder / "orthanc.json").write_text(json.dumps(settings))
    return SecondOrthanc(folder, (dicom, http))
