"""restic itself, as it is used: what is new is stored, what is damaged is found, what is wrong is said."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from neuronova.backup.restic import Repository
from neuronova.backup.restic_said import unreadable
from neuronova.platform.errors import PlatformError
from tests.backup.repositories import flip_a_byte, repository
from tests.server import until


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with three files and a repository that has one backup of them."""
    folder = tmp_path_factory.mktemp("first")
    found = repository(folder)
    assert not found.exists()
    found.make()
    for number in range(3):
        file = folder / "data" / "orthanc" / f"{number}"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(bytes([number]) + b"x" * 100_000 + number.to_bytes(4, "big") * 50_000)
    add(found, folder)
    return folder


@pytest.fixture
def made(first: Path, tmp_path: Path) -> Repository:
    """A copy of it, of this test's own."""
    shutil.copytree(first, tmp_path, dirs_exist_ok=True)
    return repository(tmp_path)


def add(found: Repository, folder: Path) -> tuple[str, int, int]:
    """Back the folder up; return the backup, how many files are new, and the bytes that were added."""
    known = found.snapshots()
    parent = known[-1].id if known else None
    added = found.add(folder / "data", ["orthanc"], ["orthanc/index"], parent, lambda _part, _bytes: None)
    assert added.unreadable == ()
    return found.finish(added.snapshot), added.files_new, added.bytes_added


def test_only_what_is_new_is_stored(made: Repository, tmp_path: Path) -> None:
    (tmp_path / "data" / "orthanc" / "new").write_bytes(b"new")
    (tmp_path / "data" / "orthanc" / "index").write_bytes(b"left out")
    snapshot, files, size = add(made, tmp_path)
    assert files == 1
    assert size < 5_000
    assert dict(made.files(snapshot, "orthanc"))["/orthanc/new"] == 3
    assert len(list(made.files(snapshot, "orthanc"))) == 4
    assert made.find("latest").id == made.find(snapshot[:8]).id == snapshot
    assert len(made.snapshots()) == 2


def test_what_was_backed_up_comes_back(made: Repository, tmp_path: Path) -> None:
    made.restore(made.find("latest").id, tmp_path / "back")
    for number in range(3):
        names = [tmp_path / folder / "orthanc" / str(number) for folder in ("data", "back")]
        assert names[0].read_bytes() == names[1].read_bytes()


def test_old_backups_and_unfinished_ones_are_removed(made: Repository, tmp_path: Path) -> None:
    made.add(tmp_path / "data", ["orthanc"], [], None, lambda _part, _bytes: None)
    newest, _, _ = add(made, tmp_path)
    made.forget({"daily": 1})
    assert [one.id for one in made.snapshots()] == [newest]
    assert made.snapshots("neuronova-unfinished") == []


def test_a_wrong_password_is_said(made: Repository, tmp_path: Path) -> None:
    with pytest.raises(PlatformError, match="password does not open"):
        repository(tmp_path, "another password").exists()


def test_no_repository_is_said(tmp_path: Path) -> None:
    with pytest.raises(PlatformError, match="no repository"):
        repository(tmp_path).snapshots()


def test_no_such_backup_is_said(made: Repository) -> None:
    with pytest.raises(PlatformError, match="no backup 0000000000"):
        made.find("0000000000")


def test_a_lock_that_a_killed_one_left_is_no_hindrance(made: Repository, tmp_path: Path) -> None:
    secrets = {"RESTIC_REPOSITORY": made.address, "RESTIC_PASSWORD": made.password}
    words = ["restic", "--no-cache", "--quiet", "backup", "--stdin"]  # which never comes to its end
    program = subprocess.Popen(words, stdin=subprocess.PIPE, env=dict(os.environ) | secrets)

    def locks() -> list[str]:
        names = (one.name for one in (tmp_path / "repository" / "locks").iterdir())
        return [name for name in names if "-tmp-" not in name]  # one that is just being written is none yet

    until(locks, "it has the repository locked")
    program.kill()
    program.communicate()
    assert locks()
    made.forget({"daily": 1})  # which nobody else may work beside
    assert not locks()


def test_a_damaged_byte_is_found(made: Repository, tmp_path: Path) -> None:
    assert made.damage(read_data=True) is None
    flip_a_byte(tmp_path)
    assert "damaged" in str(made.damage(read_data=True))


def test_the_password_is_on_no_command_line(made: Repository) -> None:
    process = made._start(["version"], stdout=subprocess.DEVNULL)
    process.wait()
    assert isinstance(process.args, list)
    command = " ".join(process.args)
    assert command.endswith(" version")
    for secret in (made.password, made.address):
        assert secret not in command
        assert secret not in repr(made)


def test_files_that_it_could_not_read_are_named() -> None:
    # As restic 0.14 writes it, run by somebody who may not read the file.
    path = "/data/keys/plugin.key"
    told = f'{{"message_type":"error","error":{{"Op":"open","Err":13}},"during":"archival","item":"{path}"}}'
    assert list(unreadable(f"{told}\nFatal: no\n")) == [path]
