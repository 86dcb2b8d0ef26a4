"""The viewer's HTJ2K decoder: the release build in place of OHIF's, which is a debug build and eight times slower.

docs/htj2k.md says when this module can go.
"""

from __future__ import annotations

import hashlib
import re
import tarfile
from dataclasses import dataclass
from pathlib import Path

from neuronova.platform.errors import PlatformError
from neuronova.platform.layout import REPOSITORY

PINNED = REPOSITORY / "viewer_config" / "decoder.json"

# Where a bundle uses the decoder's two modules, which tells their numbers: its script, and where its WebAssembly is.
_SCRIPT = r"codec_openjph_wasmjs__rspack_import_\d+ = __webpack_require__\((\d+)\)"
_ADDRESS = r"openjphWasm = new URL\(/\* asset import \*/__webpack_require__\((\d+)\)"
# A module from its number to the brace that closes it, the only one at the beginning of a line.
_MODULE = r"^{number}\(module, .*?^}},$"
# OHIF makes a decoder for each picture and gives none back; after some thousand CT slices a worker's memory is full.
# Here it has copied the pixels and reads nothing more from the decoder.
_DONE = r"pixelData = new pixelData\.constructor\(pixelDataArrayBuffer\);"


@dataclass(frozen=True)
class Decoder:
    """The package's two files: a CommonJS module, and the WebAssembly that it loads."""

    script: str
    wasm: bytes


def read(archive: Path) -> Decoder:
    """Read the decoder from the package's archive."""
    with tarfile.open(archive) as tar:
        script, wasm = (tar.extractfile(f"package/dist/openjphjs.{kind}") for kind in ("js", "wasm"))
        if script is None or wasm is None:
            raise PlatformError(f"{archive.name} does not hold the decoder's files; look at viewer_config/decoder.json")
        with script, wasm:
            return Decoder(script.read().decode(), wasm.read())


def exchange(bundle: str, decoder: Decoder) -> tuple[str, str]:
    """Return a bundle with `decoder` in place of its own, and the name under which it asks for the WebAssembly.

    What a decoder holds is freed when its picture has been decoded.
    """
    name = f"{content_hash(decoder.wasm)}.wasm"
    script, address = _only(_SCRIPT, bundle)[1], _only(_ADDRESS, bundle)[1]
    bundle = _with_module(bundle, script, decoder.script)
    bundle = _with_module(bundle, address, f'module.exports = __webpack_require__.p + "{name}";')
    end = _only(_DONE, bundle).end()
    return f"{bundle[:end]}\n    decoder.delete();{bundle[end:]}", name


def _with_module(bundle: str, number: str, body: str) -> str:
    found = _only(_MODULE.format(number=number), bundle)
    module = f"{number}(module, exports, __webpack_require__) {{\n{body}\n}},"
    return bundle[: found.start()] + module + bundle[found.end() :]


def _only(pattern: str, text: str) -> re.Match[str]:
    found = list(re.finditer(pattern, text, re.MULTILINE | re.DOTALL))
    if len(found) != 1:
        raise _unexpected(f"`{pattern}` is found {len(found)} times")
    return found[0]


def _unexpected(what: str) -> PlatformError:
    return PlatformError(
        f"OHIF's HTJ2K decoder is not where it was ({what}). If this version of OHIF has @cornerstonejs/codec-openjph "
        "2.4.11 or a later one and deletes each decoder it makes, delete neuronova/platform/decoder.py and its call; "
        "else adapt its patterns"
    )


def content_hash(data: bytes) -> str:
    """Return what stands in the names of files that never change; the gateway lets browsers keep those for ever."""
    return hashlib.sha256(data).hexdigest()[:16]


def install(folder: Path, decoder: Decoder) -> None:
    """Give the viewer in `folder` the decoder.

    What changes gets another name, and so does what names it, up to the page, which browsers ask for anew each time:
    a browser runs all of the old viewer or all of the new one. The old files stay, for pages that are open.
    """
    worker, application = _bundles(folder)
    changed = None
    for path in (worker, application):
        text, wasm = exchange(path.read_bytes().decode(), decoder)
        text = _renamed(text, *changed) if changed else text
        changed = path.name.split(".")[-2], content_hash(text.encode())
        path.with_name(path.name.replace(*changed)).write_bytes(text.encode())
        (folder / wasm).write_bytes(decoder.wasm)
    if changed:
        page = folder / "index.html"
        page.write_bytes(_renamed(page.read_bytes().decode(), *changed).encode())


def _bundles(folder: Path) -> tuple[Path, Path]:
    """Return the worker that decodes and the application that starts it; both have the decoder in them."""
    with_decoder = [path for path in folder.glob("*.bundle.*.js") if b"openjphWasm = " in path.read_bytes()]
    applications = [path for path in with_decoder if path.name.startswith("app.")]
    workers = [path for path in with_decoder if not path.name.startswith("app.")]
    if len(applications) != 1 or len(workers) != 1:
        raise _unexpected("in " + (", ".join(sorted(path.name for path in with_decoder)) or "no bundle"))
    return workers[0], applications[0]


def _renamed(text: str, old: str, new: str) -> str:
    if text.count(old) != 1:
        raise _unexpected(f"a bundle's hash {old} is named {text.count(old)} times")
    return text.replace(old, new)
