"""The whole platform and a second Orthanc: an order brings its priors, which are no new work."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import requests
from pydicom import Dataset

from tests.forwarding.peer import Peer
from tests.imaging.asking import Hospital, sent_slice
from tests.patience import PATIENCE
from tests.prefetch.archive import TITLE
from tests.prefetch.second import SecondOrthanc, second_orthanc
from tests.running import running_platform
from tests.server import free_ports, until
from tests.worklist.orders import order, patient, typed

RULES = f"""rules:
  - name: ct
    from: {TITLE}
    orders: {{modality: CT}}
    priors: {{modality: CT}}
"""
SENT_ON = """rules:
  - name: all-ct
    to: PEER
    conditions:
      - all: Modality
        equals: CT
"""


@pytest.fixture(scope="module")
def peer() -> Iterator[Peer]:
    """A destination to which all that is new goes on."""
    with Peer(free_ports(1)[0]).up() as made:
        yield made


@pytest.fixture(scope="module")
def hospital(peer: Peer) -> Iterator[Hospital]:
    """A platform that fetches, forwards, and knows a modality, the archive and the destination."""
    with TemporaryDirectory(prefix="nn") as folder:
        files = {"PREFETCH": Path(folder) / "prefetch.yaml", "FORWARDING": Path(folder) / "forwarding.yaml"}
        files["PREFETCH"].write_text(RULES)
        files["FORWARDING"].write_text(SENT_ON)
        changes = {f"NEURONOVA_{name}_RULES": str(file) for name, file in files.items()}
        changes |= {"NEURONOVA_AI_QUIET_SECONDS": "0.5", "NEURONOVA_ISSUER": "HOSPITAL"}
        with running_platform(Path(folder) / "data", **changes) as platform:
            platform.allow("MODALITY")
            made = Hospital(platform)
            known(made, "PEER", peer.port)
            yield made


@pytest.fixture(scope="module")
def archive(hospital: Hospital, tmp_path_factory: pytest.TempPathFactory) -> SecondOrthanc:
    """An archive that is down."""
    settings = hospital.platform.settings
    made = second_orthanc(tmp_path_factory.mktemp("second"), settings.aet, settings.dicom_port)
    known(hospital, TITLE, made.ports[0])
    return made


def known(hospital: Hospital, title: str, port: int) -> None:
    url = f"{hospital.platform.url}/api/v1/modalities/{title}"
    body = {"host": "127.0.0.1", "port": port, "operations": ["store"]}
    requests.put(url, json=body, headers=hospital.header(), timeout=PATIENCE).raise_for_status()


def of_hong(name: str, patient_id: str, images: int = 2) -> list[Dataset]:
    """Return a study as the archive has it: its PatientIDs name no issuer."""
    slices = [sent_slice(number, patient_id=patient_id, issuer="", study=name) for number in range(1, images + 1)]
    for one in slices:
        one.AccessionNumber = name
    return slices


def ask_for(hospital: Hospital, number: int) -> None:
    """Order a CT of a patient of this number."""
    identifier = [{"system": "urn:neuronova:issuer:HOSPITAL", "value": f"P-{number}"}]
    hospital.write(
        patient(id=f"hong-{number}", identifier=identifier),
        order(
            id=f"order-{number}",
            identifier=[typed("ACSN", f"ACC-{number}")],
            subject={"reference": f"Patient/hong-{number}"},
        ),
    )


def prefetch_of(hospital: Hospital, number: int) -> dict[str, Any]:
    (found,) = [
        one for one in hospital.platform.get("/api/v1/prefetch").json()["prefetches"]
        if one["order"] == f"order-{number}"
    ]  # fmt: skip
    return dict(found)


def reading_list(hospital: Hospital) -> set[str]:
    return {one["study"] for one in hospital.platform.get("/api/v1/reading").json()["studies"]}


def recorded(hospital: Hospital, uid: str) -> list[dict[str, Any]]:
    return hospital.found(f"ImagingStudy?identifier=urn:dicom:uid|urn:oid:{uid}")


def test_an_order_brings_its_priors_which_are_no_new_work(
    hospital: Hospital, archive: SecondOrthanc, peer: Peer
) -> None:
    priors = of_hong("prior", "P-1", images=3)
    others = of_hong("of another", "P-11")
    new = sent_slice(patient_id="P-1", study="new", AccessionNumber="")
    uid = str(priors[0].StudyInstanceUID)
    with archive.up():
        archive.keep(*priors, *others)
        ask_for(hospital, 1)
        until(lambda: prefetch_of(hospital, 1)["state"] == "done", "the priors come")
    (prior,) = prefetch_of(hospital, 1)["priors"]
    assert (prior["study"], prior["state"], prior["images"]) == (uid, "fetched", 3)
    (study,) = until(lambda: recorded(hospital, uid), "it is in the record")
    assert study["subject"] == {"reference": "Patient/hong-1"}
    assert recorded(hospital, str(others[0].StudyInstanceUID)) == []

    hospital.send(new)
    until(lambda: str(new.SOPInstanceUID) in peer.held, "what is new goes on")
    until(lambda: str(new.StudyInstanceUID) in reading_list(hospital), "what is new is to be read")
    # Series are judged in the order of their arrival: the prior was before.
    assert peer.held.keys() == {str(new.SOPInstanceUID)}
    assert uid not in reading_list(hospital)
    stored = hospital.orthanc("GET", "/instances")
    assert len(stored) == 4


def test_an_order_is_asked_for_by_hand(hospital: Hospital, archive: SecondOrthanc) -> None:
    platform, prior = hospital.platform, of_hong("by hand", "P-3")
    with archive.up():
        ask_for(hospital, 3)
        until(lambda: prefetch_of(hospital, 3)["state"] == "done", "the archive is asked")
        assert prefetch_of(hospital, 3)["priors"] == []
        archive.keep(*prior)
        assert f"{TITLE} will be asked" in platform.command("prefetch", "order", "order-3")
        until(lambda: prefetch_of(hospital, 3)["priors"], "what the archive has by now")
        until(lambda: prefetch_of(hospital, 3)["state"] == "done", "it comes")
    assert f"{prior[0].StudyInstanceUID} fetched" in platform.command("prefetch", "queue")
    assert "no errors; rules: ct" in platform.command("prefetch", "check")
    with pytest.raises(AssertionError, match="no rule means an order nothing"):
        platform.command("prefetch", "order", "nothing")


def test_an_archive_that_is_down_is_asked_again_by_itself(hospital: Hospital, archive: SecondOrthanc) -> None:
    with archive.up():
        archive.keep(*of_hong("later", "P-2"))
    ask_for(hospital, 2)
    until(lambda: prefetch_of(hospital, 2)["detail"], "what the archive says is shown")
    waiting = prefetch_of(hospital, 2)
    assert (waiting["state"], waiting["priors"]) == ("queued", [])
    assert "connecting to AET" in waiting["detail"]
    with archive.up():
        until(lambda: prefetch_of(hospital, 2)["state"] == "done", "it was asked again")
        (prior,) = prefetch_of(hospital, 2)["priors"]
        assert (prior["state"], prior["images"]) == ("fetched", 2)
