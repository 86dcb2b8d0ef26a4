"""What restic says: its JSON messages as values, and its errors as what to do about them."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from typing import Any

from neuronova.platform.errors import PlatformError

LOCKED = "repository is already locked"
NO_REPOSITORY = "Is there a repository at the following location?"
_SAID = {
    "wrong password": "the password does not open the repository; set the NEURONOVA_BACKUP_PASSWORD of its making",
    NO_REPOSITORY: "there is no repository at NEURONOVA_BACKUP_REPOSITORY, or it cannot be reached; "
    "`neuronova backup` makes one",
    LOCKED: "another restic works on the repository; try again when it has ended",
    "no space left on device": "the disk of the repository is full",
}


def messages(process: subprocess.Popen[str]) -> Iterator[dict[str, Any]]:
    """Yield the JSON objects that a program writes, one a line, until it has ended."""
    try:
        for line in process.stdout or ():
            try:
                value = json.loads(line)
            except ValueError:
                continue
            if isinstance(value, dict):
                yield value
        process.wait()
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()
        if process.stderr is not None:
            process.stderr.close()


def unreadable(said: str) -> Iterator[str]:
    """Yield the files that a backup could not read."""
    for line in said.splitlines():
        try:
            message = json.loads(line)
        except ValueError:
            continue
        if isinstance(message, dict) and message.get("message_type") == "error":
            yield str(message.get("item", ""))


def known(said: str) -> str | None:
    """Return what to do about an error, where that is known."""
    return next((told for mark, told in _SAID.items() if mark in said), None)


def failed(said: str) -> PlatformError:
    """Return the error that is raised for what was said."""
    lines = [line for line in said.splitlines() if line.strip()]
    fatal = [line for line in lines if line.startswith("Fatal:")]
    return PlatformError(known(said) or f"restic failed: {' '.join((fatal or lines or ['it says not why'])[-2:])}")
