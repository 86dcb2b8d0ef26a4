"""A repository of these tests, and what is damaged in it."""

from __future__ import annotations

from pathlib import Path

from neuronova.backup.restic import Repository

PASSWORD = "a password of backups"


def repository(folder: Path, password: str = PASSWORD) -> Repository:
    return Repository(address=str(folder / "repository"), password=password, cache=folder / "cache")


def flip_a_byte(folder: Path) -> Path:
    """Change one byte in the middle of the largest file that holds data; return it."""
    packs = sorted((folder / "repository" / "data").glob("*/*"), key=lambda path: path.stat().st_size)
    packs[-1].chmod(0o600)
    content = bytearray(packs[-1].read_bytes())
    content[len(content) // 2] ^= 0x55
    packs[-1].write_bytes(content)
    return packs[-1]
