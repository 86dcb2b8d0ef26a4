"""An object that arrives in HTJ2K: Orthanc cannot decode it, so that its primary object becomes a decodable one.

Orthanc has no call that replaces a stored file, so it is deleted and stored anew with the same UIDs. What is needed
to finish lies on disk before the deletion, and an interrupted replacement is taken up again: nothing is lost.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from pathlib import Path

from orthanc_plugins.stored import HTJ2K_ATTACHMENT, RECEIVED_ATTACHMENT, StoredFile
from orthanc_plugins.transcoding.receiving import decodable_copy, received_container
from orthanc_plugins.workers.workshop import Workshop

RECEIVED, DECODABLE, CONTAINER = "received.dcm", "decodable.dcm", "htj2k"


def note_interrupted(workshop: Workshop, now: float) -> None:
    """Note the replacements that a crash interrupted, and remove what was not fully prepared."""
    for entry in workshop.received.iterdir():
        if entry.name.startswith("."):
            shutil.rmtree(entry)
        else:
            workshop.journal.note([entry.name], now)


def replacement_folder(workshop: Workshop, instance: str) -> Path:
    """Return the folder of an instance's replacement; it exists while one is begun and not finished."""
    return workshop.received / instance


def prepare_replacement(workshop: Workshop, instance: str, stored: StoredFile, folder: Path) -> None:
    """Write the received file, its decodable copy and its attachment to `folder`, which appears complete or not.

    Raises:
        Skipped: the object cannot be decoded; it stays as it is.
    """
    draft = Path(tempfile.mkdtemp(prefix=".", dir=workshop.received))
    try:
        with workshop.content(instance, "dicom", stored) as path:
            shutil.copyfile(path, draft / RECEIVED)
        decodable_copy(draft / RECEIVED, draft / DECODABLE)
        md5 = _md5(draft / DECODABLE)
        received_container(draft / RECEIVED, draft / DECODABLE, md5, draft / CONTAINER)
        for path in draft.iterdir():
            _to_disk(path)
        draft.rename(folder)
        _to_disk(workshop.received)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise


def finish_replacement(workshop: Workshop, instance: str, folder: Path) -> None:
    """Put the decodable copy in the received object's place, attach the received one; may be done again."""
    client = workshop.client
    present = client.stored_file(instance, "dicom")
    if present is None or present.md5 != _md5(folder / DECODABLE):
        client.delete_instance(instance)
        client.store(folder / DECODABLE)
    for attachment, name in ((RECEIVED_ATTACHMENT, RECEIVED), (HTJ2K_ATTACHMENT, CONTAINER)):
        with (folder / name).open("rb") as content:
            client.attach(instance, attachment, content)
    shutil.rmtree(folder)


def _md5(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def _to_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
