"""Legal holds: what must not leave the archive, whoever asks for it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from orthanc_plugins.access.ledger import Ledger
from orthanc_plugins.access.register import Register
from orthanc_plugins.access.removal import ANYTHING, BY_UID, Removal
from orthanc_plugins.sdk import Sdk, is_gone


class Affected(NamedTuple):
    """A study that something is taken from."""

    study: str
    patient_id: str


class Holds:
    """Tells which studies a request would take something from, and whether one of them is held."""

    def __init__(self, sdk: Sdk, ledger: Ledger, register: Register) -> None:
        self._sdk = sdk
        self._ledger = ledger
        self._register = register

    def affected(self, removal: Removal) -> tuple[Affected, ...]:
        """Return the studies of a resource; none where there is no such resource.

        Raises:
            OrthancException: Orthanc cannot tell.
        """
        if removal == ANYTHING:
            return ()
        return (Affected(removal.identifier, ""),) if removal.level == BY_UID else tuple(self._studies(removal))

    def keeps(self, removal: Removal, affected: tuple[Affected, ...]) -> bool:
        """Tell whether a hold forbids it: on one of the studies, or any at all where only a body says which."""
        if removal == ANYTHING:
            return bool(self._ledger.holds)
        return any(self.holds(one) for one in affected)

    def holds(self, one: Affected) -> bool:
        """Tell whether a study is held, by itself or with its patient."""
        holds = self._ledger.holds
        if not holds:
            return False
        patients = {tuple(held.patient) for held in self._register.holdings(one.study)}
        for hold in holds.values():
            if hold.study is not None:
                if hold.study == one.study:
                    return True
            # What is not in the register has no issuer that is known: its PatientID alone has to do.
            elif (hold.patient_id, hold.issuer) in patients or (not patients and hold.patient_id == one.patient_id):
                return True
        return False

    def _studies(self, removal: Removal) -> Iterator[Affected]:
        level, identifier = removal
        paths = {"patients": "/studies", "studies": "", "series": "/study", "instances": "/study"}
        try:
            found: Any = json.loads(self._sdk.RestApiGet(f"/{level}/{identifier}{paths[level]}"))
        except self._sdk.OrthancException as error:
            if is_gone(error):
                return
            raise
        for study in found if isinstance(found, list) else [found]:
            tags, patient = study["MainDicomTags"], study["PatientMainDicomTags"]
            yield Affected(tags.get("StudyInstanceUID", "").strip(), patient.get("PatientID", "").strip())
