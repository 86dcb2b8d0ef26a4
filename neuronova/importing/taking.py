"""One file into the archive: what it is, whether it is there already, and else its bytes as they are."""

from __future__ import annotations

import io
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import BinaryIO

from neuronova.contract.nesting import require_harmless
from neuronova.contract.part10 import Harmful
from neuronova.importing.content import Header, Kind, as_file, kind_of, read_header, with_issuer
from neuronova.importing.directory import missing_files
from neuronova.importing.door import Body, Door, md5_of, sha256_of
from neuronova.importing.journal import Journal
from neuronova.importing.limits import MIB, Limits
from neuronova.importing.outcome import Outcome, Refused, Result
from neuronova.importing.places import Place
from neuronova.importing.zips import OTHERS
from orthanc_plugins.stored import orthanc_identifier

IN_MEMORY = 64 * MIB
_HEAD = 132
_MOST_STUDIES = 10_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Taken:
    """What became of a file; without a result it is a zip file, whose members are to be looked at one by one.

    `missing` are the files that a DICOMDIR names and that are not there.
    """

    result: Result | None = None
    missing: tuple[bytes, ...] = ()


@dataclass
class Studies:
    """Which studies the archive had before this run sent to them; each is recorded once, before its first object."""

    door: Door
    record: Callable[[Header], None]
    _had: OrderedDict[tuple[str, str, str], bool] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def had(self, header: Header) -> bool:
        """Tell whether the study was there."""
        key = (header.patient_id, header.issuer, header.study)
        with self._lock:
            if key in self._had:
                self._had.move_to_end(key)
                return self._had[key]
            known = self.door.has_study(header)
            self.record(header)
            self._had[key] = known
            while len(self._had) > _MOST_STUDIES:
                self._had.popitem(last=False)
            return known


@dataclass(frozen=True, kw_only=True)
class Taking:
    """Takes files in; several threads may at once. `issuer` is for objects that name none."""

    door: Door
    studies: Studies
    journal: Journal
    limits: Limits
    issuer: str | None = None

    def take(self, place: Place) -> Taken:
        """Take one file in.

        Raises:
            PlatformError: the platform does not answer any more.
        """
        if place.is_link:
            return Taken(result=Result(outcome=Outcome.LINK, reason=place.refused))
        try:
            if place.refused:
                raise Refused(place.refused)
            with place.opened() as file:
                return self._take(place, file)
        except Refused as refused:
            return Taken(result=Result(outcome=Outcome.FAILED, reason=str(refused), size=place.size))
        except OSError as error:
            reason = f"it cannot be read: {error.strerror or error}"
            return Taken(result=Result(outcome=Outcome.FAILED, reason=reason, size=place.size))

    def _take(self, place: Place, file: BinaryIO) -> Taken:
        head = file.read(_HEAD)
        kind = kind_of(head)
        if kind is Kind.ZIP:
            return _zipped(place)
        if kind is Kind.OTHER:
            return Taken(result=Result(outcome=Outcome.NOT_DICOM, size=place.size))
        if place.size > self.limits.file:
            raise Refused(f"it is larger than {self.limits.file:,} bytes")
        file.seek(0)
        whole: Body = file.read() if place.size <= IN_MEMORY else file
        try:
            require_harmless(whole if isinstance(whole, bytes) else _beginning(whole))
        except Harmful as harm:
            raise Refused(str(harm)) from None
        try:
            header = read_header(_as_stream(whole))
        except Refused:
            if kind is Kind.BARE:  # some other file whose first bytes look like an element
                return Taken(result=Result(outcome=Outcome.NOT_DICOM, size=place.size))
            raise
        if header.is_directory:
            missing = () if place.is_member else missing_files(_as_stream(whole), place.key, self.limits)
            return Taken(result=Result(outcome=Outcome.DIRECTORY, size=place.size), missing=missing)
        if kind is Kind.BARE:
            whole = as_file(_as_stream(whole))
        if self.issuer and not header.issuer:
            whole = with_issuer(_as_stream(whole), self.issuer)
            header = read_header(io.BytesIO(whole))
        return Taken(result=self._store(place, header, whole))

    def _store(self, place: Place, header: Header, whole: Body) -> Result:
        digest = sha256_of(whole)

        def ended(outcome: Outcome, reason: str = "") -> Result:
            return Result(outcome=outcome, reason=reason, digest=digest, instance=header.instance, size=place.size)

        if self.journal.is_stored(header.instance, digest):
            return ended(Outcome.DUPLICATE, "another file of this import has the very same bytes")
        if self.studies.had(header):
            identifier = orthanc_identifier(header.patient_id, header.study, header.series, header.instance)
            if self.door.holds(identifier, md5_of(whole)):
                return ended(Outcome.DUPLICATE, "the archive has the very same bytes")
        try:
            answer = self.door.send(whole)
        except Refused as refused:
            return ended(Outcome.FAILED, str(refused))
        if not answer.was_there:
            return ended(Outcome.STORED)
        if self.door.holds(answer.identifier, md5_of(whole)):
            return ended(Outcome.DUPLICATE, "the archive has the very same bytes")
        return ended(Outcome.FAILED, "the archive has other bytes under this SOPInstanceUID, and keeps them")


def _zipped(place: Place) -> Taken:
    if place.name.lower().endswith(OTHERS):
        return Taken(result=Result(outcome=Outcome.NOT_DICOM, size=place.size))
    if place.is_member:
        raise Refused("a zip file within a zip file is not opened; unpack it first")
    return Taken()


def _beginning(whole: BinaryIO) -> bytes:
    content = whole.read(IN_MEMORY)
    whole.seek(0)
    return content


def _as_stream(whole: Body) -> BinaryIO:
    if isinstance(whole, bytes):
        return io.BytesIO(whole)
    whole.seek(0)
    return whole
