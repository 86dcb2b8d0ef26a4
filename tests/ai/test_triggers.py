"""Series that arrive, grow, change and go in a real Orthanc, and what its plugin tells of them."""

from __future__ import annotations

import hashlib
import os
import signal
from collections.abc import Callable
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from pydicom.dataset import Dataset

from neuronova.contract.ai.judged import Asked, input_hash
from neuronova.contract.inference import uids_hash
from neuronova.contract.priority import Priority
from tests.access import http
from tests.ai.api import SOON, Judging, server_in
from tests.ai.heads import ct_head, localizer, ours
from tests.patience import PATIENCE
from tests.server import Server, until
from tests.synthetic import make

FIRES = (Asked(rule="ct-head", model="ct-hyperdensity", priority=Priority.URGENT),)
Start = Callable[..., Judging]


def head(count: int = 14, **changed: Any) -> list[Dataset]:
    """A head CT of a patient of an issuer."""
    return ct_head(count, **{"IssuerOfPatientID": "HOSPITAL", "AccessionNumber": "ACC-1"} | changed)


def nothing_more(here: Judging, told: int, name: str = "marker") -> None:
    """Expect no message but `told`, and that of a series sent now: series are judged in the order of their arrival."""
    marker = head(series=name)
    here.server.send(*marker)
    assert here.api.until_told(told + 1)[-1].series == marker[0].SeriesInstanceUID


def hash_of(server: Server, series: str) -> str:
    """Return the input hash, from the stored files themselves."""
    found = []
    for one in server.get(f"/series/{series}/instances"):
        content = http.get(f"{server.url}/instances/{one['ID']}/file").content
        md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
        found.append((one["MainDicomTags"]["SOPInstanceUID"], md5))
    return input_hash(found)


def delete(server: Server, path: str) -> None:
    http.delete(server.url + path).raise_for_status()


def test_a_series_is_told_once_when_it_is_quiet(judging: Start) -> None:
    here = judging()
    images = head()
    here.server.send(*images)
    (told,) = here.api.until_told(1)
    assert told.asked == FIRES
    assert (told.patient_id, told.issuer, told.accession_number) == ("SYNTHETIC", "HOSPITAL", "ACC-1")
    assert (told.study, told.series) == (images[0].StudyInstanceUID, images[0].SeriesInstanceUID)
    assert (told.modality, told.instances) == ("CT", 14)
    assert told.input_hash == hash_of(here.server, told.orthanc)
    assert told.uids_hash == uids_hash(one.SOPInstanceUID for one in images)
    here.server.send(*images)  # duplicates are ignored
    nothing_more(here, 1)
    assert here.api.told[1].writer == told.writer
    assert here.api.told[1].sequence > told.sequence


def test_a_late_image_and_a_deleted_one_are_judged_anew(judging: Start) -> None:
    here = judging()
    images = head(15)
    here.server.send(*images[:14])
    (first,) = here.api.until_told(1)
    here.server.send(images[14])
    second = here.api.until_told(2)[1]
    assert (second.series, second.instances, second.asked) == (first.series, 15, FIRES)
    assert second.input_hash == hash_of(here.server, second.orthanc) != first.input_hash
    delete(here.server, f"/instances/{instance(here.server, images[14])}")
    third = here.api.until_told(3)[2]
    assert (third.instances, third.input_hash) == (14, first.input_hash)


def instance(server: Server, image: Dataset) -> str:
    found = http.post(f"{server.url}/tools/lookup", data=str(image.SOPInstanceUID)).json()
    return str(found[0]["ID"])


def test_a_replaced_image_is_judged_anew(judging: Start) -> None:
    here = judging()
    images = head()
    here.server.send(*images)
    (first,) = here.api.until_told(1)
    delete(here.server, f"/instances/{instance(here.server, images[3])}")
    images[3].SeriesDescription = "corrected"
    here.server.send(images[3])
    replaced = hash_of(here.server, first.orthanc)
    assert replaced != first.input_hash
    # It may have been judged without the image in between.
    until(lambda: here.api.told[-1].input_hash == replaced, "it is judged as it is now")
    last = here.api.told[-1]
    assert (last.series, last.uids_hash) == (first.series, first.uids_hash)


def test_one_that_lacks_images_waits_for_them(judging: Start) -> None:
    here = judging()
    images = head(ImagesInAcquisition=14)
    here.server.send(*images[:13])
    until(lambda: "has 13 of 14 images and waits" in here.server.log.read_text(), "it is looked at", SOON)
    nothing_more(here, 0)
    here.server.send(images[13])
    assert here.api.until_told(2)[1].instances == 14


def test_one_whose_images_promise_too_many_is_judged_in_the_end(judging: Start) -> None:
    here = judging(NEURONOVA_AI_LONGEST_WAIT="3")
    here.server.send(*head(NumberOfSlices=20))
    (told,) = here.api.until_told(1)
    assert (told.instances, told.asked) == (14, FIRES)
    assert "is judged with 14 of 20 images: none has come for" in here.server.log.read_text()
    nothing_more(here, 1)


def test_what_no_rule_is_meant_for_is_not_told(judging: Start) -> None:
    here = judging()
    here.server.send(*localizer(), *(one for series in ours() for one in series), make("sr"), make("pdf"), make("ct"))
    here.server.send(*head(series="small", Manufacturer="NeuroNova"))
    nothing_more(here, 0)


