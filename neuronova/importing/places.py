"""The files below what a person names; links are never followed."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from neuronova.importing.limits import Limits
from neuronova.importing.outcome import Refused
from neuronova.platform.errors import PlatformError


@dataclass(frozen=True, kw_only=True)
class Place:
    """A file, or a member of a zip file, that can be read.

    `key` tells it from all others, as bytes: names on discs need not be UTF-8. `size` is in bytes, `modified` in
    nanoseconds since the epoch. `refused` is why it is not read at all.
    """

    key: bytes
    size: int
    modified: int
    opened: Callable[[], BinaryIO]
    is_link: bool = False
    is_member: bool = False
    refused: str = ""

    @property
    def name(self) -> str:
        """Its name for a person."""
        return shown(self.key)


def shown(key: bytes) -> str:
    """Return a name that can be printed: control characters and what is no UTF-8 as escapes."""
    text = key.decode("utf-8", "backslashreplace")
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text)


def roots_of(paths: Sequence[Path]) -> list[Path]:
    """Return the absolute paths of what is to be imported, in order, each once.

    Raises:
        PlatformError: one is not there, or is neither a folder nor a file.
    """
    found: dict[Path, None] = {}
    for path in paths:
        if not path.exists():
            raise PlatformError(f"{path} is not there")
        resolved = path.resolve()
        if not resolved.is_dir() and not resolved.is_file():
            raise PlatformError(f"{path} is neither a folder nor a file")
        found[resolved] = None
    return [root for root in found if not any(other in root.parents for other in found)]


def places_below(root: Path, limits: Limits) -> Iterator[Place]:
    """Yield every file below a root, folder by folder in the order of their names."""
    if root.is_dir():
        yield from _walk(os.fsencode(root), limits, 0)
    else:
        yield _place(os.fsencode(root), root.stat())


def _walk(folder: bytes, limits: Limits, depth: int) -> Iterator[Place]:
    try:
        with os.scandir(folder) as scanned:
            entries = sorted(scanned, key=lambda one: one.name)
    except OSError as error:
        yield _unread(folder, f"the folder cannot be read: {error.strerror}")
        return
    for entry in entries:
        if entry.is_symlink():
            yield _unread(entry.path, "a link is not followed", is_link=True)
        elif entry.is_dir(follow_symlinks=False):
            if depth < limits.depth:
                yield from _walk(entry.path, limits, depth + 1)
            else:
                yield _unread(entry.path, f"more than {limits.depth} folders within one another")
        elif entry.is_file(follow_symlinks=False):
            try:
                yield _place(entry.path, entry.stat(follow_symlinks=False))
            except OSError as error:
                yield _unread(entry.path, f"it cannot be read: {error.strerror}")


def _place(path: bytes, status: os.stat_result) -> Place:
    return Place(key=path, size=status.st_size, modified=status.st_mtime_ns, opened=lambda: open_file(path))


def _unread(path: bytes, reason: str, *, is_link: bool = False) -> Place:
    return Place(key=path, size=0, modified=0, opened=lambda: open_file(path), is_link=is_link, refused=reason)


def open_file(path: bytes) -> BinaryIO:
    """Open a regular file, and nothing that was put in its place since it was listed.

    Raises:
        Refused: it is not what it was, or cannot be read.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise Refused(f"it cannot be read: {error.strerror}") from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise Refused("it is no file any more")
    return os.fdopen(descriptor, "rb")
