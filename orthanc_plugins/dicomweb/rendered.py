"""Retrieve Rendered and Thumbnail (PS3.18 10.4.1.1.3 and 8.3.5): a picture for the eye."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from orthanc_plugins.answer import Answer, error
from orthanc_plugins.dicomweb.accept import parse_accept
from orthanc_plugins.dicomweb.archive import Archive, Located
from orthanc_plugins.dicomweb.images import Images
from orthanc_plugins.dicomweb.request import Request
from orthanc_plugins.dicomweb.route import Kind, Route
from orthanc_plugins.dicomweb.stock import Stock
from orthanc_plugins.processes import Crew

JPEG, PNG, PDF = "image/jpeg", "image/png", "application/pdf"
THUMBNAIL = (128, 128)  # columns, rows
LARGEST = 8192  # columns or rows of a viewport
FUNCTIONS = {"linear": "LINEAR", "linear-exact": "LINEAR_EXACT", "sigmoid": "SIGMOID"}


class OddArgument(ValueError):
    """An argument of the query cannot be read; the message names it."""


@dataclass(frozen=True, slots=True)
class Appearance:
    """How a picture is to look (PS3.18 8.3.5.1): viewport in columns and rows, window, JPEG quality."""

    viewport: tuple[int, int] | None
    window: tuple[float, float, str] | None
    quality: int


def read_appearance(arguments: Mapping[str, str]) -> Appearance:
    """Read the rendering arguments of a query.

    Raises:
        OddArgument: one of them is not what PS3.18 8.3.5.1 says.
    """
    return Appearance(
        viewport=_viewport(arguments.get("viewport")),
        window=_window(arguments.get("window")),
        quality=_quality(arguments.get("quality", "90")),
    )


def _viewport(text: str | None) -> tuple[int, int] | None:
    if not text:
        return None
    numbers = text.split(",")
    if len(numbers) != 2 or not all(n.isdecimal() and 0 < int(n) <= LARGEST for n in numbers):
        raise OddArgument(f"viewport takes columns and rows from 1 to {LARGEST}, such as viewport=512,512")
    return int(numbers[0]), int(numbers[1])


def _window(text: str | None) -> tuple[float, float, str] | None:
    if not text:
        return None
    try:
        center, width, *function = text.split(",")
        name = FUNCTIONS[function[0].lower()] if function else "LINEAR"
        values = float(center), float(width)
    except (ValueError, KeyError):
        raise OddArgument("window takes centre, width and function, such as window=40,80,linear") from None
    if not 0 < values[1] < 1e9 or abs(values[0]) > 1e9:
        raise OddArgument("window takes a width above 0")
    return *values, name


def _quality(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 100:
        raise OddArgument("quality takes a number from 1 to 100")
    return int(text)


class Rendered:
    """Answers requests for pictures."""

    def __init__(self, archive: Archive, images: Images, crew: Crew, stock: Stock) -> None:
        self._archive = archive
        self._images = images
        self._crew = crew
        self._stock = stock

    def answer(self, request: Request, route: Route) -> Answer:
        """Render the frame asked for, else the first; of a series or study, the middle instance."""
        document = self._document(request, route)
        if document is not None:
            return Answer(document, PDF)
        media_type = _media_type(request)
        if media_type is None:
            return self._stock.pass_on(request)
        try:
            appearance = read_appearance(request.arguments)
        except OddArgument as odd:
            return error(400, str(odd))
        if len(route.frames) > 1:
            return error(406, "One frame at a time can be rendered")
        located = self._archive.locate(route.study, route.series, route.instance)
        instance = None if located is None else self._representative(located)
        if instance is None:
            return self._stock.pass_on(request)
        return self._render(request, route, instance, appearance, media_type)

    def _document(self, request: Request, route: Route) -> bytes | None:
        """Return an instance's PDF, which is rendered as it is (PS3.18 8.7.4)."""
        if route.instance is None or route.frames or route.kind is not Kind.RENDERED or not _takes_pdf(request):
            return None
        located = self._archive.locate(route.study, route.series, route.instance)
        return None if located is None else self._archive.encapsulated_pdf(located.identifier)

    def _representative(self, located: Located) -> Located | None:
        instances = list(self._archive.instances_of(located))
        return instances[len(instances) // 2] if instances else None

    def _render(
        self, request: Request, route: Route, instance: Located, appearance: Appearance, media_type: str
    ) -> Answer:
        study, series, sop = instance.uids
        image = self._images.find((study, series, sop))
        if image is None:
            return self._stock.pass_on(request)
        viewport = appearance.viewport or (THUMBNAIL if route.kind is Kind.THUMBNAIL else None)
        task: dict[str, Any] = {
            "task": "rendered",
            "instance": image.identifier,
            "stored": asdict(image.stored),
            "attached": None if image.container is None or image.attached is None else asdict(image.attached),
            "index": route.frames[0] - 1 if route.frames else 0,
            "media_type": media_type,
            "viewport": viewport,
            "window": appearance.window,
            "quality": appearance.quality,
        }
        reply = self._crew.ask(task)
        match reply.state:
            case "done":
                return Answer(reply.parts[0], media_type)
            case "no_frame":
                return error(400, "The instance has fewer frames; they are counted from 1")
            case "skipped" | "gone":
                return self._stock.pass_on(request)
        return error(500, f"The frame could not be rendered: {reply.head['detail']}")


def _takes_pdf(request: Request) -> bool:
    accepted = parse_accept(request.headers.get("accept"))
    return any(not one.multipart and one.media_type in (PDF, "application/*", "*/*") for one in accepted)


def _media_type(request: Request) -> str | None:
    for accepted in parse_accept(request.headers.get("accept")):
        if accepted.multipart:
            return None
        if accepted.media_type in (JPEG, "image/*", "*/*"):
            return JPEG
        if accepted.media_type == PNG:
            return PNG
    return None
