"""The whole platform: a series that arrives goes on by a rule, and a study by hand."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import requests

from neuronova.contract.ours import MANUFACTURER
from tests.forwarding.peer import Peer
from tests.patience import PATIENCE
from tests.running import NEURONOVA, Platform, running_platform
from tests.server import Server, free_ports, until
from tests.synthetic import ct_slice, make

RULES = """rules:
  - name: axial-ct
    to: PEER
    conditions:
      - all: Modality
        equals: CT
      - none: SeriesDescription
        contains: private
  - name: asked-for
    to: PEER
    when: by_command
    conditions:
      - all: SeriesDescription
        contains: private
  - name: our-reports
    to: PEER
    own_results: send
    conditions:
      - all: Modality
        equals: SR
"""


@pytest.fixture(scope="module")
def peer() -> Iterator[Peer]:
    with Peer(free_ports(1)[0]).up() as made:
        yield made


@pytest.fixture(scope="module")
def platform(peer: Peer) -> Iterator[Platform]:
    """A platform with rules, which knows a scanner and the destination."""
    with TemporaryDirectory(prefix="nn") as folder:
        rules = Path(folder) / "forwarding.yaml"
        rules.write_text(RULES)
        changes = {"NEURONOVA_FORWARDING_RULES": str(rules), "NEURONOVA_AI_QUIET_SECONDS": "0.5"}
        with running_platform(Path(folder) / "data", **changes) as running:
            running.allow("MODALITY")
            url = f"{running.url}/api/v1/modalities/PEER"
            headers = {"Authorization": f"Bearer {running.login()['access_token']}"}
            body = {"host": "127.0.0.1", "port": peer.port, "operations": ["store"]}
            requests.put(url, json=body, headers=headers, timeout=PATIENCE).raise_for_status()
            yield running


def said(platform: Platform, *words: str, code: int = 0) -> str:
    """Return what `neuronova` prints."""
    done = subprocess.run(
        [NEURONOVA, *words],
        env=platform.environment | {"COLUMNS": "250"},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_a_series_goes_on_by_its_rule_and_by_hand(platform: Platform, peer: Peer) -> None:
    images = [ct_slice(number, rows=16, columns=16, study="going on") for number in (1, 2, 3)]
    private = [ct_slice(number, rows=16, columns=16, study="going on", series="private") for number in (1, 2)]
    for one in private:
        one.SeriesDescription = "private"
    Server(platform.settings).send(*images, *private)
    uids = {str(one.SOPInstanceUID) for one in images}
    until(lambda: peer.held.keys() >= uids, "the series arrives")
    until(lambda: "sent" in said(platform, "forwarding", "queue"), "it is shown as sent")
    assert peer.held.keys() == uids
    listed = requests.get(
        f"{platform.url}/api/v1/outbox/messages",
        params={"target": "dicom:PEER"},
        headers={"Authorization": f"Bearer {platform.login()['access_token']}"},
        timeout=PATIENCE,
    )
    assert [one["state"] for one in listed.json()["messages"]] == ["completed"]

    study = str(images[0].StudyInstanceUID)
    table = said(platform, "forwarding", "test", "--study", study)
    assert "PEER, routine, on_arrival" in table
    assert "PEER, routine, by_command" in table
    assert "axial-ct, asked-for, our-reports" in said(platform, "forwarding", "check")

    text = said(platform, "forward", study, "--rule", "asked-for")
    assert "1 series with 2 images are on their way to PEER." in text
    until(lambda: peer.held.keys() == uids | {str(one.SOPInstanceUID) for one in private}, "the rest arrives")
    peer.held.clear()
    assert "2 series with 5 images are on their way to PEER." in said(platform, "forward", study, "--to", "PEER")
    until(lambda: len(peer.held) == 5, "all of it comes again")


def test_our_own_reports_go_where_a_rule_says_so(platform: Platform, peer: Peer) -> None:
    report = make("sr", Manufacturer=MANUFACTURER)
    ours = ct_slice(1, rows=16, columns=16, study="own images")
    ours.Manufacturer = MANUFACTURER
    Server(platform.settings).send(ours, report)
    until(lambda: str(report.SOPInstanceUID) in peer.held, "the report arrives")
    # Series are judged in the order of their arrival: the image was before.
    shown = said(platform, "forwarding", "queue")
    assert str(report.SeriesInstanceUID) in shown
    assert str(ours.SeriesInstanceUID) not in shown


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("forward", "1.2.3", "--to", "PEER"), "no study 1.2.3 is stored"),
        (("forward", "x", "--to", "PEER"), "'x' is no StudyInstanceUID"),
        (("forward", "1.2.3"), "say either --to AET or --rule NAME"),
        (("forward", "1.2.3", "--rule", "none"), "there is no rule none; there are axial-ct, asked-for, our-reports"),
        (("forwarding", "test", "--study", "1.2.3"), "no study 1.2.3 is stored"),
    ],
    ids=["no-study", "no-uid", "no-destination", "no-rule", "test-no-study"],
)
def test_what_cannot_be_done_is_said(platform: Platform, words: tuple[str, ...], expected: str) -> None:
    assert expected in said(platform, *words, code=1)


def test_an_unknown_destination_is_said(platform: Platform, tmp_path: Path) -> None:
    file = tmp_path / "rules.yaml"
    file.write_text(RULES.replace("to: PEER", "to: NOBODY"))
    assert "NOBODY is no modality that may store" in said(platform, "forwarding", "check", str(file), code=1)
