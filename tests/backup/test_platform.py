"""A platform is backed up while a modality sends, all of it is destroyed, and restored."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from neuronova.backup.places import API_DATABASE, AUDIT_FOLDERS, KEYS, LEFT_OUT, LINKED, LIVE, PLUGIN_DATABASES
from tests.backup.repositories import PASSWORD
from tests.imaging.asking import Hospital, sent_slice
from tests.patience import PATIENCE
from tests.running import ADMIN_PASSWORD, NEURONOVA, Platform, running_platform
from tests.server import until
from tests.synthetic import uid

SLICES = 4


def command(platform: Platform, *words: str, code: int = 0) -> str:
    """Run `neuronova` on a platform; return what it says."""
    done = subprocess.run(
        [NEURONOVA, *words],
        env=platform.environment | {"COLUMNS": "200"},
        cwd=platform.settings.data.parent,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def frame(platform: Platform, number: int) -> bytes:
    """Return the first frame of a slice as HTJ2K, once there is one."""
    names = {"studies": "kept", "series": "kept/series", "instances": f"instance kept/series/{number}"}
    path = "/".join(f"{level}/{uid(word)}" for level, word in names.items())
    answer = platform.get(f"/dicom-web/{path}/frames/1", Accept='multipart/related; type="image/jphc"')
    assert answer.ok, answer.text
    return answer.content.split(b"\r\n\r\n", 1)[1].rsplit(b"\r\n--", 1)[0]


def files(hospital: Hospital) -> dict[str, bytes]:
    """Return every stored object by Orthanc's identifier."""
    return {one: hospital.file(one) for one in hospital.orthanc("GET", "/instances")}


def encoded(hospital: Hospital, study: str) -> int:
    """Return how many instances of a study have their HTJ2K attached."""
    found = [
        one
        for one in hospital.orthanc("GET", "/studies?expand")
        if one["MainDicomTags"]["StudyInstanceUID"] == uid(study)
    ]
    names = [one["ID"] for study in found for one in hospital.orthanc("GET", f"/studies/{study['ID']}/instances")]
    return sum("htj2k" in hospital.orthanc("GET", f"/instances/{one}/attachments") for one in names)


def instances(hospital: Hospital) -> dict[str, int]:
    """Return the number of instances that the record knows, by study."""
    return {one["identifier"][0]["value"]: one["numberOfInstances"] for one in hospital.studies()}


@dataclass
class Story:
    """What was there before, what the commands said, and the platform that came of the backup."""

    before: dict[str, bytes]
    frames: list[bytes]
    acknowledged: list[str]
    said: dict[str, str]
    refused: dict[str, str]
    folders: set[str]
    after: Hospital
    modes: dict[str, int] = field(default_factory=dict)


class Sending(threading.Thread):
    """A modality that sends one slice after the other until it is told to end."""

    def __init__(self, hospital: Hospital) -> None:
        super().__init__(daemon=True)
        self._hospital, self.over, self.acknowledged = hospital, threading.Event(), list[str]()

    def run(self) -> None:
        number = 0
        while not self.over.is_set():
            number += 1
            self._hospital.send(sent_slice(number, study="meanwhile", AccessionNumber=""))
            self.acknowledged.append(uid(f"instance meanwhile/series/{number}"))


@pytest.fixture(scope="module")
def story() -> Iterator[Story]:
    with TemporaryDirectory(prefix="nn") as name, ExitStack() as stack:
        folder = Path(name)
        data, backups = folder / "data", folder / "backups"
        changes = {"NEURONOVA_BACKUP_REPOSITORY": str(backups), "NEURONOVA_BACKUP_PASSWORD": PASSWORD}
        with running_platform(data, **changes) as platform:
            yield _told(Hospital(platform), folder, stack, changes)


def _told(hospital: Hospital, folder: Path, stack: ExitStack, changes: dict[str, str]) -> Story:
    platform, data = hospital.platform, hospital.platform.settings.data
    hospital.open()
    hospital.send(*(sent_slice(number, study="kept") for number in range(1, SLICES + 1)))
    hospital.until_study(numberOfInstances=SLICES)
    platform.add_user("kim", "doctor")
    command(platform, "users", "grant", "kim", "P-100", "--issuer", "HOSPITAL")
    frames = [frame(platform, number) for number in range(1, SLICES + 1)]
    until(lambda: encoded(hospital, "kept") == SLICES, "all are encoded")
    before = files(hospital)
    sending = Sending(hospital)
    sending.start()
    until(lambda: sending.acknowledged, "something is sent")
    acknowledged = list(sending.acknowledged)
    said = {"first": command(platform, "backup")}
    sending.over.set()
    sending.join()
    until(lambda: encoded(hospital, "meanwhile") == len(sending.acknowledged), "all are encoded")
    said |= {"second": command(platform, "backup"), "third": command(platform, "backup")}
    said |= {"list": command(platform, "backup", "list")}
    said |= {"verify": command(platform, "backup", "verify", "--read-data")}
    refused = {"not empty": command(platform, "restore", code=1)}
    folders = {one.name for one in data.iterdir()}
    platform.stop()
    shutil.rmtree(data)
    listed = re.findall(r"^│ ([0-9a-f]{8}) ", said["list"], re.MULTILINE)
    said |= {"restore": command(platform, "restore", listed[0])}
    modes = {str(path.relative_to(data)): path.stat().st_mode & 0o777 for path in data.rglob("*")}
    said |= {"audit": command(platform, "audit", "verify")}
    after = Hospital(stack.enter_context(running_platform(data, **changes)))
    return Story(before, frames, acknowledged, said, refused, folders, after, modes)


