"""Studies as one zip file, with a DICOMDIR where it is to be put on a disc (PS3.10 8, PS3.12)."""

from __future__ import annotations

import os
import zipfile
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path

from neuronova.archive.asking import Asking
from neuronova.archive.studies import StoredStudy
from neuronova.platform.errors import PlatformError

DICOMDIR = "DICOMDIR"


def write_zip(
    asking: Asking, studies: Sequence[StoredStudy], path: Path, *, dicomdir: bool, moved: Callable[[int], None]
) -> None:
    """Write the studies' objects, each in the bytes that the archive has of it; `moved` is told of bytes that came.

    The file has its name once it is whole and was read again, and its owner alone may read it.

    Raises:
        PlatformError: it exists already, the platform does not answer, or what came is not whole.
    """
    if path.exists():
        raise PlatformError(f"{path} exists already")
    part = path.with_name(path.name + ".part")
    route = "/tools/create-media" if dicomdir else "/tools/create-archive"
    asked = {"Resources": [study.identifier for study in studies], "Synchronous": True}
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600), "wb") as file:
            for chunk in asking.chunks("POST", route, json=asked):
                file.write(chunk)
                moved(len(chunk))
            file.flush()
            os.fsync(file.fileno())
        require_whole(part, sum(study.instances for study in studies), dicomdir=dicomdir)
        part.replace(path)
    except OSError as error:
        raise PlatformError(f"{path} cannot be written: {error.strerror or error}") from None
    finally:
        part.unlink(missing_ok=True)


def require_whole(path: Path, instances: int, *, dicomdir: bool) -> None:
    """Read a zip file to its end.

    Raises:
        PlatformError: it is broken, or has not so many objects.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            broken = archive.testzip()
    except (zipfile.BadZipFile, zlib.error, EOFError) as odd:
        raise PlatformError(f"what the platform sent is no whole zip file ({odd}); try again") from None
    objects = [name for name in names if name != DICOMDIR and not name.endswith("/")]
    if broken is not None or dicomdir != (DICOMDIR in names):
        raise PlatformError("what the platform sent is no whole zip file; try again")
    if len(objects) != instances:
        raise PlatformError(
            f"{len(objects)} objects came in place of {instances}: a study has changed meanwhile; try again"
        )
