"""A modality for the demonstration: C-STORE with a progress bar."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pydicom.dataset import Dataset
from pynetdicom import AE
from pynetdicom.association import Association
from rich.progress import track

from neuronova.contract.settings import Settings
from neuronova.demo.studies import MR, SUBJECTS, files_in, slices_of
from neuronova.platform.errors import PlatformError
from neuronova.trying import Rule, again

AE_TITLE = "NEURONOVA_DEMO"
# pynetdicom 3.0 now and then reads an answer in its other thread and drops it; the image is then sent once more.
_ANSWER_SECONDS = 5.0
_ATTEMPTS = 3
_KNOWN_WITHIN = 5.0  # seconds in which Orthanc has heard that this AE title may send


class _Rejected(PlatformError):
    """Orthanc takes nothing of this AE title, or not yet."""


_UNTIL_KNOWN = Rule(when=lambda error: isinstance(error, _Rejected), within=_KNOWN_WITHIN, first=0.2, longest=0.2)


@dataclass(frozen=True)
class SentStudy:
    """A study that the platform has now."""

    label: str
    study_uid: str
    images: tuple[Dataset, ...]


def send_all(settings: Settings, folder: Path | None, also: Path | None = None) -> Iterator[SentStudy]:
    """Send the files of `folder`, or the built-in studies, and those of `also`; yield each study once it is sent."""
    if folder is None:
        # The model of MR takes longest: it runs while the others are sent.
        for subject in sorted(SUBJECTS, key=lambda one: one.scan is not MR):
            yield from send(settings, list(slices_of(subject)), subject.patient_id)
    for given in filter(None, (folder, also)):
        yield from send(settings, list(files_in(given)), given.name)


def send(settings: Settings, images: list[Dataset], what: str) -> list[SentStudy]:
    """Send `images` over one association and return their studies.

    Raises:
        PlatformError: if there are none, or if the platform does not take them.
    """
    if not images:
        raise PlatformError(f"no DICOM file in {what}; name a folder that has some")
    progress = iter(track(images, description=f"Sending {what}"))
    waiting = next(progress, None)
    lost = 0
    while waiting is not None and lost < _ATTEMPTS:
        association = _associate(settings, images)
        try:
            while waiting is not None and _stored(association, waiting):
                waiting = next(progress, None)
        finally:
            association.release()
        lost += waiting is not None
    if waiting is not None:
        raise PlatformError(f"the platform did not answer for {waiting.SOPInstanceUID}; see its log")
    studies: dict[str, list[Dataset]] = {}
    for image in images:
        studies.setdefault(str(image.StudyInstanceUID), []).append(image)
    return [SentStudy(_label(of_it[0]), uid, tuple(of_it)) for uid, of_it in studies.items()]


def _stored(association: Association, image: Dataset) -> bool:
    """Send one image; return False if the answer was lost."""
    status = association.send_c_store(image)
    if "Status" not in status:
        return False
    if status.Status not in (0x0000, 0xB000, 0xB006, 0xB007):
        raise PlatformError(f"the platform did not take {image.SOPInstanceUID} (0x{status.Status:04X}); see its log")
    return True


def _associate(settings: Settings, images: Iterable[Dataset]) -> Association:
    entity = AE(ae_title=AE_TITLE)
    entity.connection_timeout = entity.dimse_timeout = _ANSWER_SECONDS
    for kind in sorted({(image.SOPClassUID, image.file_meta.TransferSyntaxUID) for image in images}):
        entity.add_requested_context(*kind)
    return again(partial(_established, entity, settings), _UNTIL_KNOWN)


def _established(entity: AE, settings: Settings) -> Association:
    association = entity.associate("127.0.0.1", settings.dicom_port, ae_title=settings.aet)
    if not association.is_established:
        kind = _Rejected if association.is_rejected else PlatformError
        raise kind(f"no DICOM association with port {settings.dicom_port}; is this platform the one running?")
    return association


def _label(image: Dataset) -> str:
    name = str(image.get("PatientName", "")).partition("=")[0]  # the group that a viewer shows
    return f"{name} - {image.get('StudyDescription', '') or 'study'}"
