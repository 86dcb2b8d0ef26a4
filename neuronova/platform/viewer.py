"""OHIF as static files: unpacked, given its decoder, compressed beforehand, and linked into the data folder."""

from __future__ import annotations

import gzip
import os
import shutil
import sys
import tarfile
import tempfile
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path, PurePosixPath

from neuronova.platform import decoder
from neuronova.platform.errors import PlatformError
from neuronova.platform.layout import REPOSITORY, Layout
from neuronova.platform.package import Pin, fetch, read_pin

PINNED = REPOSITORY / "viewer_config" / "ohif.json"
CACHE = REPOSITORY / ".cache" / "viewer"

_COMPRESSIBLE = {".js", ".mjs", ".css", ".html", ".json", ".jsonc", ".wasm", ".svg", ".map", ".txt", ".xml"}
# In-browser AI (two thirds of the package), the packaged settings, and a service worker that would load
# scripts of another origin and that OHIF itself unregisters.
_LEFT_OUT = {"ort", "app-config.js", "sw.js", "google.js", "_headers", "_redirects", "serve.json"}


def read_pins() -> tuple[Pin, Pin]:
    """Read which packages the viewer is made of: OHIF and its HTJ2K decoder."""
    return read_pin(PINNED), read_pin(decoder.PINNED)


def folder_of(pins: Iterable[Pin], cache: Path = CACHE) -> Path:
    """Return where the viewer that is made of these packages is laid out."""
    return cache / "-".join(pin.version for pin in pins)


def wanted(name: str) -> PurePosixPath | None:
    """Return where a member of the archive is laid out; None for what is left out."""
    path = PurePosixPath(name)
    if path.parts[:2] != ("package", "dist") or len(path.parts) < 3 or path.parts[2] in _LEFT_OUT:
        return None
    return PurePosixPath(*path.parts[2:])


def cached(pins: tuple[Pin, Pin], cache: Path = CACHE) -> Path:
    """Return the folder of the laid out viewer; fetch it with npm and lay it out if it is not there yet."""
    folder = folder_of(pins, cache)
    if not folder.is_dir():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as temporary:
            ohif, codec = (fetch(pin, Path(temporary)) for pin in pins)
            fresh = Path(temporary) / "laid-out"
            unpack(ohif, fresh)
            decoder.install(fresh, decoder.read(codec))
            compress(fresh)
            _move(fresh, folder)
    return folder


def unpack(archive: Path, folder: Path) -> None:
    """Unpack the archive's site into `folder`."""
    with tarfile.open(archive) as tar:
        for member in tar:
            place = wanted(member.name)
            source = tar.extractfile(member) if place and member.isfile() else None
            if place and source:
                target = folder / place
                target.parent.mkdir(parents=True, exist_ok=True)
                with source, target.open("wb") as file:
                    shutil.copyfileobj(source, file)


def compress(folder: Path) -> None:
    """Put a `.gz` beside each file that shrinks, for the gateway to send."""
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
    pins = read_pins()
    version = " ".join(pin.integrity for pin in pins)
    stamp = layout.viewer / ".version"
    if stamp.is_file() and stamp.read_text() == version:
        return
    source = cached(pins)
    with tempfile.TemporaryDirectory(dir=layout.data, prefix=".viewer-") as temporary:
        fresh = Path(temporary) / "viewer"
        shutil.copytree(source, fresh, copy_function=_link_or_copy)
        (fresh / ".version").write_text(version)
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
        cached(read_pins())
    except PlatformError as error:
        print(f"neuronova: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
