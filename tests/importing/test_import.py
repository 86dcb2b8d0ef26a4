"""`neuronova import` as a person types it, on a real Orthanc with our plugins."""

from __future__ import annotations

import csv
import json
import signal
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from neuronova.audit.search import Query, search
from neuronova.contract.audit import Action
from tests.access import http
from tests.importing.conftest import serving
from tests.importing.folders import Mixed, command_environment, mixed, neuronova, zip_into, zipped
from tests.patience import PATIENCE
from tests.running import NEURONOVA
from tests.server import Server, running, until
from tests.synthetic import ct_slice, make, part10, uid

SOP_INSTANCE_UID = "SOPInstanceUID"


def stored(server: Server) -> dict[str, str]:
    """Return Orthanc's identifiers of all instances by their SOPInstanceUID; each is there once."""
    instances = server.get("/instances?expand")
    found = {one["MainDicomTags"][SOP_INSTANCE_UID]: one["ID"] for one in instances}
    assert len(found) == len(instances)
    return found


def count(server: Server) -> int:
    return int(server.get("/statistics")["CountInstances"])


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def start(server: Server, *words: str | Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [NEURONOVA, "import", *map(str, words)],
        env=command_environment(server.settings),
        cwd=server.settings.data.parent,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=_heeds_ctrl_c,  # noqa: PLW1509 - it takes no lock
    )


def _heeds_ctrl_c() -> None:
    # Where tests run in the background of a shell, SIGINT is ignored, and children would inherit that.
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.fixture(scope="module")
def disc(tmp_path_factory: pytest.TempPathFactory) -> Mixed:
    folder = mixed(tmp_path_factory.mktemp("disc"), "disc")
    zip_into(folder, "disc")
    return folder


