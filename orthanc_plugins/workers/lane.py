"""The lane worker: does at once what a reader waits for, one request at a time, at normal priority.

`python -m orthanc_plugins.workers.lane SURROUNDINGS`, started by the plugin, which asks over a socket. Decoders
read hostile files here and not in Orthanc's own process.
"""

from __future__ import annotations

import contextlib
import json
import logging
import sys
import time
from collections.abc import Callable, Iterator
from datetime import time as clock
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from orthanc_plugins.journal import Journal
from orthanc_plugins.series_metadata import pack
from orthanc_plugins.stored import HTJ2K_ATTACHMENT, StoredFile
from orthanc_plugins.transcoding import transfer_syntax
from orthanc_plugins.transcoding.composing import compose_explicit, compose_htj2k
from orthanc_plugins.transcoding.container import container_file, read_container, read_frame
from orthanc_plugins.transcoding.decoding import raw_frame
from orthanc_plugins.transcoding.eligibility import Skipped
from orthanc_plugins.transcoding.encoding import encode_file, encode_frames
from orthanc_plugins.transcoding.rendering import render
from orthanc_plugins.transcoding.source import open_source, read_transfer_syntax
from orthanc_plugins.workers.client import Gone
from orthanc_plugins.workers.judging import judge
from orthanc_plugins.workers.lifeline import Lifeline
from orthanc_plugins.workers.metadata import attach, read_series
from orthanc_plugins.workers.publishing import Changed, publish
from orthanc_plugins.workers.surroundings import Surroundings, set_up_process
from orthanc_plugins.workers.workshop import Workshop, open_workshop

log = logging.getLogger(__name__)

Request = dict[str, Any]
Reply = tuple[dict[str, Any], list[bytes]]
AfterReply = Callable[[], None]


def _stored(request: Request) -> StoredFile:
    return StoredFile(**request["stored"])


def codestreams(workshop: Workshop, name: str, request: Request) -> tuple[Reply, AfterReply | None]:
    """Encode the frames `indices` of an instance that has no attachment yet; afterwards keep them.

    What arrived in HTJ2K is given as it came, and becomes what the workers make of it.
    """
    instance, indices = request["instance"], request["indices"]
    with workshop.content(instance, "dicom", _stored(request)) as path:
        syntax = read_transfer_syntax(path)
        if syntax in transfer_syntax.HTJ2K:
            with open_source(path) as source:
                frames = [source.frame_bytes(index) for index in indices]
            return ({"transfer_syntax": syntax}, frames), _keeper(workshop, name, instance, None)
        frames, count = encode_frames(path, indices)
    ready = dict(zip(indices, frames, strict=True))
    keep = _keeper(workshop, name, instance, ready if len(ready) == count else None)
    return ({"transfer_syntax": transfer_syntax.HTJ2K_LOSSLESS_RPCL}, frames), keep


def _keeper(workshop: Workshop, name: str, instance: str, ready: dict[int, bytes] | None) -> AfterReply:
    """Publish at once what is complete; of a large multi-frame object the workers make the rest next."""
    journal = workshop.journal

    def keep() -> None:
        if ready is None or not workshop.room.left():
            journal.hurry(instance, time.time())
        elif journal.take_this(instance, name, time.time()) is not None:
            _publish_taken(workshop, journal, instance, ready)

    return keep


def _publish_taken(workshop: Workshop, journal: Journal, instance: str, ready: dict[int, bytes]) -> None:
    try:
        journal.finish(publish(workshop, instance, ready=ready), time.time())
    except Gone:
        journal.drop(instance, time.time())
    except Changed:
        journal.put_back(instance, time.time())
    except Exception:
        log.exception("instance %s was served and could not be kept; a worker tries again", instance)
        journal.put_back(instance, time.time())


def native_frames(workshop: Workshop, _name: str, request: Request) -> tuple[Reply, None]:
    """Decode frames to what they are in Explicit VR Little Endian."""
    with workshop.content(request["instance"], "dicom", _stored(request)) as path:
        return ({}, [raw_frame(path, index) for index in request["indices"]]), None


def explicit_file(workshop: Workshop, _name: str, request: Request) -> tuple[Reply, None]:
    """Write an instance as a DICOM file in Explicit VR Little Endian."""
    with (
        workshop.folder() as folder,
        workshop.content(request["instance"], "dicom", _stored(request)) as path,
    ):
        compose_explicit(path, folder / "file.dcm")
        return ({}, [(folder / "file.dcm").read_bytes()]), None