def number(said: str, name: str) -> int:
    found = re.search(rf"{name}\s*│\s*([\d,]+)", said)
    assert found, said
    return int(found[1].replace(",", ""))


def test_every_part_of_the_data_folder_is_in_a_backup_or_left_out_on_purpose(story: Story) -> None:
    taken = (*LIVE, *LINKED, *PLUGIN_DATABASES, API_DATABASE, KEYS, *AUDIT_FOLDERS)
    assert story.folders <= {*LEFT_OUT, *(place.split("/")[0] for place in taken)}


def test_a_backup_tells_what_it_did(story: Story) -> None:
    assert "A new repository was made" in story.said["first"]
    assert "NOTHING IN IT CAN EVER BE READ" in story.said["first"]
    assert "A new repository was made" not in story.said["second"]
    assert len(re.findall(r"^│ [0-9a-f]{8} ", story.said["list"], re.MULTILINE)) == 3
    assert "is whole" in story.said["verify"]


def test_a_second_backup_takes_what_is_new(story: Story) -> None:
    assert number(story.said["second"], "bytes in all") > number(story.said["first"], "bytes in all")
    assert number(story.said["third"], "new files") <= 3  # nothing was stored: a checkpoint perhaps
    assert number(story.said["third"], "bytes added") < number(story.said["first"], "bytes added") / 2


def test_a_folder_that_has_something_in_it_is_not_restored_into(story: Story) -> None:
    assert "is not empty" in story.refused["not empty"]


def test_what_was_stored_before_the_backup_is_there_byte_for_byte(story: Story) -> None:
    found = files(story.after)
    assert {one: found.get(one) for one in story.before} == story.before
    stored = {one["MainDicomTags"]["SOPInstanceUID"] for one in story.after.orthanc("GET", "/instances?expand")}
    assert set(story.acknowledged) <= stored


def test_frames_are_the_same_htj2k(story: Story) -> None:
    assert encoded(story.after, "kept") == SLICES
    assert [frame(story.after.platform, number) for number in range(1, SLICES + 1)] == story.frames


def test_accounts_and_grants_are_there(story: Story) -> None:
    token = story.after.platform.login("kim", ADMIN_PASSWORD)["access_token"]
    studies = story.after.platform.get("/dicom-web/studies", Authorization=f"Bearer {token}").json()
    assert uid("kept") in {one["0020000D"]["Value"][0] for one in studies}


def test_the_record_is_there(story: Story) -> None:
    assert story.after.found("Patient?_id=hong")[0]["id"] == "hong"
    assert story.after.found("ServiceRequest")[0]["id"] == "order-1"


def test_the_record_knows_of_each_stored_study_as_it_is(story: Story) -> None:
    def stored() -> dict[str, int]:
        studies = story.after.orthanc("GET", "/studies?expand")
        uids = {one["ID"]: f"urn:oid:{one['MainDicomTags']['StudyInstanceUID']}" for one in studies}
        return {uids[one]: story.after.orthanc("GET", f"/studies/{one}/statistics")["CountInstances"] for one in uids}

    until(lambda: instances(story.after) == stored(), "the record knows of all that is stored")


def test_the_audit_trail_is_whole_and_tells_of_the_backup_and_the_restore(story: Story) -> None:
    assert "The trail is whole" in story.said["audit"]
    found = command(story.after.platform, "audit", "export", "--format", "csv", "--output", "trail.csv")
    trail = (story.after.platform.settings.data.parent / "trail.csv").read_text()
    assert found
    assert '""command"": ""backup""' in trail
    assert '""command"": ""restore""' in trail


def test_keys_are_their_owners_alone_and_nothing_is_left_of_the_restore(story: Story) -> None:
    keys = {path: mode for path, mode in story.modes.items() if path.startswith("keys/") and Path(path).suffix}
    assert keys
    assert set(keys.values()) == {0o600}
    assert not {"backup", "restore-unfinished"} & set(story.modes)


def test_what_is_sent_after_it_is_told_and_encoded(story: Story) -> None:
    story.after.send(sent_slice(1, study="new", AccessionNumber=""))
    name = f"urn:oid:{uid('new')}"
    until(lambda: instances(story.after).get(name) == 1, "the record knows of the new study")
    story.after.send(sent_slice(2, study="new", AccessionNumber=""))
    until(lambda: instances(story.after).get(name) == 2, "and that it grew")
    until(lambda: encoded(story.after, "new") == 2, "both are encoded")


def test_another_backup_goes_on_from_there(story: Story) -> None:
    said = command(story.after.platform, "backup")
    assert "A new repository was made" not in said
    assert number(said, "bytes added") < number(said, "bytes in all")


def test_no_part_of_the_platform_is_given_the_password(story: Story) -> None:
    marks = [Path(f"/proc/{pid}/environ").read_bytes() for pid in story.after.platform.pids()]
    given = [one for one in marks if PASSWORD.encode() in one]
    assert os.getpid() not in story.after.platform.pids()
    assert len(given) == 1  # `neuronova run` itself, which read it
