"""Stored images as they are served: where each frame lies on disk, looked up once and then read with one `pread`.

A cache entry names the files of one attachment and one stored object. Orthanc gives each new file a new name and
removes it with its instance, so that a file that opens is still the right one; one that does not is looked up again.
"""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from orthanc_plugins.dicomweb.archive import Archive
from orthanc_plugins.sdk import Sdk
from orthanc_plugins.stored import HTJ2K_ATTACHMENT, STATUS_METADATA, StoredFile
from orthanc_plugins.transcoding.container import Container, ContainerError, Read, read_container

# A viewer asks for an image once and keeps it, so that only frames of one object come again and again.
MOST_IMAGES = 2_000  # some 3 kB each
MOST_OFFSETS = 500_000  # over all images, some 40 bytes each: a long multi-frame object has many

Uids = tuple[str, str, str]


class Vanished(Exception):
    """A file is not there any more: its instance was deleted or overwritten."""


@dataclass(frozen=True, slots=True)
class Image:
    """One instance as it is served; without `container` it is not encoded (yet), and `skipped` tells whether never.

    `paths` are where attachment and object lie, None where they cannot be read from there.
    """

    identifier: str
    stored: StoredFile
    stored_path: str | None
    attached: StoredFile | None
    attached_path: str | None
    container: Container | None
    skipped: bool


class Images:
    """Looks images up and reads their frames."""

    def __init__(self, sdk: Sdk, archive: Archive, storage: Path) -> None:
        self._sdk = sdk
        self._archive = archive
        self._storage = storage
        self._cache: OrderedDict[Uids, Image] = OrderedDict()
        self._offsets = 0
        self._lock = threading.Lock()

    def find(self, uids: Uids) -> Image | None:
        """Return the image of (study, series, instance) UIDs; None where there is none."""
        with self._lock:
            image = self._cache.get(uids)
            if image is not None:
                self._cache.move_to_end(uids)
                return image
        image = self._look_up(uids)
        # What is not encoded yet is looked up again each time, for it will be.
        if image is not None and image.container is not None:
            self._keep(uids, image)
        return image

    def forget(self, uids: Uids) -> None:
        """Drop what is known of an image whose files have vanished."""
        with self._lock:
            image = self._cache.pop(uids, None)
            if image is not None and image.container is not None:
                self._offsets -= len(image.container.offsets)

    def _keep(self, uids: Uids, image: Image) -> None:
        assert image.container is not None  # noqa: S101 - for the type checker
        with self._lock:
            if uids in self._cache:
                return
            self._cache[uids] = image
            self._offsets += len(image.container.offsets)
            while len(self._cache) > MOST_IMAGES or (self._offsets > MOST_OFFSETS and len(self._cache) > 1):
                _, oldest = self._cache.popitem(last=False)
                self._offsets -= len(oldest.container.offsets) if oldest.container else 0

    def _look_up(self, uids: Uids) -> Image | None:
        located = self._archive.locate(*uids)
        stored = None if located is None else self._archive.stored_file(located.identifier, "dicom")
        if located is None or stored is None:
            return None
        identifier = located.identifier
        attached = self._archive.stored_file(identifier, HTJ2K_ATTACHMENT)
        path = self._path(attached)
        container = None if attached is None else self._container(identifier, path, stored)
        return Image(
            identifier=identifier,
            stored=stored,
            stored_path=self._path(stored),
            attached=attached,
            attached_path=path,
            container=container,
            skipped=container is None and self._is_skipped(identifier, stored),
        )

    def _path(self, file: StoredFile | None) -> str | None:
        if file is None or file.compressed:
            return None
        path = file.path(self._storage)
        return str(path) if path.is_file() else None

    def _container(self, identifier: str, path: str | None, stored: StoredFile) -> Container | None:
        try:
            container = read_container(self._reader(identifier, path))
        except (ContainerError, Vanished):
            return None
        return container if container.header.source.md5 == stored.md5 else None

    def _reader(self, identifier: str, path: str | None) -> Read:
        if path is not None:
            return lambda offset, size: pread(path, offset, size)
        content = self._attachment(identifier)
        return lambda offset, size: content[offset : offset + size]

    def _attachment(self, identifier: str) -> bytes:
        try:
            return self._sdk.RestApiGet(f"/instances/{identifier}/attachments/{HTJ2K_ATTACHMENT}/data")
        except self._sdk.OrthancException as error:
            raise Vanished(identifier) from error

    def _is_skipped(self, identifier: str, stored: StoredFile) -> bool:
        status = self._archive.get(f"/instances/{identifier}/metadata/{STATUS_METADATA}")
        return isinstance(status, dict) and status.get("md5") == stored.md5 and status["status"] != "encoded"

    def codestreams(self, image: Image, indices: Sequence[int]) -> list[bytes]:
        """Read the codestreams of frames, by 0-based index.

        Raises:
            Vanished: the attachment is gone.
        """
        assert image.container is not None  # noqa: S101 - for the type checker
        ranges = [image.container.frame_range(index) for index in indices]
        if image.attached_path is not None:
            return [pread(image.attached_path, offset, size) for offset, size in ranges]
        content = self._attachment(image.identifier)
        return [content[offset : offset + size] for offset, size in ranges]

    def native_frames(self, image: Image, indices: Sequence[int]) -> list[bytes] | None:
        """Read frames that lie uncompressed in the stored object; None where they do not.

        Raises:
            Vanished: the object is gone.
        """
        native = None if image.container is None else image.container.header.native
        if native is None or image.stored_path is None:
            return None
        return [pread(image.stored_path, *native.frame_range(index)) for index in indices]


def pread(path: str, offset: int, size: int) -> bytes:
    """Read `size` bytes of a file from `offset`.

    Raises:
        Vanished: the file is not there.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError as error:
        raise Vanished(path) from error
    try:
        return os.pread(descriptor, size, offset)
    finally:
        os.close(descriptor)
