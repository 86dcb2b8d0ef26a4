"""The worker's own process beside a measure."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from neuronova.platform.layout import REPOSITORY


@contextmanager
def worker(variables: Mapping[str, str]) -> Iterator[None]:
    """Run it with these settings, and none of this machine's, until the block ends."""
    ambient = {name: value for name, value in os.environ.items() if not name.startswith("NEURONOVA_")}
    program = [sys.executable, "-m", "cdss_api.worker"]
    with subprocess.Popen(program, cwd=REPOSITORY, env=ambient | dict(variables)) as process:
        try:
            yield
        finally:
            process.terminate()
