"""Another archive: a Query/Retrieve SCP of the Study Root (PS3.4 Annex C), which sends by C-STORE."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from pydicom import Dataset
from pynetdicom import AE, evt
from pynetdicom.presentation import build_context
from pynetdicom.sop_class import (  # type: ignore[attr-defined]
    StudyRootQueryRetrieveInformationModelFind,
    StudyRootQueryRetrieveInformationModelMove,
)

TITLE = "OLDPACS"
PENDING = 0xFF00
_OF_STUDY = ("StudyInstanceUID", "StudyDate", "StudyDescription", "PatientID", "IssuerOfPatientID", "PatientName")
_OF_PATIENT = ("PatientBirthDate", "PatientSex")


@dataclass
class OtherArchive:
    """Holds images; `asked` are the C-FIND identifiers that came, `moved` counts C-MOVEs by study.

    It matches by PatientID alone, so that whoever asks for more has to look at its answers. Of a study in `withheld` so
    many images are not sent, and it does not say so. At one of `breaking` it breaks the association off.
    """

    port: int
    receiver: tuple[str, int]
    title: str = TITLE
    images: list[Dataset] = field(default_factory=list)
    asked: list[Dataset] = field(default_factory=list)
    moved: Counter[str] = field(default_factory=Counter)
    withheld: dict[str, int] = field(default_factory=dict)
    breaking: set[str] = field(default_factory=set)
    tells: bool = True  # how many images a study has

    @contextmanager
    def up(self) -> Iterator[OtherArchive]:
        """Answer for the length of a block."""
        entity = AE(ae_title=self.title)
        entity.add_supported_context(StudyRootQueryRetrieveInformationModelFind)
        entity.add_supported_context(StudyRootQueryRetrieveInformationModelMove)
        for one in {(image.SOPClassUID, image.file_meta.TransferSyntaxUID) for image in self.images}:
            entity.requested_contexts = [*entity.requested_contexts, build_context(*one)]
        server = entity.start_server(
            ("127.0.0.1", self.port),
            block=False,
            evt_handlers=[(evt.EVT_C_FIND, self._find), (evt.EVT_C_MOVE, self._move)],
        )
        assert server is not None
        try:
            yield self
        finally:
            server.shutdown()

    def _find(self, event: Any) -> Iterator[tuple[int, Dataset | None]]:
        wanted = event.identifier
        self.asked.append(wanted)
        studies: dict[str, list[Dataset]] = {}
        for image in self.images:
            if image.PatientID == wanted.PatientID:
                studies.setdefault(image.StudyInstanceUID, []).append(image)
        for of_study in studies.values():
            yield PENDING, self._answer(of_study)

    def _answer(self, of_study: list[Dataset]) -> Dataset:
        answer = Dataset()
        answer.QueryRetrieveLevel = "STUDY"
        answer.SpecificCharacterSet = "ISO_IR 192"
        for keyword in (*_OF_STUDY, *_OF_PATIENT):
            setattr(answer, keyword, of_study[0].get(keyword, ""))
        answer.ModalitiesInStudy = sorted({one.Modality for one in of_study})
        answer.NumberOfStudyRelatedInstances = len(of_study) if self.tells else None
        return answer

    def _move(self, event: Any) -> Iterator[Any]:
        study = event.identifier.StudyInstanceUID
        self.moved[study] += 1
        if study in self.breaking:
            event.assoc.abort()
            yield None, None  # which nobody hears
            return
        if event.move_destination != self.receiver[0]:
            yield None, None
            return
        yield "127.0.0.1", self.receiver[1]
        wanted = [one for one in self.images if one.StudyInstanceUID == study]
        left = self.withheld.get(study, 0)
        yield len(wanted) - left
        for image in wanted[left:]:
            yield PENDING, image
