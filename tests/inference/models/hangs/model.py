"""Never ends, and has a child that never ends."""

import signal
import subprocess
from typing import Any


def run(volume: Any) -> Any:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    subprocess.run(["sleep", "7654"], check=False)
