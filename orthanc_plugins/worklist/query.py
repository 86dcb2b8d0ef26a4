"""What a modality asks, read from the bytes that Orthanc hands over."""

from __future__ import annotations

import contextlib
import io

from pydicom import Dataset, dcmread
from pydicom.valuerep import PersonName


def read_query(data: bytes) -> Dataset:
    """Return the query's keys.

    A name in other letters than the query says (it says nothing, so it should be ASCII) is read as UTF-8 where it is
    that, for modalities that forget to say so.
    """
    query = dcmread(io.BytesIO(data), force=True)
    name = query.get("PatientName")
    if not query.get("SpecificCharacterSet") and isinstance(name, PersonName):
        written = name.original_string
        if isinstance(written, bytes):
            with contextlib.suppress(UnicodeDecodeError):  # it is Latin 1, as which it was read
                query.PatientName = written.decode("utf-8")
    return query
