"""What a test does in the viewer and reads from it."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from playwright.sync_api import Page, Response

from tests.server import until

# Of an image in cornerstone's cache: who it is, how it came, and its stored values.
_TOLD = """(id, image) => {
  const values = image.getPixelData();
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  let text = '';
  for (let at = 0; at < bytes.length; at += 0x8000) text += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
  return {
    instance: id.match(/\\/instances\\/([0-9.]+)\\//)[1],
    syntax: image.transferSyntaxUID,
    scaled: Boolean(image.isPreScaled),
    kind: values.constructor.name,
    rows: image.rows,
    columns: image.columns,
    values: btoa(text),
  };
}"""
_CACHED = f"""() => {{
  const {{ cache, getEnabledElements }} = window.cornerstone;
  return getEnabledElements()[0].viewport.getImageIds().map(id => ({_TOLD})(id, cache.getImage(id)));
}}"""
_WHOLE_STUDY = f"""() => {{
  const sets = window.services.displaySetService.getActiveDisplaySets();
  const ids = sets.flatMap(({{ imageIds, instances }}) => imageIds ?? instances.map(({{ imageId }}) => imageId));
  const {{ loadAndCacheImage }} = window.cornerstone.imageLoader;
  return Promise.all(ids.map(async id => ({_TOLD})(id, await loadAndCacheImage(id))));
}}"""
LOADED = """() => {
  const elements = window.cornerstone?.getEnabledElements() ?? [];
  const ids = elements[0]?.viewport.getImageIds() ?? [];
  return ids.filter(id => window.cornerstone.cache.getImage(id)).length;
}"""
# Distinct grey values on each viewport's canvas: an empty one has one.
DRAWN = """() => window.cornerstone.getEnabledElements().map(({ viewport }) => {
  const canvas = viewport.getCanvas();
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  const seen = new Set();
  for (let at = 0; at < data.length; at += 4) seen.add(data[at]);
  return { type: viewport.type, shades: seen.size };
})"""
_SHOWN = """index => {
  const { viewport } = window.cornerstone.getEnabledElements()[0];
  return viewport.setImageIdIndex(index).then(() => {
    const { lower, upper } = viewport.getProperties().voiRange;
    return [lower, upper];
  });
}"""
_KINDS = {"Int16Array": "<i2", "Uint16Array": "<u2", "Int8Array": "i1", "Uint8Array": "u1", "Float32Array": "<f4"}


@dataclass(frozen=True)
class CachedImage:
    """An image as the viewer holds it."""

    instance: str
    syntax: str
    scaled: bool
    values: NDArray[np.generic]


def _read(image: dict[str, Any]) -> CachedImage:
    cells = np.frombuffer(base64.b64decode(image["values"]), _KINDS[image["kind"]])
    values = cells.reshape(image["rows"], image["columns"], -1)
    return CachedImage(
        image["instance"], image["syntax"], image["scaled"], values[..., 0] if values.shape[2] == 1 else values
    )


class Viewing:
    """A page of the viewer, and what went over the wire."""

    def __init__(self, page: Page, origin: str) -> None:
        self.page = page
        self.complaints: list[str] = []
        self.asked: set[str] = set()
        self.frames: list[Response] = []
        self._origin = origin
        page.on("pageerror", lambda error: self.complaints.append(f"page: {error}"))
        page.on("response", self._on_response)

    def _on_response(self, response: Response) -> None:
        self.asked.add(response.url)
        if not response.url.startswith((self._origin, "data:", "blob:")):
            self.complaints.append(f"asked {response.url}")
        if response.status >= 400:
            self.complaints.append(f"{response.status} {response.url}")
        if "/frames/" in response.url:
            self.frames.append(response)

    def open_list(self) -> None:
        self.page.goto("/")
        self.page.get_by_text("Study List").first.wait_for()

    def open_study_of(self, patient: str) -> None:
        """Open a patient's study from the list, as a person does."""
        self.page.get_by_text(patient, exact=True).first.dblclick()
        self.page.wait_for_url("**/viewer?**")

    def until_loaded(self, count: int) -> None:
        until(lambda: self.page.evaluate(LOADED) == count, f"{count} images in the viewer's cache")

    def cached(self) -> list[CachedImage]:
        """Return what the first viewport holds."""
        return [_read(image) for image in self.page.evaluate(_CACHED)]

    def whole_study(self) -> list[CachedImage]:
        """Return each image of the study, of series that no viewport shows too."""
        return [_read(image) for image in self.page.evaluate(_WHOLE_STUDY)]

    def drawn(self) -> list[tuple[str, int]]:
        """Return each viewport's type and how many shades of grey it shows."""
        return [(one["type"], one["shades"]) for one in self.page.evaluate(DRAWN)]

    def range_of(self, index: int) -> tuple[float, float]:
        """Show an image of the first viewport's series; return the values that are black and white."""
        lower, upper = self.page.evaluate(_SHOWN, index)
        return lower, upper