@contextlib.contextmanager
def _container(workshop: Workshop, request: Request, folder: Path, path: Path) -> Iterator[Path]:
    """Give the attachment of an instance, or make one where there is none yet."""
    if request["attached"] is None:
        encode_file(path, _stored(request).md5, folder / "htj2k")
        yield folder / "htj2k"
    else:
        with workshop.content(request["instance"], HTJ2K_ATTACHMENT, StoredFile(**request["attached"])) as attached:
            yield attached


def htj2k_file(workshop: Workshop, _name: str, request: Request) -> tuple[Reply, None]:
    """Write an instance as a DICOM file in the transfer syntax of its attachment."""
    with (
        workshop.folder() as folder,
        workshop.content(request["instance"], "dicom", _stored(request)) as path,
        _container(workshop, request, folder, path) as container,
    ):
        with container_file(container) as read:
            compose_htj2k(path, read, folder / "file.dcm")
        return ({}, [(folder / "file.dcm").read_bytes()]), None


def rendered(workshop: Workshop, _name: str, request: Request) -> tuple[Reply, None]:
    """Render one frame for the eye."""
    with workshop.content(request["instance"], "dicom", _stored(request)) as path:
        image = render(
            path,
            _codestream(workshop, request),
            request["index"],
            media_type=request["media_type"],
            viewport=request["viewport"],
            window=request["window"],
            quality=request["quality"],
        )
    return ({}, [image]), None


def _codestream(workshop: Workshop, request: Request) -> bytes | None:
    """Return the frame's HTJ2K where there is one: it decodes cheaply to a smaller picture."""
    if request["attached"] is None:
        return None
    attached = StoredFile(**request["attached"])
    with (
        workshop.content(request["instance"], HTJ2K_ATTACHMENT, attached) as path,
        container_file(path) as read,
    ):
        return read_frame(read, read_container(read), request["index"])


def series_metadata(workshop: Workshop, _name: str, request: Request) -> tuple[Reply, AfterReply]:
    """Read a series' metadata; afterwards keep it with the series."""
    content = pack(request["fingerprint"], read_series(workshop, request["series"], request["path"]))
    return ({}, [content]), lambda: attach(workshop.client, request["series"], content)


def judge_series(workshop: Workshop, _name: str, request: Request) -> tuple[Reply, None]:
    """Say what the rules say of a series."""
    at = clock.fromisoformat(request["at"])
    rules, forwarding = request["rules"], request["forwarding"]
    said = judge(workshop, request["series"], request["path"], request["files"], rules, forwarding, at)
    return (said, []), None


TASKS: dict[str, Callable[[Workshop, str, Request], tuple[Reply, AfterReply | None]]] = {
    task.__name__: task
    for task in (
        codestreams,
        native_frames,
        explicit_file,
        htj2k_file,
        rendered,
        series_metadata,
        judge_series,
    )
}


def serve(connection: Connection, workshop: Workshop, name: str) -> None:
    """Answer requests until the connection ends."""
    while True:
        try:
            request = json.loads(connection.recv_bytes())
        except EOFError:
            return
        after = None
        try:
            (head, payload), after = TASKS[request.pop("task")](workshop, name, request)
            head = {"state": "done", **head}
        except Skipped as skipped:
            head, payload = {"state": "skipped", "reason": str(skipped.reason), "detail": skipped.detail}, []
        except (Gone, FileNotFoundError):
            head, payload = {"state": "gone"}, []
        except IndexError:
            head, payload = {"state": "no_frame"}, []
        except Exception as error:
            log.exception("request failed")
            head, payload = {"state": "failed", "detail": repr(error)}, []
        connection.send_bytes(json.dumps(head | {"parts": len(payload)}).encode())
        for part in payload:
            connection.send_bytes(part)
        if after is not None:
            after()


def main(argument: str) -> None:
    """Serve the plugin until its process ends."""
    surroundings = Surroundings.from_argument(argument)
    set_up_process(surroundings)
    Lifeline()
    workshop = open_workshop(surroundings)
    workshop.journal.release(surroundings.name)
    if surroundings.channel is None:
        raise ValueError("a lane needs its channel")
    serve(Connection(surroundings.channel), workshop, surroundings.name)


if __name__ == "__main__":
    main(sys.argv[1])
