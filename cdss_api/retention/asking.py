"""Orthanc as retention needs it, over loopback HTTP: what a study has, and whether another archive keeps it too."""

from __future__ import annotations

import time
from dataclasses import dataclass

from cdss_api.orthanc import Orthanc, StoredFile
from neuronova.contract.modalities import name_in_orthanc

_EVERY = 0.2  # seconds between two looks at a commitment


@dataclass(frozen=True, kw_only=True, slots=True)
class Described:
    """A stored study: its tags by keyword, those of each series with who sent it, and what it takes of the disk."""

    study: dict[str, str]
    series: list[dict[str, str]]
    images: int
    bytes: int


class Asking(Orthanc):
    """A client of Orthanc."""

    def described(self, study: str) -> Described | None:
        """Return what Orthanc says of a study, None where it is gone."""
        found, series = self._json("GET", f"/studies/{study}"), self._json("GET", f"/studies/{study}/series")
        size = self._json("GET", f"/studies/{study}/statistics")
        if found is None or series is None or size is None:
            return None
        described = []
        for one in series:
            sender = self._text(f"/instances/{one['Instances'][0]}/metadata/RemoteAET") if one["Instances"] else ""
            described.append({**one["MainDicomTags"], "SourceApplicationEntityTitle": sender})
        images, taken = int(size["CountInstances"]), int(size["DiskSize"])
        return Described(study=found["MainDicomTags"], series=described, images=images, bytes=taken)

    def files(self, study: str) -> list[StoredFile]:
        """Return the stored files of a study, by SOPInstanceUID; none where it is gone."""
        return self._files(f"/studies/{study}")

    def commitment(self, study: str, title: str, patience: float) -> str | None:
        """Ask an AE title whether it keeps all of a study (PS3.4 Annex J); return why not, None where it does."""
        path = f"/modalities/{name_in_orthanc(title)}/storage-commitment"
        answer = self._ask("POST", path, json={"Resources": [study]})
        if not answer.ok:
            return f"{title} was not asked for a storage commitment: it is not known, or does not answer"
        report = f"/storage-commitment/{answer.json()['ID']}"
        end = time.monotonic() + patience
        while (found := self._json("GET", report)) is not None and found["Status"] == "Pending":
            if time.monotonic() >= end:
                return f"{title} did not answer within {patience:.0f} s whether it keeps the images"
            time.sleep(_EVERY)
        if found is None or found["Status"] != "Success":
            missing = len((found or {}).get("Failures", ()))
            return f"{title} does not keep all images: it does not confirm {missing}"
        return None
