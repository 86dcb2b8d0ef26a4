"""An instance that the archive has already: the same content changes nothing, another is not taken unseen.

Orthanc keeps what it had and answers success either way, so a sender would believe that its new content is kept.
"""

from __future__ import annotations

import hashlib
import io
import json
import logging
from collections.abc import Callable
from typing import NamedTuple

from pydicom import Dataset, dcmread
from pydicom.datadict import tag_for_keyword
from pydicom.tag import BaseTag

from neuronova.audit.files import JournalFailed
from orthanc_plugins.access.identity import Identity, Unidentified, identify
from orthanc_plugins.access.recording import Recording
from orthanc_plugins.header import as_dataset, first_elements
from orthanc_plugins.sdk import ReceivedInstance, Sdk
from orthanc_plugins.stored import orthanc_identifier

log = logging.getLogger(__name__)

SUCCESS = 0x0000
# An error of C-STORE's own (Cxxx, PS3.4 B.2.3), among which is no word for it.
OTHER_CONTENT = 0xC111
_NAMES = ("PatientID", "StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")
_TAGS = [BaseTag(tag) for tag in map(tag_for_keyword, _NAMES) if tag is not None]
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
        header = as_dataset(first_elements(data, _TAGS))
        identifier = orthanc_identifier(*(str(header.get(name, "") or "").strip(_PADDING) for name in _NAMES))
        # What is new, as a rule it is, is not an error here: Orthanc's Python plugin 4.0 keeps 172 bytes of each.
        question = {"Resources": [identifier], "Level": "Instance", "Metadata": False}
        if not json.loads(self._sdk.RestApiPost("/tools/bulk-content", json.dumps(question).encode())):
            return None
        try:
            return Known(identifier, self._sdk.RestApiGet(f"/instances/{identifier}/attachments/dicom/md5").decode())
        except self._sdk.OrthancException:
            return None  # it was deleted meanwhile

    def _is_equal(self, identifier: str, data: bytes) -> bool:
        """Compare attributes and pixels: the same object by another way has other bytes around them."""
        stored = self._sdk.RestApiGet(f"/instances/{identifier}/file")
        return _content(stored) == _content(data)


def _content(data: bytes) -> tuple[str, Dataset]:
    dataset = dcmread(io.BytesIO(data), force=True)
    return str(dataset.file_meta.get("TransferSyntaxUID", "")), dataset


def _identity(data: bytes) -> Identity:
    try:
        return identify(data, None)
    except Unidentified:
        return Identity(patient_id="", issuer=None, study="", series="")
