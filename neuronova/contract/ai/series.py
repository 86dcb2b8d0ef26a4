"""A series as rules see it: the attributes of all of its instances."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from neuronova.contract.ai.attributes import Instance, attribute_of, values_of
from neuronova.contract.ours import MANUFACTURER

MOST_INSTANCES = 20_000
_MANUFACTURER = attribute_of("Manufacturer")


class OddMetadata(ValueError):
    """What is said to be the DICOM JSON of a series is not; the message says in which way."""


@dataclass(frozen=True, slots=True)
class Series:
    """A series; `instances` is the DICOM JSON of each, in any order and never empty."""

    instances: tuple[Instance, ...]

    def text(self, keyword: str) -> str:
        """Return the first value of a text attribute that an instance has, "" where none has."""
        attribute = attribute_of(keyword)
        return next((str(value) for one in self.instances for value in values_of(one, attribute)), "")

    @property
    def is_ours(self) -> bool:
        """Whether the platform itself stored any of it."""
        return any(MANUFACTURER in values_of(one, _MANUFACTURER) for one in self.instances)


def series_of(metadata: object) -> Series:
    """Return the series that an answer of Retrieve Metadata (PS3.18 10.4.1.1.2) describes.

    Raises:
        OddMetadata: it is no list of objects, is empty, or has more than `MOST_INSTANCES`.
    """
    if not isinstance(metadata, list) or not all(isinstance(one, Mapping) for one in metadata):
        raise OddMetadata("its metadata is no DICOM JSON")
    if not metadata:
        raise OddMetadata("it has no instances")
    if len(metadata) > MOST_INSTANCES:
        raise OddMetadata(f"it has {len(metadata)} instances, and {MOST_INSTANCES} are the most")
    return Series(tuple(metadata))
