"""The platform's parts by what their processes' commands name."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

PARTS = {
    "orthanc": "orthanc.json",
    "encode workers": "orthanc_plugins.workers.encode",
    "lane workers": "orthanc_plugins.workers.lane",
    "api": "cdss_api.wsgi",
    "worker": "cdss_api.worker",
    "notifications": "notifications.asgi",
    "audit keeper": "neuronova.audit.keeper",
    "inference": "inference.wsgi",
    "models": "inference.child",
    "gateway": "nginx",
    "supervisor": "supervisor.supervisord",
}
MODELS = "models"  # a process for each job
_TICK = os.sysconf("SC_CLK_TCK")


def summed(commands: Mapping[int, str], figure: Callable[[int], float]) -> dict[str, float]:
    """Return the sum of a figure over the processes of each part; `commands` are the platform's by process id."""
    found: dict[str, float] = {}
    for pid, command in commands.items():
        part = next((name for name, title in PARTS.items() if title in command), None)
        if part is not None:
            found[part] = found.get(part, 0.0) + figure(pid)
    return found


def anonymous_memory(pid: int) -> float:
    """Return a process's memory in bytes without the files that it has mapped: they belong to the machine's cache."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:  # it has ended
        return 0.0
    return next((1024.0 * int(line.split()[1]) for line in lines if line.startswith("RssAnon:")), 0.0)


def processor_time(pid: int) -> float:
    """Return the seconds that a process has had of a processor, with its children that have ended."""
    try:
        words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(map(int, words[11:15])) / _TICK
