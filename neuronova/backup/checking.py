"""Whether a restored data folder is what its manifest says: every database, and every stored file by its digest."""

from __future__ import annotations

import hashlib
import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from neuronova.backup.index import Attached, attached_files, counts_of, path_of
from neuronova.backup.manifest import Manifest
from neuronova.backup.places import INDEX, STORAGE
from neuronova.backup.sqlite_files import faults_of, sha256_of

_BLOCK = 1 << 20
_WAITING = 64  # files a thread
MOST_NAMED = 10

Progress = Callable[[int], None]


def database_faults(folder: Path, manifest: Manifest) -> Iterator[str]:
    """Yield what is wrong with the databases of a folder, by their digests and by SQLite's own check."""
    for place, digest in sorted(manifest.digests.items()):
        path = folder / place
        if not path.is_file():
            yield f"{place} is missing"
        elif sha256_of(path) != digest:
            yield f"{place} is not what was backed up"
        elif place.endswith(".dump"):
            continue
        elif faults := faults_of(path):
            yield from (f"{place}: {fault}" for fault in faults)
        elif place == INDEX and counts_of(path) != manifest.counts:
            yield f"{INDEX} counts otherwise than the manifest"


def storage_faults(data: Path, progress: Progress) -> Iterator[str]:
    """Yield each stored file that the index names and that is missing, of another size or of another MD5.

    MD5 is what Orthanc keeps of the bytes as they are stored (AttachedFiles.compressedMD5); `progress` is told bytes.
    """
    threads = os.cpu_count() or 1
    waiting: deque[tuple[int, Future[str | None]]] = deque()

    def answered() -> Iterator[str]:
        size, future = waiting.popleft()
        fault = future.result()
        progress(size)
        if fault is not None:
            yield fault

    with ThreadPoolExecutor(threads) as pool:
        for one in attached_files(data / INDEX):
            waiting.append((one.size, pool.submit(_fault_of, data / STORAGE, one)))
            if len(waiting) >= threads * _WAITING:
                yield from answered()
        while waiting:
            yield from answered()


def _fault_of(storage: Path, one: Attached) -> str | None:
    path, digest, size = path_of(storage, one.uuid), hashlib.md5(usedforsecurity=False), 0
    try:
        with path.open("rb", buffering=0) as file:
            while block := file.read(_BLOCK):
                digest.update(block)
                size += len(block)
    except OSError as error:
        return f"stored file {one.uuid}: {error.strerror}"
    if size != one.size:
        return f"stored file {one.uuid} has {size} bytes in place of {one.size}"
    if one.md5 and digest.hexdigest() != one.md5:
        return f"stored file {one.uuid} has other bytes than were stored"
    return None
