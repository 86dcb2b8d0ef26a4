"""The first elements of a file, found while its sender waits: a third of what reading a whole header takes."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence

from pydicom import Dataset
from pydicom.charset import convert_encodings
from pydicom.dataelem import RawDataElement
from pydicom.filereader import data_element_generator
from pydicom.tag import BaseTag
from pydicom.uid import ExplicitVRBigEndian, ImplicitVRLittleEndian

from neuronova.contract.part10 import data_set


def first_elements(content: bytes, tags: Sequence[BaseTag]) -> list[RawDataElement]:
    """Return the elements of a data set's top level that are among `tags`, and Specific Character Set, as stored.

    Nothing behind the last of them is looked at; what is cut off has those before.

    Raises:
        Harmful: its deflated data set cannot be read.
        Exception: whatever else a broken file makes pydicom raise.
    """
    syntax, data, start = data_set(content)
    file = io.BytesIO(data)
    file.seek(start)

    last = int(max(tags))

    def past(tag: BaseTag, _vr: str | None, _length: int) -> bool:
        return int(tag) > last

    is_implicit, is_little = syntax == ImplicitVRLittleEndian, syntax != ExplicitVRBigEndian
    elements = data_element_generator(file, is_implicit, is_little, stop_when=past, specific_tags=list(tags))
    found: list[RawDataElement] = []
    try:
        for element in elements:
            if isinstance(element, RawDataElement):
                found.append(element._replace(value_tell=0))  # where it lies is not what it says
    except EOFError:
        pass
    return found


def as_dataset(elements: Iterable[RawDataElement]) -> Dataset:
    """Return elements as a data set, whose values are decoded as its own Specific Character Set says."""
    dataset = Dataset({element.tag: element for element in elements})
    dataset.set_original_encoding(None, None, convert_encodings(dataset.get("SpecificCharacterSet")))
    return dataset
