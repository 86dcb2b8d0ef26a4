"""Packages of npm that the viewer is made of: which, and that they are what they were."""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

from neuronova.platform.errors import PlatformError

_LONGEST = 600.0  # seconds for a package


@dataclass(frozen=True)
class Pin:
    """A package's name and version, and the hash of its archive."""

    package: str
    version: str
    integrity: str

    def __str__(self) -> str:
        return f"{self.package}@{self.version}"


def read_pin(path: Path) -> Pin:
    """Read what a file of `viewer_config/` pins."""
    return Pin(**json.loads(path.read_text()))


def fetch(pin: Pin, into: Path) -> Path:
    """Fetch a package's archive with npm; it is the one that was pinned, or this fails."""
    command = ["npm", "pack", str(pin), "--silent", "--pack-destination", str(into)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=into, timeout=_LONGEST)
    except FileNotFoundError:
        raise PlatformError("npm is not installed; install Node.js with npm, then run this again") from None
    except subprocess.TimeoutExpired:
        raise PlatformError(f"npm did not fetch {pin} within {_LONGEST:.0f} s; check the network") from None
    except subprocess.CalledProcessError as error:
        reason = (error.stderr.strip().splitlines() or ["no reason given"])[0]
        raise PlatformError(f"npm could not fetch {pin} ({reason}); check the network") from None
    archive = into / done.stdout.strip().splitlines()[-1]
    verify(archive, pin)
    return archive


def verify(archive: Path, pin: Pin) -> None:
    """Compare an archive with its pinned hash (`sha512-` and base64, as npm writes it)."""
    digest = hashlib.sha512(archive.read_bytes()).digest()
    if f"sha512-{base64.b64encode(digest).decode()}" != pin.integrity:
        raise PlatformError(f"what npm gave as {pin} is not what viewer_config/ pins; empty npm's cache, try again")
