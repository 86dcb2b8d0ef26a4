"""Rights: the data folder is its owner's alone, and so is each key."""

from __future__ import annotations

import os
import pwd
import stat
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

from neuronova.doctor.finding import Finding, failed, ok, skipped, warning
from neuronova.platform.layout import Layout

_OTHERS = 0o077
_MOST_KEYS = 10_000
_NAMED = 3


def look_at_rights(layout: Layout, user: int) -> list[Finding]:
    """Look at the data folder and the keys as the user with this number."""
    if not layout.data.is_dir():
        return [skipped("data folder", f"{layout.data} is made by the first start")]
    owner = layout.data.stat().st_uid
    return [
        _owner(layout.data, owner, user),
        _writable(layout.data),
        _alone("folders", [folder for folder in layout.folders() if folder.is_dir()], owner, "700"),
        _alone("keys", list(islice(_files(layout.data / "keys"), _MOST_KEYS)), owner, "600"),
    ]


def _owner(data: Path, owner: int, user: int) -> Finding:
    if owner == user:
        return ok("data folder", f"{data}, of {_name(owner)}")
    told = f"{data} is {_name(owner)}'s, and you are {_name(user)}"
    return warning("data folder", told, f"run `neuronova` as {_name(owner)}: files made now would be yours")


def _writable(data: Path) -> Finding:
    if os.access(data, os.W_OK | os.X_OK):
        return ok("writing", "allowed")
    return failed(
        "writing", f"{data} cannot be written to", "run as its owner, or set NEURONOVA_DATA to another folder"
    )


def _alone(name: str, paths: list[Path], owner: int, mode: str) -> Finding:
    odd = [path for path in paths if _is_odd(path, owner)]
    if not odd:
        return ok(name, f"{len(paths)} looked at, all their owner's alone")
    shown = " ".join(map(str, odd[:_NAMED])) + (" .." if len(odd) > _NAMED else "")
    told = f"{len(odd)} of {len(paths)} may be used by others or are somebody else's: {shown}"
    return failed(
        name, told, f"chown {_name(owner)} and chmod {mode} them; where keys may have been read, make new ones"
    )


def _is_odd(path: Path, owner: int) -> bool:
    try:
        status = path.stat()
    except FileNotFoundError:  # replaced meanwhile
        return False
    return status.st_uid != owner or bool(stat.S_IMODE(status.st_mode) & _OTHERS)


def _files(folder: Path) -> Iterator[Path]:
    found: Iterable[Path] = folder.rglob("*") if folder.is_dir() else ()
    return (path for path in found if path.is_file())


def _name(user: int) -> str:
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return str(user)
