"""The machine and the programs that were measured."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

DEBIAN_PACKAGES = ("orthanc", "orthanc-python", "orthanc-dicomweb", "nginx-light", "chromium", "dcmtk")


def describe() -> str:
    """Return a list in Markdown."""
    cpu = next((line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if "model name" in line), "?")
    memory = next(int(line.split()[1]) for line in _lines("/proc/meminfo") if line.startswith("MemTotal"))
    system = next(line.partition("=")[2].strip('"') for line in _lines("/etc/os-release") if "PRETTY_NAME" in line)
    packages = ", ".join(f"{name} {_package(name)}" for name in DEBIAN_PACKAGES)
    libraries = ", ".join(f"{name} {version(name)}" for name in ("imagecodecs", "pydicom", "numpy"))
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    return (
        f"- {cpu}, {os.cpu_count()} cores, {memory / 2**20:.0f} GiB, shared with others; load before: {load}\n"
        f"- {system}, Linux {platform.release()}, Python {platform.python_version()}\n"
        f"- {packages}\n- {libraries}"
    )


def _lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines()


def _package(name: str) -> str:
    query = ["dpkg-query", "-W", "-f", "${Version}", name]
    return subprocess.run(query, capture_output=True, text=True, check=False).stdout or "not installed"
