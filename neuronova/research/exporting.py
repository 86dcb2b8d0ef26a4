"""Studies for research into a folder: what may leave is disguised, checked and written, the rest is listed."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pydicom import Dataset, dcmread
from pydicom.filebase import DicomBytesIO

from neuronova.archive.asking import Asking
from neuronova.archive.studies import StoredStudy
from neuronova.platform.errors import PlatformError
from neuronova.research.checking import found_in, traces_of
from neuronova.research.choosing import reason_against
from neuronova.research.objects import Disguise, disguise_for, disguised, file_of
from neuronova.research.pseudonyms import Pseudonyms


@dataclass
class Exported:
    """How many objects were written for which pseudonyms, and the reasons for which others were left out."""

    written: int = 0
    patients: set[str] = field(default_factory=set)
    left_out: dict[str, list[str]] = field(default_factory=dict)  # reason to SOPInstanceUIDs of the archive


def export_studies(
    asking: Asking,
    studies: Sequence[StoredStudy],
    folder: Path,
    pseudonyms: Pseudonyms,
    *,
    characteristics: bool,
    without: frozenset[str],
    moved: Callable[[], None],
) -> Exported:
    """Write the studies' objects to `folder`/patient/study/series/instance.dcm; `moved` is told of each object.

    Raises:
        PlatformError: the platform does not answer, a file cannot be written, or something of the original was found
            in what was to be written, which then is not.
    """
    exported = Exported()
    for study in studies:
        whose = (study.issuer, study.patient_id)
        disguise = disguise_for(pseudonyms, *whose, characteristics=characteristics, without=without)
        for instance in asking.json("GET", f"/studies/{study.identifier}/instances"):
            original = read_object(asking, instance["ID"])
            if reason := reason_against(original):
                exported.left_out.setdefault(reason, []).append(str(original.get("SOPInstanceUID", "")))
            else:
                _write(folder, *_checked(original, disguise))
                exported.written += 1
                exported.patients.add(disguise.patient)
            moved()
    return exported


def read_object(asking: Asking, identifier: str) -> Dataset:
    """Return a stored object.

    Raises:
        PlatformError: the platform does not answer, or what it has cannot be read.
    """
    whole = b"".join(asking.chunks("GET", f"/instances/{identifier}/file"))
    try:
        return dcmread(DicomBytesIO(whole))
    except Exception as odd:  # whatever a broken file makes the parser raise
        raise PlatformError(f"instance {identifier} cannot be read: {type(odd).__name__}") from None


def _checked(original: Dataset, disguise: Disguise) -> tuple[Path, bytes]:
    """Return where an object goes, and its file, which nothing of the original is in."""
    uid = str(original.SOPInstanceUID)
    try:
        traces = traces_of(original)
        made = disguised(original, disguise)
        whole = file_of(made)
        uids = (str(made.StudyInstanceUID), str(made.SeriesInstanceUID), str(made.SOPInstanceUID))
        found = found_in(whole, traces, (disguise.patient, *uids))
    except Exception as odd:
        # What cannot be looked through is not written, whatever is the matter; its message could name a value.
        raise PlatformError(f"{uid} cannot be de-identified: {type(odd).__name__}; nothing of it is written") from None
    if found:
        where = ", ".join(sorted(set(found)))
        raise PlatformError(
            f"what identifies the patient would still be in {uid} ({where}); it is not written. Where an"
            " attribute is named, `--without` leaves that out"
        )
    study, series, instance = uids
    return Path(disguise.patient, study, series, f"{instance}.dcm"), whole


def _write(folder: Path, name: Path, whole: bytes) -> None:
    """Write a file that is there whole or not at all, for its owner alone."""
    path = folder / name
    part = path.with_suffix(".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600), "wb") as file:
            file.write(whole)
        part.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
        raise PlatformError(f"{path} cannot be written: {error.strerror}") from None
