"""The worker's own process."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from neuronova.platform.layout import REPOSITORY
from tests.running import ambient


@contextmanager
def worker(variables: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """Run it with these settings, and none of this machine's; it is killed at the end of the block at the latest."""
    program = [sys.executable, "-m", "cdss_api.worker"]
    with subprocess.Popen(program, cwd=REPOSITORY, env={**ambient(), **variables}) as process:
        try:
            yield process
        finally:
            process.kill()
