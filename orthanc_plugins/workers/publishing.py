"""From a stored instance to its HTJ2K attachment and a recorded outcome."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping

from neuronova.telemetry.current import about
from neuronova.telemetry.spans import span
from orthanc_plugins.journal import Outcome
from orthanc_plugins.stored import HTJ2K_ATTACHMENT, STATUS_METADATA, StoredFile
from orthanc_plugins.transcoding import transfer_syntax
from orthanc_plugins.transcoding.container import Container, ContainerError, container_file, read_container
from orthanc_plugins.transcoding.eligibility import Skipped
from orthanc_plugins.transcoding.encoding import ENCODER, encode_file
from orthanc_plugins.transcoding.source import read_transfer_syntax
from orthanc_plugins.transcoding.transfer_syntax import EXPLICIT_VR_LITTLE_ENDIAN
from orthanc_plugins.workers.client import Gone, OrthancClient
from orthanc_plugins.workers.receiving import finish_replacement, prepare_replacement, replacement_folder
from orthanc_plugins.workers.workshop import Workshop

log = logging.getLogger(__name__)
MISMATCH = "mismatch"


class Changed(Exception):
    """The stored file was replaced while it was being encoded."""


def publish(workshop: Workshop, instance: str, *, ready: Mapping[int, bytes] | None = None) -> Outcome:
    """Encode `instance`, attach the result and its status; return the outcome.

    An instance that already has what fits its stored file is left as it is. `ready` holds frames that were encoded
    already, by 0-based index.

    Raises:
        Gone: the instance does not exist.
        Changed: its stored file was replaced meanwhile; nothing stays published of the old one.
    """
    client = workshop.client
    replacement = replacement_folder(workshop, instance)
    if replacement.is_dir():
        finish_replacement(workshop, instance, replacement)
    described = client.get_json(f"/instances/{instance}")
    if described is None:
        raise Gone(instance)
    series = described["ParentSeries"]
    parent = workshop.arrivals.of_series(series)
    with about(series=series, instance=instance), span("encode", parent=parent, instance=instance) as encoding:
        outcome, is_new = _published(workshop, instance, ready or {})
        if is_new:
            workshop.journal.touch(series)
            encoding.add(outcome=outcome.status, reason=outcome.reason or None)
            encoding.add(bytes_before=outcome.bytes_before, bytes_after=outcome.bytes_after)
        else:
            encoding.drop()
    return outcome


def _published(workshop: Workshop, instance: str, ready: Mapping[int, bytes]) -> tuple[Outcome, bool]:
    """Return the outcome, and whether it was not published before."""
    client = workshop.client
    stored = client.stored_file(instance, "dicom")
    if stored is None:
        raise Gone(instance)
    found = _recorded(client, instance, stored)
    if found is not None:
        return found, False
    outcome = _attached(workshop, instance, stored)
    try:
        if outcome is None and _stored_syntax(workshop, instance, stored) in transfer_syntax.HTJ2K:
            prepare_replacement(workshop, instance, stored, replacement_folder(workshop, instance))
            return publish(workshop, instance), False
        if outcome is None:
            outcome = _encode_and_attach(workshop, instance, stored, ready)
    except Skipped as skipped:
        outcome = _not_encoded(workshop, instance, stored, skipped)
    now_stored = client.stored_file(instance, "dicom")
    if now_stored is None or now_stored.md5 != stored.md5:
        client.detach(instance, HTJ2K_ATTACHMENT)
        raise Changed(instance)
    client.set_metadata(instance, STATUS_METADATA, _status(outcome))
    return outcome, True


def _recorded(client: OrthancClient, instance: str, stored: StoredFile) -> Outcome | None:
    """Return the outcome that Orthanc itself holds, if it is of this stored file."""
    status = client.get_json(f"/instances/{instance}/metadata/{STATUS_METADATA}")
    if not isinstance(status, dict) or status.get("md5") != stored.md5:
        return None
    if status["status"] == "encoded" and client.stored_file(instance, HTJ2K_ATTACHMENT) is None:
        return None
    return Outcome(
        instance=instance,
        md5=stored.md5,
        status=status["status"],
        reason=status["reason"],
        syntaxes=tuple(status["syntaxes"]),
        bytes_before=status["bytes_before"],
        bytes_after=status["bytes_after"],
    )


def _attached(workshop: Workshop, instance: str, stored: StoredFile) -> Outcome | None:
    """Return the outcome of an attachment whose status was not written: a crash came between the two."""
    attached = workshop.client.stored_file(instance, HTJ2K_ATTACHMENT)
    if attached is None:
        return None
    try:
        with workshop.content(instance, HTJ2K_ATTACHMENT, attached) as path, container_file(path) as read:
            container = read_container(read)
    except ContainerError as error:
        log.warning("instance %s: its attachment is not readable and is made again: %s", instance, error)
        return None
    if container.header.source.md5 != stored.md5:
        return None
    return _encoded(instance, stored, container, attached.size)


def _stored_syntax(workshop: Workshop, instance: str, stored: StoredFile) -> str:
    known = workshop.client.get_json(f"/instances/{instance}/metadata/TransferSyntax")
    if known is not None:
        return str(known)
    # Orthanc does not record a transfer syntax that it does not know.
    try:
        with workshop.content(instance, "dicom", stored) as path:
            return read_transfer_syntax(path)
    except Skipped:
        return ""


def _encode_and_attach(workshop: Workshop, instance: str, stored: StoredFile, ready: Mapping[int, bytes]) -> Outcome:
    with workshop.folder() as folder, workshop.content(instance, "dicom", stored) as path:
        target = folder / "htj2k"
        container = encode_file(path, stored.md5, target, ready=ready)
        with target.open("rb") as content:
            workshop.client.attach(instance, HTJ2K_ATTACHMENT, content)
        return _encoded(instance, stored, container, target.stat().st_size)


def _encoded(instance: str, stored: StoredFile, container: Container, size: int) -> Outcome:
    header = container.header
    syntaxes = (header.transfer_syntax, header.source.transfer_syntax, EXPLICIT_VR_LITTLE_ENDIAN)
    return Outcome(
        instance=instance,
        md5=stored.md5,
        status="encoded",
        syntaxes=tuple(dict.fromkeys(syntaxes)),
        bytes_before=header.image.frame_length * container.number_of_frames,
        bytes_after=size,
    )


def _not_encoded(workshop: Workshop, instance: str, stored: StoredFile, skipped: Skipped) -> Outcome:
    reason = str(skipped.reason)
    if reason == MISMATCH:
        identity = workshop.client.get_json(f"/instances/{instance}/simplified-tags") or {}
        log.error("SOPInstanceUID %s: %s; nothing published", identity.get("SOPInstanceUID"), skipped.detail)
    syntax = _stored_syntax(workshop, instance, stored)
    return Outcome(
        instance=instance,
        md5=stored.md5,
        status="failed" if reason == MISMATCH else "skipped",
        reason=reason,
        syntaxes=(syntax,) if syntax else (),
        bytes_before=stored.size,
    )


def _status(outcome: Outcome) -> str:
    return json.dumps(
        {
            "status": outcome.status,
            "reason": outcome.reason,
            "md5": outcome.md5,
            "syntaxes": outcome.syntaxes,
            "encoder": ENCODER,
            "bytes_before": outcome.bytes_before,
            "bytes_after": outcome.bytes_after,
        }
    )
