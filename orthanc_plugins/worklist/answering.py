"""Answers C-FIND requests for the modality worklist (PS3.4 K.4.1), in the place of Orthanc's own answer."""

from __future__ import annotations

from neuronova.contract.grants import Patient
from orthanc_plugins.access.recording import Recording
from orthanc_plugins.sdk import WorklistAnswers, WorklistQuery
from orthanc_plugins.worklist.entries import Entries
from orthanc_plugins.worklist.matching import matches
from orthanc_plugins.worklist.query import read_query


class Answering:
    """The callback. Orthanc has let in the AE title, for its table says whom the platform's table allows worklists."""

    def __init__(self, entries: Entries, recording: Recording) -> None:
        self._entries = entries
        self._recording = recording

    def on_query(self, answers: WorklistAnswers, query: WorklistQuery, title: str, _called: str) -> None:
        """Answer with all that fits; Orthanc takes from each answer the keys that were asked for.

        Raises:
            JournalFailed: it cannot be recorded and has to be; Orthanc then tells the modality that it failed.
        """
        keys = read_query(query.WorklistGetDicomQuery())
        found = [offer for offer in self._entries.offers if matches(keys, offer.dataset)]
        patients = {Patient(offer.entry.patient_id, offer.entry.issuer) for offer in found}
        self._recording.worklist(title, patients)
        for offer in found:
            answers.WorklistAddAnswer(query, offer.encoded)
