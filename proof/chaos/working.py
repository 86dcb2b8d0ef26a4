"""Who works in the hospital, each in a thread: they go on whatever happens, and note what was acknowledged."""

from __future__ import annotations

import random
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import requests
from pydicom import Dataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian
from pynetdicom import AE, build_context

from neuronova.contract.settings import Settings
from proof.chaos.examination import Examination
from proof.chaos.ledger import Ledger
from proof.hospital import Hospital, Person
from tests.dicomweb.wire import decoded, instance_path, parts

SUCCESS = 0x0000
_AGAIN = 0.5  # seconds before what was not taken is tried again
_SECONDS = 10  # for each step of an association
JPHC = 'multipart/related; type="image/jphc"'
Send = Callable[[str, Settings, list[Dataset]], list[str]]


def by_pynetdicom(title: str, settings: Settings, images: list[Dataset]) -> list[str]:
    """Send images over one association; return the SOPInstanceUIDs of those that were taken (PS3.4 B.2.3)."""
    entity = AE(ae_title=title)
    entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = _SECONDS
    contexts = [build_context(CTImageStorage, ExplicitVRLittleEndian)]
    association = entity.associate("127.0.0.1", settings.dicom_port, contexts=contexts, ae_title=settings.aet)
    taken = []
    try:
        for image in images if association.is_established else ():
            if association.send_c_store(image).get("Status") != SUCCESS:
                break
            taken.append(str(image.SOPInstanceUID))
    except (RuntimeError, ValueError):  # the association was lost meanwhile
        pass
    finally:
        association.release() if association.is_established else association.kill()
    return taken


def by_storescu(title: str, settings: Settings, images: list[Dataset]) -> list[str]:
    """Send images by DCMTK, which says of all or of none of them that they were taken."""
    with TemporaryDirectory(prefix="nnp") as folder:
        files = [Path(folder) / f"{number}.dcm" for number in range(len(images))]
        for image, file in zip(images, files, strict=True):
            image.save_as(file, enforce_file_format=True)
        limits = [word for option in ("-ta", "-td", "-to") for word in (option, str(_SECONDS))]
        peer = ["-aet", title, "-aec", settings.aet, "127.0.0.1", str(settings.dicom_port)]
        done = subprocess.run(["storescu", *limits, *peer, *map(str, files)], capture_output=True, check=False)
    return [str(one.SOPInstanceUID) for one in images] if done.returncode == 0 else []


WAYS: tuple[Send, ...] = (by_pynetdicom, by_pynetdicom, by_storescu)


def ask_frame(person: Person, image: Dataset) -> requests.Response:
    """Ask for an image's frame as HTJ2K."""
    return person.ask("GET", f"/dicom-web/{instance_path(image)}/frames/1", headers={"Accept": JPHC})


def is_frame_of(image: Dataset, answer: requests.Response) -> bool:
    """Tell whether the frame that was answered has the image's values."""
    values = image.pixel_array
    return decoded(parts(answer)[0].body, values).tobytes() == values.tobytes()


@dataclass(slots=True)
class Shift:
    """What those who work have in common; `stop` ends what is new, `leave` what is not done yet."""

    hospital: Hospital
    ledger: Ledger
    run: str
    pause: float  # seconds between two examinations of one modality
    stop: threading.Event
    leave: threading.Event

    def modality(self, title: str, send: Send, numbers: Iterator[int]) -> None:
        """Order and examine, one patient after the other; each is finished."""
        clerk = self.hospital.person("admin")
        while not self.stop.wait(self.pause):
            self._examine(clerk, title, send, Examination(self.run, next(numbers)))

    def _examine(self, clerk: Person, title: str, send: Send, examination: Examination) -> None:
        left = examination.images()

        def send_rest() -> bool:
            taken = send(title, self.hospital.platform.settings, left)
            self.ledger.stored(examination, taken)
            self.ledger.count("association that stored" if taken else "association that did not")
            left[:] = [one for one in left if str(one.SOPInstanceUID) not in taken]
            return not left

        if self._until_taken(lambda: self._order(clerk, examination)) and self._until_taken(send_rest):
            self.ledger.sent(examination)
            self._until_taken(lambda: self._done(clerk, examination))

    def radiologist(self, username: str, seed: int) -> None:
        """Look at lists and frames, and sign a report now and then."""
        person, choice = self.hospital.person(username), random.Random(seed)
        while not self.stop.wait(0.3):
            try:
                self._read(person, choice)
                self.ledger.count("read")
            except requests.RequestException:
                self.ledger.count("read refused")

    def _until_taken(self, attempt: Callable[[], bool]) -> bool:
        while not attempt():
            if self.leave.wait(_AGAIN):
                return False
        return True

    def _order(self, clerk: Person, examination: Examination) -> bool:
        kind = {"Content-Type": "application/fhir+json"}
        try:
            answer = clerk.told("POST", "/api/v1/fhir", data=examination.order(), headers=kind)
        except requests.RequestException:
            self.ledger.count("order refused")
            return False
        location = answer["entry"][1]["response"]["location"]
        self.ledger.ordered(examination, location.split("ServiceRequest/")[1].split("/")[0])
        self.ledger.count("order taken")
        return True

    def _done(self, clerk: Person, examination: Examination) -> bool:
        """Say that it was done, after which it is on no modality's worklist; what is reported by then is on none."""
        path = f"/api/v1/worklist/orders/{self.ledger.orders[examination]}"
        try:
            answer = clerk.ask("PUT", path, json={"performed": "done"})
        except requests.RequestException:
            return False
        return answer.ok or answer.status_code == requests.codes.conflict

    def _read(self, person: Person, choice: random.Random) -> None:
        person.told("GET", "/dicom-web/studies?limit=20")
        readable = self.ledger.readable()
        if not readable:
            return
        image = choice.choice(choice.choice(readable[-50:]).images())
        study = str(image.StudyInstanceUID)
        answer = ask_frame(person, image)
        answer.raise_for_status()
        self.ledger.shown(person.username, study)
        if not is_frame_of(image, answer):
            self.ledger.differs(f"frame of {image.SOPInstanceUID}")
        if choice.random() < 0.2:
            self._sign(person, study)

    def _sign(self, person: Person, study: str) -> None:
        known = person.told("GET", f"/api/v1/reports/{study}")["report"]
        if known is None or known["status"] != "final":
            match = {} if known is None else {"If-Match": f'W/"{known["version"]}"'}
            body = {"status": "final", "conclusion": "No haemorrhage."}
            person.told("PUT", f"/api/v1/reports/{study}", json=body, headers=match)
        self.ledger.signed(study)


@contextmanager
def working(shift: Shift, titles: tuple[str, ...], radiologists: int, seed: int) -> Iterator[None]:
    """Have modalities and radiologists work for the length of a block; they finish what they began, within a time."""
    numbers = count(1)
    threads = [
        threading.Thread(target=shift.modality, args=(title, WAYS[place % len(WAYS)], numbers), daemon=True)
        for place, title in enumerate(titles)
    ]
    threads += [
        threading.Thread(target=shift.radiologist, args=(f"rad{place}", seed + place), daemon=True)
        for place in range(radiologists)
    ]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        shift.stop.set()
        leaving = threading.Timer(180, shift.leave.set)
        leaving.start()
        for thread in threads:
            thread.join()
        leaving.cancel()
