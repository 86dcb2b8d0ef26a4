"""`neuronova ai rules` as a person types it, on a real Orthanc."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydicom.dataset import Dataset

from neuronova.audit.search import Query, search
from neuronova.contract.audit import Action
from neuronova.contract.settings import Settings
from neuronova.platform.layout import Layout, make_folders
from tests.access import changes_of_api, http
from tests.ai.heads import STUDY, ct_head, localizer, mr_t1w, ours
from tests.patience import PATIENCE
from tests.running import NEURONOVA, ambient
from tests.server import Server, running, settings_for, until
from tests.synthetic import ct_slice, part10, uid

LOST = uid("lost/lost")
RULES = """rules:
  - name: night
    model: m
    hours: {from: "22:00", to: "06:00"}
    conditions:
      - any: BodyPartExamined
        equals: HEAD
"""


def rules(settings: Settings, *words: str | Path, code: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [NEURONOVA, "ai", "rules", *map(str, words)],
        env=ambient() | settings.environment() | {"COLUMNS": "200"},
        cwd=settings.data.parent,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done


def said(settings: Settings, *words: str | Path) -> dict[str, dict[str, Any]]:
    """Return what is said of each series, by its UID and then by rule."""
    lines = rules(settings, "test", "--json", *words).stdout.splitlines()
    return {one["series"]: {rule["rule"]: rule for rule in one["rules"]} for one in map(json.loads, lines)}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that knows the key with which the command line signs, and has all of these series."""
    settings = settings_for(tmp_path_factory.mktemp("ai") / "data")
    make_folders(Layout(settings.data))
    with running(Server(settings, known=changes_of_api(settings))) as one:
        for image in stored():
            one.upload(part10(image))
        yield one


def stored() -> list[Dataset]:
    changing = mr_t1w(series="changing")
    changing[1].SeriesDescription = "scout"
    gap = ct_head(20, series="gap")
    del gap[8:14]
    series = [ct_head(), mr_t1w(), localizer(), changing, gap, *ours()]
    other = [ct_slice(number, study="other", series="other") for number in (1, 2)]
    return [image for images in [*series, other] for image in images]


def test_says_what_each_rule_says_of_each_series(server: Server) -> None:
    found = said(server.settings)
    outcomes = {
        series: {name: verdict["outcome"] for name, verdict in verdicts.items()} for series, verdicts in found.items()
    }
    no = "not meant"
    assert outcomes == {
        uid(f"{STUDY}/ct head"): {"mr-t1w": no, "ct-head": "fires"},
        uid(f"{STUDY}/mr t1w"): {"mr-t1w": "fires", "ct-head": no},
        uid(f"{STUDY}/localizer"): {"mr-t1w": no, "ct-head": no},
        uid(f"{STUDY}/changing"): {"mr-t1w": no, "ct-head": no},
        uid(f"{STUDY}/gap"): {"mr-t1w": no, "ct-head": "reports"},
        uid("our one_bit"): {"mr-t1w": no, "ct-head": no},
        uid("our sr"): {"mr-t1w": no, "ct-head": no},
        uid("other/other"): {"mr-t1w": no, "ct-head": no},
    }
    assert found[uid("our one_bit")]["ct-head"]["reasons"] == ["the platform itself stored it"]
    assert found[uid(f"{STUDY}/gap")]["ct-head"]["reasons"] == ["slice distance is 2 to 14 mm, not from 0.3 to 10 mm"]
    (reason,) = found[uid(f"{STUDY}/changing")]["mr-t1w"]["reasons"]
    assert reason.endswith(": 1 of 62 images do not (scout)")


def test_every_access_is_in_the_audit_trail(server: Server) -> None:
    rules(server.settings, "test", "--study", uid("other"))
    page = search([server.settings.data / "audit" / "orthanc.db"], Query(subject="service:ai-rules"), limit=1000)
    read = {record.event.action for record in page.records if record.event.study == uid("other")}
    assert read == {Action.READ}


