"""An instance that the archive has already: the same content changes nothing, another is not taken unseen.

Orthanc keeps what it had and answers success either way, so a sender would believe that its new content is kept.
"""

from __future__ import annotations

import hashlib
import io
import logging
from collections.abc import Callable
from typing import Any, NamedTuple

from pydicom import Dataset, dcmread
from pydicom.filereader import read_partial
from pydicom.tag import BaseTag

from neuronova.audit.files import JournalFailed
from orthanc_plugins.access.identity import Identity, Unidentified, identify
from orthanc_plugins.access.recording import Recording
from orthanc_plugins.sdk import ReceivedInstance, Sdk
from orthanc_plugins.stored import orthanc_identifier

log = logging.getLogger(__name__)

SUCCESS = 0x0000
# An error of C-STORE's own (Cxxx, PS3.4 B.2.3), among which is no word for it.
OTHER_CONTENT = 0xC111
_NAMES = ("PatientID", "StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")
_TAGS: list[Any] = [0x00080018, 0x00100020, 0x0020000D, 0x0020000E]
_LAST = 0x0020000E
_PADDING = " \0"


class Known(NamedTuple):
    """An instance that is there: Orthanc's identifier of it, and the MD5 of its file."""

    identifier: str
    md5: str


class Duplicates:
    """Compares what is sent with what is there; `counted` is told whether the content was the same."""

    def __init__(self, sdk: Sdk, recording: Recording, counted: Callable[[bool], None], *, refuses: bool) -> None:
        self._sdk = sdk
        self._recording = recording
        self._counted = counted
        self._refuses = refuses

    def on_cstore(self, instance: ReceivedInstance) -> int:
        """Answer a modality that sends an object; what cannot be compared is left to Orthanc."""
        try:
            return self._judge(instance.GetInstanceData(), instance.GetInstanceRemoteAet())
        except Exception:
            log.exception("an instance could not be compared with what is stored")
            return SUCCESS

    def _judge(self, data: bytes, sender: str) -> int:
        known = self._known(data)
        if known is None:
            return SUCCESS
        digest = hashlib.md5(data, usedforsecurity=False).hexdigest()
        same = digest == known.md5 or self._is_equal(known.identifier, data)
        self._counted(same)
        if same:
            return SUCCESS
        log.warning("%s sent other content for instance %s, which stays as it was", sender, known.identifier)
        try:
            self._recording.differs(_identity(data), sender, kept=known.md5, sent=digest, refused=self._refuses)
        except JournalFailed as error:
            log.error("what %s sent is refused, for it cannot be recorded: %s", sender, error)
            return OTHER_CONTENT
        return OTHER_CONTENT if self._refuses else SUCCESS

    def _known(self, data: bytes) -> Known | None:
        header = read_partial(io.BytesIO(data), stop_when=_past, specific_tags=_TAGS, force=True)
        identifier = orthanc_identifier(*(str(header.get(name, "") or "").strip(_PADDING) for name in _NAMES))
        try:
            return Known(identifier, self._sdk.RestApiGet(f"/instances/{identifier}/attachments/dicom/md5").decode())
        except self._sdk.OrthancException:
            return None  # it is new, and that is the rule

    def _is_equal(self, identifier: str, data: bytes) -> bool:
        """Compare attributes and pixels: the same object by another way has other bytes around them."""
        stored = self._sdk.RestApiGet(f"/instances/{identifier}/file")
        return _content(stored) == _content(data)


def _content(data: bytes) -> tuple[str, Dataset]:
    dataset = dcmread(io.BytesIO(data), force=True)
    return str(dataset.file_meta.get("TransferSyntaxUID", "")), dataset


def _past(tag: BaseTag, _vr: str | None, _length: int) -> bool:
    return int(tag) > _LAST


def _identity(data: bytes) -> Identity:
    try:
        return identify(data, None)
    except Unidentified:
        return Identity(patient_id="", issuer=None, study="", series="")
