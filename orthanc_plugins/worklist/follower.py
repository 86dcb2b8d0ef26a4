"""The API's worklist, followed into the entries."""

from __future__ import annotations

from neuronova.contract.worklist import from_json
from orthanc_plugins.following import Followed
from orthanc_plugins.worklist.entries import Entries


def worklist(entries: Entries) -> Followed:
    """Return what keeps the entries up to date."""
    return Followed(
        name="worklist",
        version=lambda: entries.version,
        take_in=lambda value: entries.apply(from_json(value)),
        meanwhile="the last one known is served",
    )