def test_what_a_model_cannot_use_is_told_with_its_reasons(judging: Start, tmp_path: Path) -> None:
    rules = tmp_path / "rules.yaml"
    rules.write_text(
        """rules:
  - name: many
    model: m
    when_it_cannot: report
    conditions: [{all: Modality, equals: CT}]
    needs: {images: {from: 20}}
  - name: silent
    model: m
    conditions: [{all: Modality, equals: CT}]
    needs: {images: {from: 20}}
"""
    )
    here = judging(NEURONOVA_AI_RULES=str(rules))
    here.server.send(*head())
    (told,) = here.api.until_told(1)
    reasons = ("it has 14 images, not from 20",)
    assert told.asked == (Asked(rule="many", model="m", priority=Priority.ROUTINE, reasons=reasons),)


@pytest.mark.parametrize("level", ["series", "studies", "patients"])
def test_what_is_deleted_is_told_to_be_gone(judging: Start, level: str) -> None:
    here = judging()
    here.server.send(*head())
    (told,) = here.api.until_told(1)
    (found,) = here.server.get(f"/{level}")
    delete(here.server, f"/{level}/{found}")
    gone = here.api.until_told(2)[1]
    assert (gone.is_gone, gone.series, gone.patient_id, gone.asked) == (True, told.series, told.patient_id, ())
    here.server.send(*head())  # and comes again
    assert here.api.until_told(3)[2].input_hash == told.input_hash


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=["stopped", "killed"])
def test_a_restart_judges_nothing_again(judging: Start, number: signal.Signals) -> None:
    here = judging()
    here.server.send(*head())
    here.api.until_told(1)
    here.server.stop(number)
    here.server.start()
    nothing_more(here, 1)


def test_what_a_killed_orthanc_had_stored_is_judged_after_its_start(judging: Start) -> None:
    here = judging(NEURONOVA_AI_QUIET_SECONDS="6")
    here.server.send(*head())
    here.server.stop(signal.SIGKILL)
    assert here.api.told == []
    here.server.start()
    (told,) = here.api.until_told(1)
    assert (told.instances, told.asked) == (14, FIRES)


def test_a_deletion_of_a_killed_orthanc_is_told_after_its_start(judging: Start) -> None:
    here = judging(NEURONOVA_AI_QUIET_SECONDS="6")
    here.server.send(*head())
    here.api.until_told(1)
    (study,) = here.server.get("/studies")
    delete(here.server, f"/studies/{study}")
    here.server.stop(signal.SIGKILL)
    assert len(here.api.told) == 1
    here.server.start()
    assert here.api.until_told(2)[1].is_gone


@pytest.mark.parametrize("status", [404, 503])
def test_what_the_api_does_not_take_is_kept_over_a_kill(judging: Start, status: int) -> None:
    here = judging()
    here.api.status = status
    here.server.send(*head())
    until(lambda: here.api.refused >= 3, "the plugin tries again", SOON)
    here.server.stop(signal.SIGKILL)
    here.api.status = 200
    here.server.start()
    here.api.until_told(1)
    nothing_more(here, 1)


def test_a_process_that_was_killed_judges_the_next_series(judging: Start) -> None:
    here = judging()
    here.server.send(*head())
    here.api.until_told(1)
    assert here.server.process is not None
    children = Path(f"/proc/{here.server.process.pid}/task").glob("*/children")
    pids = [int(pid) for file in children for pid in file.read_text().split()]
    (judge,) = [pid for pid in pids if b'"name": "judge"' in Path(f"/proc/{pid}/cmdline").read_bytes()]
    os.kill(judge, signal.SIGKILL)
    nothing_more(here, 1)


def test_what_cannot_be_read_is_given_up_and_holds_nothing_up(judging: Start) -> None:
    here = judging(NEURONOVA_AI_LONGEST_WAIT="3")
    # The same UIDs under two patients: DICOMweb cannot tell which of them is asked for.
    # They come by turns: the first of them is never whole and quiet before the second is there.
    here.server.send(*chain.from_iterable(zip(head(), head(PatientID="OTHER"), strict=True)))
    until(lambda: here.server.log.read_text().count("is not judged: it cannot be read") >= 2, "both are given up", SOON)
    nothing_more(here, 0)


def test_an_archive_from_before_is_left_alone_until_it_changes(judging: Start) -> None:
    here = judging(NEURONOVA_AI_QUIET_SECONDS="8")
    images = head(15)
    here.server.send(*images[:14])
    here.server.stop(signal.SIGKILL)
    for one in (here.server.settings.data / "journal").glob("series.db*"):
        one.unlink()
    here.server.start()
    nothing_more(here, 0)
    here.server.send(images[14])
    assert here.api.until_told(2)[1].instances == 15


def test_a_bad_file_of_rules_stops_the_start_and_names_its_line(tmp_path: Path) -> None:
    rules = tmp_path / "rules.yaml"
    rules.write_text("rules:\n  - name: head\n    model: m\n    conditions: [{all: Modalitie, equals: CT}]\n")
    server = server_in(tmp_path / "data", NEURONOVA_AI_RULES=str(rules))
    with pytest.raises(AssertionError, match=r"rules\.yaml: line 4: Modalitie is no keyword"):
        server.start()
    assert server.process is not None
    assert server.process.wait(PATIENCE) != 0
