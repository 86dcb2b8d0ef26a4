"""Retrieve Frames (PS3.18 10.4.1.1.3): as stored in HTJ2K, or as Explicit VR Little Endian."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from http import HTTPStatus

from orthanc_plugins.answer import Answer, error
from orthanc_plugins.dicomweb.accept import parse_accept
from orthanc_plugins.dicomweb.images import Image, Images, Vanished
from orthanc_plugins.dicomweb.multipart import multipart_answer, only_part
from orthanc_plugins.dicomweb.negotiation import JPHC, OCTET_STREAM, Choice, Form, choose_frames
from orthanc_plugins.dicomweb.request import Request
from orthanc_plugins.dicomweb.route import Route
from orthanc_plugins.dicomweb.stock import Stock
from orthanc_plugins.processes import Crew, Reply
from orthanc_plugins.transcoding.transfer_syntax import EXPLICIT_VR_LITTLE_ENDIAN, HTJ2K_LOSSLESS_RPCL

TRIES = 3  # an image may be overwritten or published between looking it up and reading it
STOCK_EXPLICIT = f'multipart/related; type="{OCTET_STREAM}"'


class Frames:
    """Answers requests for frames."""

    def __init__(self, images: Images, crew: Crew, stock: Stock) -> None:
        self._images = images
        self._crew = crew
        self._stock = stock

    def answer(self, request: Request, route: Route) -> Answer:
        """Answer in the form that the client wants most of those there are."""
        assert route.series is not None and route.instance is not None  # noqa: S101 - for the type checker
        uids = (route.study, route.series, route.instance)
        for _ in range(TRIES):
            image = self._images.find(uids)
            if image is None:
                return self._stock.pass_on(request)  # which words the error
            try:
                return self._answer(request, image, [number - 1 for number in route.frames])
            except Vanished:
                self._images.forget(uids)
        return error(HTTPStatus.SERVICE_UNAVAILABLE, "The instance is being replaced; try again in a moment")

    def _answer(self, request: Request, image: Image, indices: Sequence[int]) -> Answer:
        container = image.container
        if container is not None and max(indices) >= container.number_of_frames:
            plural = "frame" if container.number_of_frames == 1 else "frames"
            details = f"The instance has {container.number_of_frames} {plural}, counted from 1"
            return error(HTTPStatus.BAD_REQUEST, details)
        syntax = None if image.skipped else HTJ2K_LOSSLESS_RPCL
        if container is not None:
            syntax = container.header.transfer_syntax
        choice = choose_frames(parse_accept(request.headers.get("accept")), syntax, len(indices))
        if choice is None:
            return error(HTTPStatus.NOT_ACCEPTABLE, _not_acceptable(syntax))
        if choice.form is Form.HTJ2K and syntax is not None:
            return self._htj2k(request, image, indices, choice, syntax)
        if choice.form is Form.EXPLICIT:
            return self._explicit(request, image, indices, choice)
        return self._stock.pass_on(request)

    def _htj2k(self, request: Request, image: Image, indices: Sequence[int], choice: Choice, syntax: str) -> Answer:
        if image.container is not None:
            return _framed(request, indices, self._images.codestreams(image, indices), JPHC, syntax, choice)
        reply = self._ask("codestreams", image, indices)
        if reply.state == "done":
            self._crew.call()
            return _framed(request, indices, reply.parts, JPHC, reply.head["transfer_syntax"], choice)
        if reply.state == "skipped":
            # Found out just now that there is no HTJ2K of it.
            return self._answer(request, replace(image, skipped=True), indices)
        return _failed(reply, "encoded")

    def _explicit(self, request: Request, image: Image, indices: Sequence[int], choice: Choice) -> Answer:
        syntax = choice.transfer_syntax or EXPLICIT_VR_LITTLE_ENDIAN
        frames = self._images.native_frames(image, indices)
        if frames is not None:
            return _framed(request, indices, frames, OCTET_STREAM, syntax, choice)
        if image.skipped:
            answer = self._stock.pass_on(request.accepting(STOCK_EXPLICIT))
            if answer.status == HTTPStatus.OK and not choice.multipart:
                return Answer(only_part(answer), f"{OCTET_STREAM}; transfer-syntax={EXPLICIT_VR_LITTLE_ENDIAN}")
            if answer.status < HTTPStatus.INTERNAL_SERVER_ERROR:
                return answer
        reply = self._ask("native_frames", image, indices)
        if reply.state == "done":
            return _framed(request, indices, reply.parts, OCTET_STREAM, syntax, choice)
        return _failed(reply, "decoded")

    def _ask(self, task: str, image: Image, indices: Sequence[int]) -> Reply:
        request = {"instance": image.identifier, "stored": asdict(image.stored), "indices": indices}
        reply = self._crew.ask({"task": task, **request})
        if reply.state == "gone":
            raise Vanished(image.identifier)
        return reply


def _framed(
    request: Request, indices: Sequence[int], frames: Sequence[bytes], media_type: str, syntax: str, choice: Choice
) -> Answer:
    if not choice.multipart:
        return Answer(frames[0], f"{media_type}; transfer-syntax={syntax}")
    base = f"{request.public_base}/{request.path.strip('/').rpartition('/')[0]}"
    locations = (f"{base}/{index + 1}" for index in indices)
    return multipart_answer(media_type, syntax, zip(locations, frames, strict=True))


def _failed(reply: Reply, what: str) -> Answer:
    if reply.state == "no_frame":
        return error(HTTPStatus.BAD_REQUEST, "The instance has fewer frames; they are counted from 1")
    if reply.state == "skipped":
        return error(HTTPStatus.NOT_FOUND, f"The instance has no frame that can be {what}: {reply.head['reason']}")
    return error(HTTPStatus.INTERNAL_SERVER_ERROR, f"The frame could not be {what}: {reply.head['detail']}")


def _not_acceptable(syntax: str | None) -> str:
    forms = [f"{OCTET_STREAM} (Explicit VR Little Endian)"]
    if syntax is not None:
        forms.append(f"{JPHC} (transfer-syntax={syntax})")
    return "These frames can be had as " + " and ".join(forms) + ", in multipart/related, or one frame without it"