def test_a_series_that_cannot_be_read_is_said_to_be(tmp_path: Path) -> None:
    settings = settings_for(tmp_path / "data")
    make_folders(Layout(settings.data))
    with running(Server(settings, known=changes_of_api(settings))) as server:
        for word in ("good", "lost"):
            server.upload(part10(ct_slice(study=word, series=word)))
        (lost,) = (one for one in server.get("/series?expand") if one["MainDicomTags"]["SeriesInstanceUID"] == LOST)
        prepared = f"/series/{lost['ID']}/attachments"
        until(lambda: "series-metadata" in server.get(prepared), "its metadata is prepared")
        stored = server.get(f"/instances/{lost['Instances'][0]}/attachments/dicom/info")["Uuid"]
        server.stop()
        (Layout(settings.data).orthanc / stored[:2] / stored[2:4] / stored).unlink()
        server.start()
        http.delete(f"{server.url}{prepared}/series-metadata").raise_for_status()
        lines = rules(settings, "test", code=2).stdout.splitlines()
        assert any(LOST in line and "unreadable" in line for line in lines)
        assert sum("not meant" in line for line in lines) == 2  # the other series, of two rules


def test_one_study(server: Server) -> None:
    assert set(said(server.settings, "--study", uid("other"))) == {uid("other/other")}
    done = rules(server.settings, "test", "--study", uid("nowhere"), code=1)
    assert done.stderr == f"neuronova: no study {uid('nowhere')} is stored\n"
    assert "is no StudyInstanceUID" in rules(server.settings, "test", "--study", "1/2", code=1).stderr


def test_a_table(server: Server) -> None:
    lines = rules(server.settings, "test", "--study", uid("other")).stdout.splitlines()
    assert any(uid("other/other") in line for line in lines)
    assert any("ct-head" in line and "not meant" in line for line in lines)
    assert any("none" not in line and "2 of 2 images do not (no value)" in line for line in lines)


def test_a_file_and_a_time_of_day(server: Server) -> None:
    path = server.settings.data.parent / "night.yaml"
    path.write_text(RULES)
    head = uid(f"{STUDY}/ct head")
    at = {clock: said(server.settings, path, "--at", clock)[head]["night"] for clock in ("23:00", "07:00")}
    assert at["23:00"]["outcome"] == "fires"
    assert at["07:00"]["reasons"] == ["it is 07:00, not between 22:00 and 06:00"]
    assert "no time of day" in rules(server.settings, "test", "--at", "7", code=1).stderr


def test_check_names_every_line(tmp_path: Path) -> None:
    settings = settings_for(tmp_path / "data")
    path = tmp_path / "rules.yaml"
    path.write_text(RULES.replace("night", "Night").replace("BodyPartExamined", "BodyPart"))
    done = rules(settings, "check", path, code=1)
    assert [line.split(":")[1] for line in done.stderr.splitlines()] == ["2", "6"]
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "cannot be read"), (b"\xff\xfe\x00", "is not UTF-8")],
    ids=["missing", "no text"],
)
def test_a_file_that_cannot_be_read(tmp_path: Path, content: bytes | None, message: str) -> None:
    path = tmp_path / "rules.yaml"
    if content is not None:
        path.write_bytes(content)
    assert message in rules(settings_for(tmp_path / "data"), "check", path, code=1).stderr


def test_check_takes_the_file_of_the_setting(tmp_path: Path) -> None:
    assert "mr-t1w, ct-head" in rules(settings_for(tmp_path / "data"), "check").stdout
    path = tmp_path / "rules.yaml"
    path.write_text(RULES)
    assert (
        "no errors; rules: night"
        in rules(settings_for(tmp_path / "data", NEURONOVA_AI_RULES=str(path)), "check").stdout
    )


def test_says_when_nothing_runs(tmp_path: Path) -> None:
    settings = settings_for(tmp_path / "data")
    make_folders(Layout(settings.data))
    changes_of_api(settings)
    assert "start the platform" in rules(settings, "test", code=1).stderr
