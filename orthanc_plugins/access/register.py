"""Which studies there are and whose they are, so that a decision needs no look into Orthanc."""

from __future__ import annotations

import json
import threading
from collections import OrderedDict

from neuronova.contract.grants import Patient
from orthanc_plugins.access.decision import Holding
from orthanc_plugins.access.identity import Identity
from orthanc_plugins.access.store import Store
from orthanc_plugins.stored import orthanc_identifier

MOST_CACHED = 20_000


class Register:
    """The patients under whom each study exists, told of each instance before its sender gets an answer."""

    def __init__(self, store: Store, *, alone: bool = False) -> None:
        """Read `store`; `alone` where no other process writes to it, so that what is known needs no look at it."""
        self._store = store
        self._alone = alone
        self._lock = threading.Lock()
        self._holdings: OrderedDict[str, tuple[Holding, ...]] = OrderedDict()
        self._noted: OrderedDict[tuple[str, str | None, str, str], None] = OrderedDict()
        self._others = store.others()
        self._generation = 0

    @property
    def generation(self) -> int:
        """The number of changes to what is known: what was read before one is not kept after it."""
        self._heed_others()
        return self._generation

    def note(self, identity: Identity, now: float) -> None:
        """Take in an instance's identity; what is known already costs a look into memory.

        An object without an issuer belongs to the patient of that ID whose study it joins: viewers write reports that
        repeat the PatientID and leave its issuer out.
        """
        seen = (identity.patient_id, identity.issuer, identity.study, identity.series)
        self._heed_others()
        with self._lock:
            if seen in self._noted:
                self._noted.move_to_end(seen)
                return
        patient = self.patient_of(identity)
        study = orthanc_identifier(identity.patient_id, identity.study)
        series = orthanc_identifier(identity.patient_id, identity.study, identity.series)
        with self._store.transaction() as db:
            db.execute(
                "INSERT OR IGNORE INTO study (orthanc, uid, patient_id, issuer, arrived, keys)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                (study, identity.study, *patient, now, json.dumps(dict(identity.study_keys), ensure_ascii=False)),
            )
            db.execute(
                "INSERT OR IGNORE INTO series (orthanc, study, uid, keys) SELECT ?, number, ?, ? FROM study"
                " WHERE uid = ? AND patient_id = ? AND issuer = ?",
                (
                    series,
                    identity.series,
                    json.dumps(dict(identity.series_keys), ensure_ascii=False),
                    identity.study,
                    *patient,
                ),
            )
        with self._lock:
            self._generation += 1
            self._holdings.pop(identity.study, None)
            self._noted[seen] = None
            _shorten(self._noted)

    def patient_of(self, identity: Identity) -> Patient:
        """Return whom an object belongs to."""
        if identity.issuer is None:
            same = [held.patient for held in self.holdings(identity.study) if held.patient[0] == identity.patient_id]
            if len(same) == 1:
                return same[0]
        return Patient(identity.patient_id, identity.issuer or "")

    def holdings(self, study: str) -> tuple[Holding, ...]:
        """Return all patients under whom a StudyInstanceUID exists."""
        self._heed_others()
        with self._lock:
            known, generation = self._holdings.get(study), self._generation
        if known is not None:
            return known
        rows = self._store.rows("SELECT patient_id, issuer, arrived FROM study WHERE uid = ?", (study,))
        found = tuple(Holding(Patient(patient_id, issuer), arrived) for patient_id, issuer, arrived in rows)
        with self._lock:
            if found and generation == self._generation:
                self._holdings[study] = found
                _shorten(self._holdings)
        return found

    def series_of(self, orthanc: str) -> dict[Patient, frozenset[str]]:
        """Return the SeriesInstanceUIDs of a study by patient, by Orthanc's identifier of the study."""
        rows = self._store.rows(
            "SELECT patient_id, issuer, series.uid FROM study LEFT JOIN series ON series.study = study.number"
            " WHERE study.orthanc = ? ORDER BY study.number",
            (orthanc,),
        )
        found: dict[Patient, set[str]] = {}
        for patient_id, issuer, series in rows:
            found.setdefault(Patient(patient_id, issuer), set()).update(() if series is None else (series,))
        return {patient: frozenset(series) for patient, series in found.items()}

    def forget_study(self, orthanc: str) -> None:
        """Take in that Orthanc deleted a study, by its own identifier."""
        with self._store.transaction() as db:
            db.execute("DELETE FROM study WHERE orthanc = ?", (orthanc,))
        self._forget_cached()

    def forget_series(self, orthanc: str) -> None:
        """Take in that Orthanc deleted a series."""
        with self._store.transaction() as db:
            db.execute("DELETE FROM series WHERE orthanc = ?", (orthanc,))
        self._forget_cached()

    def _heed_others(self) -> None:
        """Forget what another Orthanc's process may have changed since: of two on one index each writes to the file."""
        if self._alone:
            return
        others = self._store.others()
        if others != self._others:
            self._forget_cached()
            self._others = others  # last, or another thread would still be answered from before

    def _forget_cached(self) -> None:
        with self._lock:
            self._generation += 1
            self._holdings.clear()
            self._noted.clear()

    # What was stored while nobody listened

    def sequence(self) -> int:
        """Return the number of Orthanc's last change up to which every instance was noted."""
        ((sequence,),) = self._store.rows("SELECT sequence FROM cursor")
        return int(sequence)

    def move_to(self, sequence: int) -> None:
        """Move on to a change."""
        with self._store.transaction() as db:
            db.execute("UPDATE cursor SET sequence = ? WHERE sequence < ?", (sequence, sequence))


def _shorten(
    cache: OrderedDict[str, tuple[Holding, ...]] | OrderedDict[tuple[str, str | None, str, str], None],
) -> None:
    while len(cache) > MOST_CACHED:
        cache.popitem(last=False)