@pytest.fixture(scope="module")
def imported(archive: Server, disc: Mixed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The report of an import that was killed half-way and run again."""
    report = tmp_path_factory.mktemp("report") / "report.csv"
    first = start(archive, disc.root, "--jobs", "2")
    until(lambda: count(archive) >= 60 or first.poll() is not None, "some of them are there")
    first.send_signal(signal.SIGKILL)
    first.communicate()
    assert first.returncode == -signal.SIGKILL
    assert 60 <= count(archive) < len(disc.objects)
    neuronova(archive.settings, "import", disc.root, "--report", report, code=2)
    yield report


def test_an_import_that_was_killed_goes_on_and_has_every_object_once(
    archive: Server, disc: Mixed, imported: Path
) -> None:
    found = stored(archive)
    assert set(found) == set(disc.objects)
    for sop, identifier in found.items():
        kept = http.get(f"{archive.url}/instances/{identifier}/file").content
        assert kept == disc.objects[sop]


def test_the_report_has_a_line_for_each_file_and_its_reason(disc: Mixed, imported: Path) -> None:
    rows = read_csv(imported)
    assert len(rows) == disc.files
    reasons = {row["path"].removeprefix(f"{disc.root}/"): row["reason"] for row in rows if row["outcome"] == "failed"}
    assert set(reasons) == set(disc.failing)
    for name, reason in disc.failing.items():
        assert reasons[name].startswith(reason), name
    outcomes = Counter(row["outcome"] for row in rows)
    assert outcomes["stored"] + outcomes["duplicate"] == len(disc.objects) + 10
    assert outcomes["duplicate"] >= 10
    assert outcomes["link"] == 3
    assert outcomes["not DICOM"] == 5
    assert {row[SOP_INSTANCE_UID] for row in rows if row["outcome"] == "stored"} <= set(disc.objects)


def test_the_next_run_looks_only_at_what_is_not_in(
    archive: Server, disc: Mixed, imported: Path, tmp_path: Path
) -> None:
    report = tmp_path / "again.jsonl"
    said = neuronova(archive.settings, "import", disc.root, "--report", report, code=2)
    assert f"{disc.files - len(disc.failing) - 3:,} files done before" in said
    assert len([json.loads(line) for line in report.read_text().splitlines()]) == disc.files


def test_looked_at_anew_what_is_there_is_found_there(archive: Server, disc: Mixed, imported: Path) -> None:
    folder = disc.root / "DICOM" / "S1"
    said = neuronova(archive.settings, "import", folder, "--again")
    assert "duplicate" in said and "stored" not in said


def test_it_is_recorded_who_imported_whose_studies(archive: Server, disc: Mixed, imported: Path) -> None:
    journal = archive.settings.data / "audit" / "cli.db"
    records = search([journal], Query(action=Action.STORE), limit=100).records
    assert {one.event.study for one in records} >= {uid(f"disc {number}") for number in range(4)}
    assert {one.event.patient_id for one in records} >= {"P0", "P1", "P2", "P3", "Z"}
    assert all(one.event.subject.startswith("cli:") for one in records)


def test_objects_without_an_issuer_get_the_one_that_is_named(archive: Server, tmp_path: Path) -> None:
    named = ct_slice(1, study="named", patient="N1")
    named.IssuerOfPatientID = "OTHER"
    (tmp_path / "a").write_bytes(part10(ct_slice(1, study="foreign", patient="F1")))
    (tmp_path / "b").write_bytes(part10(named))
    neuronova(archive.settings, "import", tmp_path, "--issuer", "HOSPITAL B")
    held = [archive.get("/neuronova/holdings", params={"study": uid(one)}) for one in ("foreign", "named")]
    assert [one["patients"][0]["issuer"] for one in held] == ["HOSPITAL B", "OTHER"]
    assert "duplicate" in neuronova(archive.settings, "import", tmp_path, "--issuer", "HOSPITAL B", "--again")


def test_a_restart_of_orthanc_is_waited_for(tmp_path: Path) -> None:
    folder = mixed(tmp_path / "folder", "restart", many=200)
    for name in folder.failing:
        (folder.root / name).unlink()
    with running(serving(tmp_path / "data")) as server:
        importing = start(server, folder.root)
        until(lambda: count(server) >= 50 or importing.poll() is not None, "some of them are there")
        server.stop(signal.SIGKILL)
        assert importing.poll() is None
        server.start()
        said, _ = importing.communicate(timeout=PATIENCE)
        assert importing.returncode == 0, said
        assert set(stored(server)) == set(folder.objects)


def test_ctrl_c_ends_it_and_the_next_run_goes_on(archive: Server, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    files = 1000
    for number in range(1, files + 1):
        made = ct_slice(number, rows=32, columns=32, study="interrupted", patient="I1")
        (folder / str(number)).write_bytes(part10(made))
    before = count(archive)
    importing = start(archive, folder, "--jobs", "1")
    until(lambda: count(archive) >= before + 20 or importing.poll() is not None, "some of them are there")
    importing.send_signal(signal.SIGINT)
    said, _ = importing.communicate(timeout=PATIENCE)
    assert importing.returncode == 130, said
    assert "Interrupted; the same command goes on from here." in said and "Traceback" not in said
    assert count(archive) < before + files
    assert "files done before" in neuronova(archive.settings, "import", folder)
    assert count(archive) == before + files


def test_what_is_too_large_for_memory_goes_from_the_file(
    archive: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from neuronova.importing import taking, zips

    monkeypatch.setattr(taking, "IN_MEMORY", 1000)
    monkeypatch.setattr(zips, "IN_MEMORY", 1000)
    alone, member = (part10(ct_slice(number, study="large", patient="L1")) for number in (1, 2))
    (tmp_path / "alone").write_bytes(alone)
    (tmp_path / "disc.zip").write_bytes(zipped({"IM1": member}))
    neuronova(archive.settings, "import", tmp_path)
    instances = archive.get("/instances?expand")
    sizes = {one["MainDicomTags"][SOP_INSTANCE_UID]: one["FileSize"] for one in instances}
    assert [sizes[uid(f"instance large/series/{number}")] for number in (1, 2)] == [len(alone), len(member)]


def test_what_came_in_htj2k_is_known_again(archive: Server, tmp_path: Path) -> None:
    image = make("u12_htj2k201")
    (tmp_path / "one").write_bytes(part10(image))
    assert "stored" in neuronova(archive.settings, "import", tmp_path)
    archive.until_settled(count(archive))
    said = neuronova(archive.settings, "import", tmp_path, "--again")
    assert "duplicate" in said and "stored" not in said


def test_a_platform_that_stays_away_ends_it_and_says_how_to_go_on(tmp_path: Path) -> None:
    server = serving(tmp_path / "data")
    (tmp_path / "one").write_bytes(part10(ct_slice(1)))
    said = neuronova(server.settings, "import", tmp_path / "one", "--patience", "0", code=1)
    assert "nothing answers at" in said and "goes on from here" in said


def test_a_full_disk_ends_it_and_is_named(tmp_path: Path) -> None:
    (tmp_path / "one").write_bytes(part10(ct_slice(1)))
    with running(serving(tmp_path / "data", NEURONOVA_DISK_RESERVE=str(1 << 30))) as server:
        said = neuronova(server.settings, "import", tmp_path / "one", code=1)
        assert "disk is full" in said and "it goes on" in said
        assert count(server) == 0


def test_two_imports_of_one_folder_do_not_run_at_once(archive: Server, tmp_path: Path) -> None:
    from neuronova.importing.journal import Journal, journal_path

    journal = Journal(journal_path(archive.settings.data, [tmp_path], None))
    try:
        said = neuronova(archive.settings, "import", tmp_path, code=1)
    finally:
        journal.close()
    assert "by another process" in said


@pytest.mark.parametrize(
    ("words", "said"),
    [(("/nowhere/at/all",), "is not there"), ((".", "--issuer", "a\\b"), "an issuer has 1 to 64")],
    ids=["missing", "issuer"],
)
def test_what_cannot_be_done_is_said_in_one_line(archive: Server, words: tuple[str, ...], said: str) -> None:
    answer = neuronova(archive.settings, "import", *words, code=1)
    assert said in answer and "Traceback" not in answer
