"""Versions: the distribution, its programs and plugins, and the Python that Orthanc embeds."""

from __future__ import annotations

import mmap
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from neuronova.doctor.finding import Finding, failed, ok, warning
from neuronova.platform.errors import PlatformError
from neuronova.platform.programs import PLUGINS, Programs, find_programs

RELEASES = ("12", "13")  # of Debian, that the tests run on
_OLDEST_ORTHANC = (1, 10, 1)
_INSTALL = "run ./install.sh system"
_PACKAGES = ("orthanc", "orthanc-python", "orthanc-dicomweb")
_TIMEOUT = 5.0
_LIBPYTHON = re.compile(rb"libpython3\.(\d{1,2})\.so")


def look_at_versions() -> list[Finding]:
    """Look at what is installed."""
    found = [debian(platform.freedesktop_os_release())]
    try:
        programs = find_programs()
    except PlatformError as missing:
        return [*found, failed("programs", str(missing), _INSTALL)]
    python = embedded_python(programs.plugins / PLUGINS[0])
    return [*found, orthanc(_said(programs.orthanc, "--version")), *_plugins(), interpreter(python), _nginx(programs)]


def debian(release: Mapping[str, str]) -> Finding:
    """Judge the distribution by its os-release(5)."""
    name, version = release.get("ID", ""), release.get("VERSION_ID", "")
    told = release.get("PRETTY_NAME") or f"{name} {version}".strip() or "unknown"
    if name == "debian" and version in RELEASES:
        return ok("distribution", told)
    return warning("distribution", told, f"the platform is tested on Debian {' and '.join(RELEASES)}")


def orthanc(said: str) -> Finding:
    """Judge what `Orthanc --version` says."""
    version = re.search(r"\b(\d+)\.(\d+)\.(\d+)\b", said)
    if version is None:
        return failed("Orthanc", "does not tell its version", f"{_INSTALL}, or remove an Orthanc of another source")
    if tuple(map(int, version.groups())) < _OLDEST_ORTHANC:
        return failed("Orthanc", version[0], f"{'.'.join(map(str, _OLDEST_ORTHANC))} or later is needed: {_INSTALL}")
    return ok("Orthanc", version[0])


def interpreter(embedded: int | None) -> Finding:
    """Compare this interpreter with the one (3.N) that Orthanc's plugin is linked to."""
    ours = f"3.{sys.version_info.minor}"
    if embedded is None:
        return warning("Python", f"{ours}; Orthanc's plugin does not tell its own", _INSTALL)
    if embedded != sys.version_info.minor:
        told = f".venv has Python {ours}, Orthanc embeds 3.{embedded}"
        return failed(
            "Python", told, "remove .venv and run ./install.sh python: packages of another version do not load"
        )
    return ok("Python", f"{ours}, which Orthanc embeds too")


def embedded_python(plugin: Path) -> int | None:
    """Return the N of the libpython3.N that a plugin is linked to."""
    with plugin.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        found = _LIBPYTHON.search(content)
        return None if found is None else int(found[1])


def _plugins() -> list[Finding]:
    if shutil.which("dpkg-query") is None:
        return []
    versions = []
    for package in _PACKAGES:
        said = _said("dpkg-query", "-W", "-f", "${Version}", package)
        versions.append(f"{package} {said or 'not of a package'}")
    return [ok("packages", ", ".join(versions))]


def _nginx(programs: Programs) -> Finding:
    version = re.search(r"nginx/(\S+)", _said(programs.nginx, "-v"))
    return failed("nginx", "does not tell its version", _INSTALL) if version is None else ok("nginx", version[1])


def _said(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return (done.stdout + done.stderr).strip() if done.returncode == 0 else ""
