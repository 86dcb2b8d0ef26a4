"""OHIF as static files: unpacked, compressed beforehand, and linked into the data folder."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from neuronova.platform.errors import PlatformError
from neuronova.platform.layout import REPOSITORY, Layout

PINNED = REPOSITORY / "viewer_config" / "ohif.json"
CACHE = REPOSITORY / ".cache" / "viewer"

_COMPRESSIBLE = {".js", ".mjs", ".css", ".html", ".json", ".jsonc", ".wasm", ".svg", ".map", ".txt", ".xml"}
# In-browser AI (two thirds of the package), the packaged settings, and a service worker that would load
# scripts of another origin and that OHIF itself unregisters.
_LEFT_OUT = {"ort", "app-config.js", "sw.js", "google.js", "_headers", "_redirects", "serve.json"}


@dataclass(frozen=True)
class Pin:
    """Which package the viewer is, and the hash of its archive."""

    package: str
    version: str
    integrity: str


def read_pin(path: Path = PINNED) -> Pin:
    """Read the pinned version."""
    return Pin(**json.loads(path.read_text()))


def wanted(name: str) -> PurePosixPath | None:
    """Return where a member of the archive is laid out; None for what is left out."""
    path = PurePosixPath(name)
    if path.parts[:2] != ("package", "dist") or len(path.parts) < 3 or path.parts[2] in _LEFT_OUT:
        return None
    return PurePosixPath(*path.parts[2:])


def verify(archive: Path, integrity: str) -> None:
    """Compare the archive with its pinned hash (`sha512-` and base64, as npm writes it)."""
    digest = hashlib.sha512(archive.read_bytes()).digest()
    if f"sha512-{base64.b64encode(digest).decode()}" != integrity:
        raise PlatformError(f"{archive.name} is not the viewer that viewer_config/ohif.json pins; delete it, try again")


def cached(pin: Pin, cache: Path = CACHE) -> Path:
    """Return the folder of the laid out viewer; fetch it with npm and lay it out if it is not there yet."""
    folder = cache / pin.version
    if not folder.is_dir():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as temporary:
            archive = _fetch(pin, Path(temporary))
            verify(archive, pin.integrity)
            lay_out(archive, Path(temporary) / "laid-out")
            _move(Path(temporary) / "laid-out", folder)
    return folder


def _fetch(pin: Pin, into: Path) -> Path:
    command = ["npm", "pack", f"{pin.package}@{pin.version}", "--silent", "--pack-destination", str(into)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=into)
    except FileNotFoundError:
        raise PlatformError("npm is not installed; install Node.js with npm, then run this again") from None
    except subprocess.CalledProcessError as error:
        reason = (error.stderr.strip().splitlines() or ["no reason given"])[0]
        raise PlatformError(f"npm could not fetch {pin.package}@{pin.version} ({reason}); check the network") from None
    return into / done.stdout.strip().splitlines()[-1]


def lay_out(archive: Path, folder: Path) -> None:
    """Unpack the archive's site into `folder` and put a `.gz` beside each file that shrinks."""
    with tarfile.open(archive) as tar:
        for member in tar:
            place = wanted(member.name)
            source = tar.extractfile(member) if place and member.isfile() else None
            if place and source:
                target = folder / place
                target.parent.mkdir(parents=True, exist_ok=True)
                with source, target.open("wb") as file:
                    shutil.copyfileobj(source, file)
    files = [path for path in folder.rglob("*") if path.suffix in _COMPRESSIBLE]
    # The largest first, so that no core is left with one of them at the end.
    files.sort(key=lambda path: path.stat().st_size, reverse=True)
    with ProcessPoolExecutor() as pool:
        list(pool.map(_compress, files))


def _compress(path: Path) -> None:
    data = path.read_bytes()
    packed = gzip.compress(data, compresslevel=6, mtime=0)
    if len(packed) < len(data):
        path.with_name(path.name + ".gz").write_bytes(packed)


def _move(folder: Path, to: Path) -> None:
    try:
        folder.rename(to)
    except OSError:
        if not to.is_dir():  # or else another install was faster, with the same content
            raise


def install(layout: Layout) -> None:
    """Bring the pinned viewer into the data folder, by hard links where it is on the same filesystem."""
    pin = read_pin()
    stamp = layout.viewer / ".version"
    if stamp.is_file() and stamp.read_text() == pin.integrity:
        return
    source = cached(pin)
    with tempfile.TemporaryDirectory(dir=layout.data, prefix=".viewer-") as temporary:
        fresh = Path(temporary) / "viewer"
        shutil.copytree(source, fresh, copy_function=_link_or_copy)
        (fresh / ".version").write_text(pin.integrity)
        if layout.viewer.exists():
            layout.viewer.rename(Path(temporary) / "old")
        fresh.rename(layout.viewer)


def _link_or_copy(source: str, target: str) -> str:
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
    return target


def main() -> int:
    """Lay the viewer out into the cache (for install.sh)."""
    try:
        cached(read_pin())
    except PlatformError as error:
        print(f"neuronova: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
