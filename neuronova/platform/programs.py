"""The programs and plugins of the distribution that the platform runs."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from neuronova.platform.errors import PlatformError

# Orthanc and nginx lie in sbin, which is not on the PATH of every user.
_SBIN = ("/usr/sbin", "/usr/local/sbin", "/sbin")
_PLUGIN_FOLDERS = (Path("/usr/share/orthanc/plugins"), Path("/usr/local/share/orthanc/plugins"))
# The order matters: a Python route wins over the stock DICOMweb plugin only if Python is loaded first.
PLUGINS = ("libOrthancPython.so", "libOrthancDicomWeb.so")
INDEX_PLUGIN = "libOrthancPostgreSQLIndex.so"  # where the index is to be in PostgreSQL


@dataclass(frozen=True, kw_only=True)
class Programs:
    """Where the distribution's programs are on this machine."""

    orthanc: str
    nginx: str
    plugins: Path


def find_programs() -> Programs:
    """Find the programs.

    Raises:
        PlatformError: for the first one that is missing.
    """
    return Programs(orthanc=_program("Orthanc"), nginx=_program("nginx"), plugins=_plugins())


def _program(name: str) -> str:
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), *_SBIN])
    found = shutil.which(name, path=path)
    if found is None:
        raise PlatformError(f"{name} is not installed; run ./install.sh system")
    return found


def _plugins() -> Path:
    for folder in _PLUGIN_FOLDERS:
        if all((folder / name).is_file() for name in PLUGINS):
            return folder
    raise PlatformError(f"Orthanc's plugins {' and '.join(PLUGINS)} are missing; run ./install.sh system")
