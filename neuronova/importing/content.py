"""What a file is, by its content; names say nothing on discs."""

from __future__ import annotations

import io
from dataclasses import dataclass
from enum import Enum, auto
from typing import BinaryIO

from pydicom import Dataset, dcmread
from pydicom.charset import convert_encodings, decode_bytes
from pydicom.dataelem import RawDataElement
from pydicom.filewriter import dcmwrite
from pydicom.tag import BaseTag, Tag
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian, MediaStorageDirectoryStorage

from neuronova.importing.outcome import Refused

PREAMBLE = 128
PREFIX = b"DICM"
_ZIPS = (b"PK\x03\x04", b"PK\x05\x06")
_SERIES_INSTANCE_UID = 0x0020000E
_READ = {
    "charset": Tag(0x00080005),
    "sop_class": Tag(0x00080016),
    "instance": Tag(0x00080018),
    "patient_id": Tag(0x00100020),
    "issuer": Tag(0x00100021),
    "study": Tag(0x0020000D),
    "series": Tag(_SERIES_INSTANCE_UID),
}
_FIRST_GROUPS = (0x0002, 0x0008)
_DELIMITERS = {0x1B, 0x5C}


class Kind(Enum):
    """What a file is."""

    DICOM = auto()
    BARE = auto()  # perhaps a data set without preamble and meta information
    ZIP = auto()
    OTHER = auto()


@dataclass(frozen=True, kw_only=True, slots=True)
class Header:
    """Whose an object is: texts without padding; `issuer` is empty where the object names none."""

    sop_class: str
    instance: str
    patient_id: str
    issuer: str
    study: str
    series: str

    @property
    def is_directory(self) -> bool:
        """Whether it is the DICOMDIR of a disc (PS3.10 8)."""
        return self.sop_class == MediaStorageDirectoryStorage


def kind_of(head: bytes) -> Kind:
    """Return what a file is whose first 132 bytes, or fewer, these are.

    Raises:
        Refused: it is a DICOM file and a zip file at once, which two programs would read differently.
    """
    if head[PREAMBLE : PREAMBLE + 4] == PREFIX:
        if head.startswith(_ZIPS):
            raise Refused("it is DICOM and a zip file at once")
        return Kind.DICOM
    if head.startswith(_ZIPS):
        return Kind.ZIP
    return Kind.BARE if _begins_a_data_set(head) else Kind.OTHER


def _begins_a_data_set(head: bytes) -> bool:
    """Whether the bytes can be the first element of a data set in little endian (PS3.5 7.1)."""
    if len(head) < PREAMBLE or int.from_bytes(head[:2], "little") not in _FIRST_GROUPS:
        return False
    if head[4:6].isalpha() and head[4:6].isupper():
        return int.from_bytes(head[6:8], "little") <= 64
    return int.from_bytes(head[4:8], "little") <= 64


def read_header(file: BinaryIO) -> Header:
    """Return whose an object is; its pixels are not read.

    Raises:
        Refused: it cannot be read, or lacks what the archive needs.
    """
    try:
        found = dcmread(file, stop_before_pixels=True, specific_tags=list(_READ.values()), force=True)
        texts = _texts(found)
    except Exception as odd:  # whatever a broken file makes the parser raise
        raise Refused(f"broken DICOM: {type(odd).__name__}") from None
    sop_class = texts["sop_class"] or str(found.file_meta.get("MediaStorageSOPClassUID", ""))
    if sop_class == MediaStorageDirectoryStorage:
        return Header(**{**texts, "sop_class": sop_class})
    for name, what in (("instance", "SOPInstanceUID"), ("study", "StudyInstanceUID"), ("series", "SeriesInstanceUID")):
        if not texts[name]:
            raise Refused(f"broken DICOM: it has no {what}")
    return Header(**{**texts, "sop_class": sop_class})


def _texts(found: Dataset) -> dict[str, str]:
    charset = _raw(found, _READ["charset"]).decode("ascii", "replace")
    encodings = convert_encodings([one.strip() for one in charset.split("\\")] if charset else ["ISO_IR 6"])
    return {
        name: decode_bytes(_raw(found, tag), encodings, _DELIMITERS).strip(" \0")
        for name, tag in _READ.items()
        if name != "charset"
    }


def _raw(found: Dataset, tag: BaseTag) -> bytes:
    """Return an element's bytes: read so, no odd value is judged here."""
    element = found.get_item(tag)
    if element is None:
        return b""
    if isinstance(element, RawDataElement):
        return element.value or b""
    value = element.value  # pydicom converts the character set by itself
    return "\\".join([value] if isinstance(value, str) else value or []).encode()


def with_issuer(file: BinaryIO, issuer: str) -> bytes:
    """Return an object's file with Issuer of Patient ID (0010,0021), all else as it was.

    Raises:
        Refused: the object cannot be written again.
    """
    try:
        dataset = dcmread(file, force=True)
        dataset.IssuerOfPatientID = issuer
        whole = io.BytesIO()
        dcmwrite(whole, dataset, enforce_file_format=False)
        return whole.getvalue()
    except Exception as odd:  # whatever a broken file makes the writer raise
        raise Refused(f"broken DICOM: {type(odd).__name__}") from None


def as_file(file: BinaryIO) -> bytes:
    """Return a bare data set with the preamble and meta information that a DICOM file has (PS3.10 7.1).

    Raises:
        Refused: it cannot be written so.
    """
    try:
        dataset = dcmread(file, force=True)
        whole = io.BytesIO()
        if "TransferSyntaxUID" not in dataset.file_meta:
            is_implicit = dataset.original_encoding[0]
            dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian if is_implicit else ExplicitVRLittleEndian
        dcmwrite(whole, dataset, enforce_file_format=True)
        return whole.getvalue()
    except Exception as odd:
        raise Refused(f"broken DICOM: {type(odd).__name__}") from None
