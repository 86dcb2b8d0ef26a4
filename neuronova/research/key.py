"""The key of a research project's pseudonyms: who has it can tell who is who, and nobody else."""

from __future__ import annotations

import base64
import binascii
import os
import secrets
import stat
from pathlib import Path

from neuronova.platform.errors import PlatformError

BYTES = 32
_MOST = 1024


def make_key(path: Path) -> None:
    """Write a new random key, which its owner alone may read.

    Raises:
        PlatformError: the file exists or cannot be written.
    """
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600), "w") as file:
            file.write(base64.b64encode(secrets.token_bytes(BYTES)).decode() + "\n")
    except OSError as error:
        raise PlatformError(f"the key {path} cannot be written: {error.strerror}") from None


def read_key(path: Path) -> bytes:
    """Return a key of 32 bytes, which the file has in base64.

    Raises:
        PlatformError: there is none, it is no such key, or others than its owner may read the file.
    """
    try:
        with path.open("rb") as file:
            if stat.S_IMODE(os.fstat(file.fileno()).st_mode) & 0o077:
                raise PlatformError(f"others may read the key {path}; `chmod 600 {path}` first")
            key = base64.b64decode(file.read(_MOST).strip(), validate=True)
    except FileNotFoundError:
        raise PlatformError(f"there is no key {path}; `neuronova anonymise --new-key --key {path}` makes one") from None
    except OSError as error:
        raise PlatformError(f"the key {path} cannot be read: {error.strerror}") from None
    except binascii.Error:
        raise PlatformError(f"{path} is no key: {BYTES} bytes in base64") from None
    if len(key) != BYTES:
        raise PlatformError(f"{path} is no key: {BYTES} bytes in base64")
    return key
