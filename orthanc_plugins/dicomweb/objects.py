"""Retrieve a study, series or instance as DICOM objects (PS3.18 10.4.1.1.1), one object in memory at a time."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import asdict
from http import HTTPStatus
from pathlib import Path

from orthanc_plugins.answer import Answer, MultipartAnswer, error
from orthanc_plugins.dicomweb.accept import parse_accept
from orthanc_plugins.dicomweb.archive import Archive, Located
from orthanc_plugins.dicomweb.images import Image, Images, Vanished
from orthanc_plugins.dicomweb.multipart import only_part
from orthanc_plugins.dicomweb.negotiation import DICOM, Form, choose_objects
from orthanc_plugins.dicomweb.request import Request
from orthanc_plugins.dicomweb.route import Route
from orthanc_plugins.dicomweb.stock import Stock
from orthanc_plugins.processes import Crew
from orthanc_plugins.transcoding.transfer_syntax import EXPLICIT_VR_LITTLE_ENDIAN, HTJ2K_LOSSLESS_RPCL

STOCK_EXPLICIT = f'multipart/related; type="{DICOM}"; transfer-syntax={EXPLICIT_VR_LITTLE_ENDIAN}'


class Unavailable(Exception):
    """An instance cannot be had in the form that was asked for."""


class Objects:
    """Answers requests for whole objects."""

    def __init__(self, archive: Archive, images: Images, crew: Crew, stock: Stock) -> None:
        self._archive = archive
        self._images = images
        self._crew = crew
        self._stock = stock

    def answer(self, request: Request, route: Route) -> Answer | MultipartAnswer:
        """Answer in the form that the client wants most."""
        one = route.instance is not None
        choice = choose_objects(parse_accept(request.headers.get("accept")), one=one)
        if choice is None:
            return error(
                HTTPStatus.NOT_ACCEPTABLE,
                f"Objects can be had as {DICOM}, in multipart/related or, one instance, without it",
            )
        located = self._archive.locate(route.study, route.series, route.instance)
        if choice.form is Form.STOCK or located is None:
            return self._stock.pass_on(request)
        files = self._files(request, located, choice.form)
        try:
            first = next(files, None)
        except Unavailable as unavailable:
            return error(HTTPStatus.NOT_ACCEPTABLE, str(unavailable))
        if first is None:
            return self._stock.pass_on(request)
        if choice.multipart:
            return MultipartAnswer(DICOM, itertools.chain([first], files))
        return Answer(first, DICOM)

    def _files(self, request: Request, located: Located, form: Form) -> Iterator[bytes]:
        for instance in self._archive.instances_of(located):
            try:
                yield self._file(request, instance, form)
            except Vanished:
                continue  # deleted since the list was made

    def _file(self, request: Request, instance: Located, form: Form) -> bytes:
        study, series, sop = instance.uids
        image = self._images.find((study, series, sop))
        if image is None:
            raise Vanished(instance.identifier)
        if form is Form.STORED:
            return self._stored(image)
        if form is Form.HTJ2K and not image.skipped:
            return self._htj2k(image)
        if form is Form.HTJ2K and self._has_pixels(image):
            raise Unavailable(f"Instance {sop} cannot be had in HTJ2K; transfer-syntax=* gives it as stored")
        return self._explicit(request, instance, image)

    def _stored(self, image: Image) -> bytes:
        if image.stored_path is not None:
            try:
                return Path(image.stored_path).read_bytes()
            except FileNotFoundError as gone:
                raise Vanished(image.identifier) from gone
        content = self._archive.content("instances", image.identifier, "dicom")
        if content is None:
            raise Vanished(image.identifier)
        return content

    def _htj2k(self, image: Image) -> bytes:
        attached = None if image.container is None or image.attached is None else asdict(image.attached)
        if image.container is not None and image.container.header.transfer_syntax != HTJ2K_LOSSLESS_RPCL:
            raise Unavailable(f"Received as {image.container.header.transfer_syntax}")
        return self._ask("htj2k_file", image, attached=attached)

    def _explicit(self, request: Request, instance: Located, image: Image) -> bytes:
        syntax = self._archive.get(f"/instances/{image.identifier}/metadata/TransferSyntax")
        if syntax == EXPLICIT_VR_LITTLE_ENDIAN:
            return self._stored(image)
        if not image.skipped:
            return self._ask("explicit_file", image)
        answer = self._stock.pass_on(request.for_path(instance.path).accepting(STOCK_EXPLICIT))
        if answer.status != HTTPStatus.OK:
            raise Unavailable(f"Instance {instance.uids[-1]} cannot be had in Explicit VR Little Endian")
        return only_part(answer)

    def _has_pixels(self, image: Image) -> bool:
        return self._archive.skip_reason(image.identifier) != "no_pixel_data"

    def _ask(self, task: str, image: Image, **more: object) -> bytes:
        reply = self._crew.ask({"task": task, "instance": image.identifier, "stored": asdict(image.stored), **more})
        match reply.state:
            case "done":
                return reply.parts[0]
            case "gone":
                raise Vanished(image.identifier)
            case "skipped":
                raise Unavailable(f"The instance cannot be had in this form: {reply.head['reason']}")
        raise RuntimeError(f"{task}: {reply.head}")
