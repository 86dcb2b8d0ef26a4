"""What encoding takes: Orthanc, the journal and the folders."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from orthanc_plugins.arrived import ArrivalFile
from orthanc_plugins.journal import Journal
from orthanc_plugins.room import Room
from orthanc_plugins.stored import StoredFile
from orthanc_plugins.workers.client import OrthancClient
from orthanc_plugins.workers.surroundings import Surroundings, worker_secret


@dataclass(frozen=True, kw_only=True)
class Workshop:
    """One process's tools; `storage` is where Orthanc keeps its files.

    `scratch` is emptied at each start; `received` holds replacements until they are complete.
    """

    client: OrthancClient
    journal: Journal
    arrivals: ArrivalFile
    storage: Path
    scratch: Path
    received: Path
    room: Room

    @contextlib.contextmanager
    def content(self, instance: str, attachment: str, stored: StoredFile) -> Iterator[Path]:
        """Give a file with the content of an attachment: Orthanc's own where it can be read, else a copy."""
        path = stored.path(self.storage)
        if not stored.compressed and path.is_file():
            yield path
            return
        with self.folder() as folder:
            copy = folder / "content"
            self.client.download(instance, attachment, copy)
            yield copy

    @contextlib.contextmanager
    def folder(self) -> Iterator[Path]:
        """Give an empty folder, removed afterwards."""
        with tempfile.TemporaryDirectory(dir=self.scratch) as folder:
            yield Path(folder)


def open_workshop(surroundings: Surroundings) -> Workshop:
    """Open what encoding takes."""
    return Workshop(
        client=OrthancClient(surroundings.orthanc_url, worker_secret()),
        journal=Journal(Path(surroundings.journal)),
        arrivals=ArrivalFile(Path(surroundings.arrivals)),
        storage=Path(surroundings.storage),
        scratch=Path(surroundings.scratch),
        received=Path(surroundings.received),
        room=Room(Path(surroundings.storage), surroundings.reserve),
    )
