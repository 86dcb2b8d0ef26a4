"""The platform's wall clock, which can be set while it runs: every part reads it through `clock.c`.

Debian 12's libfaketime (0.9.10) cannot do that: with its monotonic clock left alone every `time.sleep` of Python 3.11
fails (EINVAL), and with it faked such a sleep does not end.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

_SOURCE = Path(__file__).with_name("clock.c")
_NANOSECONDS = 1_000_000_000


class Clock:
    """An offset in a file that each process of the platform has mapped."""

    def __init__(self, folder: Path) -> None:
        self._file, self._library = folder / "clock", folder / "clock.so"
        self._set(0)
        compiler = ["cc", "-O2", "-shared", "-fPIC", "-o", str(self._library), str(_SOURCE)]
        subprocess.run(compiler, check=True, capture_output=True)

    @staticmethod
    def can_be_made() -> bool:
        """Tell whether there is a compiler."""
        return shutil.which("cc") is not None

    def environment(self) -> Mapping[str, str]:
        """Return what a process needs to go by this clock."""
        return {"LD_PRELOAD": str(self._library), "PROOF_CLOCK": str(self._file)}

    @contextmanager
    def ahead(self, seconds: int) -> Iterator[None]:
        """Be ahead of the true time, or behind it, for the length of a block."""
        self._set(seconds)
        try:
            yield
        finally:
            self._set(0)

    def _set(self, seconds: int) -> None:
        # In place: the processes have this very file mapped.
        with self._file.open("r+b" if self._file.exists() else "wb") as file:
            file.write((seconds * _NANOSECONDS).to_bytes(8, "little", signed=True))
