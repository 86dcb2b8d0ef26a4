"""The viewer's decoder, exchanged in bundles as OHIF's are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from neuronova.platform import decoder, viewer
from neuronova.platform.decoder import Decoder, content_hash, exchange
from neuronova.platform.errors import PlatformError
from neuronova.platform.layout import Layout
from neuronova.platform.package import Pin, verify

SCRIPT = 'var Module = "new";\nif (typeof exports === "object") module.exports = Module;\n'
NEW = Decoder(SCRIPT, b"\0asm new")
OTHER = """\
24061(__unused_rspack___webpack_module__, __webpack_exports__, __webpack_require__) {
const openjpegWasm = new URL(/* asset import */__webpack_require__(87840), __webpack_require__.b);

},
"""
USE = """\
61648(__unused_rspack___webpack_module__, __webpack_exports__, __webpack_require__) {
/* import */ var _cornerstonejs_codec_openjph_wasmjs__rspack_import_0 = __webpack_require__(68112);

const openjphWasm = new URL(/* asset import */__webpack_require__(12342), __webpack_require__.b);
    pixelData = new pixelData.constructor(pixelDataArrayBuffer);
},
"""
FREED = USE.replace("ArrayBuffer);", "ArrayBuffer);\n    decoder.delete();")
OLD_SCRIPT = """\
68112(module, __unused_rspack_exports, __webpack_require__) {
var Module = (() => {
  var table = { a: 1,
  },
  old = "\\d";
})();
module.exports = Module;

},
"""
OLD_ADDRESS = """\
12342(module, __unused_rspack_exports, __webpack_require__) {
"use strict";
module.exports = __webpack_require__.p + "37fa160cc3a47cfd.wasm";

},
"""
BUNDLE = f"({{\n{OLD_SCRIPT}{OTHER}{OLD_ADDRESS}{USE}}});\n"


def test_the_decoder_is_exchanged_and_nothing_else() -> None:
    text, name = exchange(BUNDLE, NEW)
    assert re.fullmatch(r"[0-9a-f]{16}\.wasm", name)
    script = f"68112(module, exports, __webpack_require__) {{\n{SCRIPT}\n}},\n"
    address = (
        f'12342(module, exports, __webpack_require__) {{\nmodule.exports = __webpack_require__.p + "{name}";\n}},\n'
    )
    assert text == f"({{\n{script}{OTHER}{address}{FREED}}});\n"


def test_other_web_assembly_has_another_name() -> None:
    assert exchange(BUNDLE, NEW)[1] != exchange(BUNDLE, Decoder(SCRIPT, b"\0asm newer"))[1]


@pytest.mark.parametrize("part", [USE, OLD_SCRIPT, OLD_ADDRESS], ids=["use", "script", "address"])
@pytest.mark.parametrize("times", [0, 2])
def test_another_bundle_is_refused(part: str, times: int) -> None:
    with pytest.raises(PlatformError, match=rf"found {times} times.*2\.4\.11"):
        exchange(BUNDLE.replace(part, part * times), NEW)


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A page that names an application that names a worker."""
    (tmp_path / "index.html").write_text('<script src="/app.bundle.00000000000000aa.js">')
    (tmp_path / "app.bundle.00000000000000aa.js").write_text(BUNDLE + '{8097: "00000000000000bb",}')
    (tmp_path / "8097.bundle.00000000000000bb.js").write_text(BUNDLE)
    (tmp_path / "12.bundle.00000000000000cc.js").write_text(OTHER)
    return tmp_path


def test_what_changes_is_renamed_up_to_the_page(site: Path) -> None:
    before = {path.name: path.read_bytes() for path in site.iterdir()}
    decoder.install(site, NEW)
    page = (site / "index.html").read_text()
    application = next(path for path in site.glob("app.*") if path.name in page)
    worker = next(path for path in site.glob("8097.*") if path.name.split(".")[2] in application.read_text())
    for path in (application, worker):
        assert path.name not in before
        assert content_hash(path.read_bytes()) in path.name
        assert f"{content_hash(NEW.wasm)}.wasm" in path.read_text()
    assert (site / f"{content_hash(NEW.wasm)}.wasm").read_bytes() == NEW.wasm
    for name in before.keys() - {"index.html"}:  # for a page that is open
        assert (site / name).read_bytes() == before[name]


@pytest.mark.parametrize("name", ["app.bundle.00000000000000aa.js", "8097.bundle.00000000000000bb.js"])
def test_a_bundle_less_or_more_is_refused(site: Path, name: str) -> None:
    text = (site / name).read_text()
    (site / name).rename(site / "elsewhere")
    with pytest.raises(PlatformError, match="not where it was"):
        decoder.install(site, NEW)
    for other in (name, name.replace("00000000", "11111111")):
        (site / other).write_text(text)
    with pytest.raises(PlatformError, match="not where it was"):
        decoder.install(site, NEW)


def test_a_bundle_that_nothing_names_is_refused(site: Path) -> None:
    (site / "index.html").write_text("")
    with pytest.raises(PlatformError, match="00000000000000aa is named 0 times"):
        decoder.install(site, NEW)


def test_another_archive_is_refused(tmp_path: Path) -> None:
    archive = tmp_path / "codec.tgz"
    archive.write_bytes(b"changed")
    with pytest.raises(PlatformError, match=r"codec@1\.0 is not what viewer_config/ pins"):
        verify(archive, Pin("codec", "1.0", "sha512-AAAA"))


def test_a_viewer_of_other_packages_is_laid_out_anew(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    layout.viewer.mkdir()
    (layout.viewer / "index.html").write_text("old")
    (layout.viewer / ".version").write_text(viewer.read_pins()[0].integrity)  # before there was a decoder
    viewer.install(layout)
    page = (layout.viewer / "index.html").read_text()
    assert all((layout.viewer / name).is_file() for name in re.findall(r'src="/(app\.bundle\.\w+\.js)"', page))
    (layout.viewer / "index.html").unlink()
    viewer.install(layout)  # and what is up to date is left alone
    assert not (layout.viewer / "index.html").exists()
