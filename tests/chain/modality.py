"""A modality made of DCMTK's programs: it reads its worklist, and sends what it took by what the worklist said."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from pydicom import Dataset, dcmread

from neuronova.contract.settings import Settings
from tests.patience import PATIENCE
from tests.synthetic import ct_slice

_STEP = "ScheduledProcedureStepSequence[0]."
_ASKED = (
    *("SpecificCharacterSet=ISO_IR 192", "PatientName", "PatientID", "IssuerOfPatientID", "PatientBirthDate"),
    *("PatientSex", "AccessionNumber", "StudyInstanceUID", "RequestedProcedureDescription"),
    *(f"{_STEP}{name}" for name in ("ScheduledProcedureStepStartDate", "ScheduledProcedureStepDescription")),
)
# What a modality copies from the worklist into its images (IHE RAD TF-2, appendix A).
_COPIED = (
    *("SpecificCharacterSet", "PatientName", "PatientID", "IssuerOfPatientID", "PatientBirthDate", "PatientSex"),
    *("AccessionNumber", "StudyInstanceUID"),
)


@dataclass(frozen=True)
class Modality:
    """A scanner: its AE title, the platform that it knows, and a folder of its own."""

    title: str
    settings: Settings
    folder: Path

    def find(self, **keys: str) -> list[Dataset]:
        """Return the worklist's entries for this station that fit `keys` (C-FIND)."""
        for old in self.folder.glob("rsp*.dcm"):
            old.unlink()
        asked = {f"{_STEP}ScheduledStationAETitle": self.title, f"{_STEP}Modality": "CT"} | keys
        words = [*_ASKED, *(f"{name}={value}" for name, value in asked.items())]  # the last of a key counts
        arguments = [argument for word in words for argument in ("-k", word)]
        self._run("findscu", "-W", "-X", "-od", str(self.folder), *arguments)
        return [dcmread(path) for path in sorted(self.folder.glob("rsp*.dcm"))]

    def examine(self, entry: Dataset, count: int) -> list[Path]:
        """Return the files of a CT of `count` slices, taken for a worklist entry."""
        files = []
        for number in range(1, count + 1):
            image = ct_slice(number)
            for keyword in _COPIED:
                setattr(image, keyword, entry.get(keyword))
            image.StudyDescription = entry.RequestedProcedureDescription
            image.StudyDate = image.SeriesDate = entry.ScheduledProcedureStepSequence[0].ScheduledProcedureStepStartDate
            image.StudyTime = image.SeriesTime = "101500"
            path = self.folder / f"CT{number:03}.dcm"
            image.save_as(path, enforce_file_format=True)
            files.append(path)
        return files

    def send(self, files: list[Path]) -> None:
        """Send files (C-STORE)."""
        self._run("storescu", *map(str, files))

    def _run(self, program: str, *arguments: str) -> None:
        options = [argument for argument in arguments if not argument.endswith(".dcm")]
        files = [argument for argument in arguments if argument.endswith(".dcm")]
        peer = ("-aet", self.title, "-aec", self.settings.aet, "127.0.0.1", str(self.settings.dicom_port))
        done = subprocess.run([program, *options, *peer, *files], capture_output=True, timeout=PATIENCE, check=False)
        assert done.returncode == 0, (done.stdout + done.stderr).decode("utf-8", "replace")
