"""Folders to import: every kind of file that a disc, or somebody who means harm, may bring."""

from __future__ import annotations

import io
import stat
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

from pydicom import Dataset
from typer.testing import CliRunner

from neuronova.cli import app
from neuronova.contract.settings import Settings
from tests.running import ambient
from tests.synthetic import ct_slice, part10

MANY = 260


@dataclass
class Mixed:
    """A folder, and what is to become of it: SOPInstanceUIDs to bytes, and reasons by file."""

    root: Path
    objects: dict[str, bytes] = field(default_factory=dict)
    files: int = 0
    failing: dict[str, str] = field(default_factory=dict)

    def add(self, name: str, content: bytes) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        self.files += 1
        return path

    def add_object(self, name: str, dataset: Dataset) -> bytes:
        content = part10(dataset)
        self.objects[str(dataset.SOPInstanceUID)] = content
        self.add(name, content)
        return content

    def add_failing(self, name: str, content: bytes, reason: str) -> None:
        self.add(name, content)
        self.failing[name] = reason


def zipped(members: dict[str, bytes], links: tuple[str, ...] = ()) -> bytes:
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
        for name in links:
            info = zipfile.ZipInfo(name)
            info.external_attr = (stat.S_IFLNK | 0o777) << 16
            archive.writestr(info, "/etc/passwd")
    return whole.getvalue()


def mixed(root: Path, word: str, many: int = MANY) -> Mixed:
    """Make a folder of a disc's files, duplicates, broken and hostile ones; `word` makes its objects its own."""
    folder = Mixed(root)
    slices = [ct_slice(number, study=f"{word} {number % 4}", patient=f"P{number % 4}") for number in range(1, many + 1)]
    contents = [folder.add_object(f"DICOM/S{n % 7}/IM{n:04}", one) for n, one in enumerate(slices)]
    for number in range(10):
        folder.add(f"copies/{number}.dcm", contents[number])
    folder.add("readme.txt", b"a viewer for Windows\n" * 20)
    folder.add("AUTORUN.INF", b"[autorun]\n")
    folder.add("empty", b"")
    folder.add("viewer.jar", zipped({"META-INF/MANIFEST.MF": b"Manifest", "a.class": b"\xca\xfe\xba\xbe"}))
    (root / "link").symlink_to("/etc/passwd")
    (root / "DICOM" / "loop").symlink_to(root)
    folder.files += 2
    folder.add_failing("cut", contents[3][:200], "broken DICOM")
    nameless = ct_slice(1, study=f"{word} nameless")
    del nameless.StudyInstanceUID
    folder.add_failing("nameless.dcm", part10(nameless), "broken DICOM: it has no StudyInstanceUID")
    folder.add_failing("both.dcm", b"PK\x03\x04" + contents[5][4:], "it is DICOM and a zip file at once")
    other = ct_slice(2, study=f"{word} 2", patient="P2")
    other.PatientComments = "other bytes under a SOPInstanceUID that is there"
    folder.add_failing(
        "z/other", part10(other), "the archive has other bytes under this SOPInstanceUID, and keeps them"
    )
    folder.add_failing("half.dcm", part10(ct_slice(1, study=f"{word} half"))[:-3000], "the platform does not take it")
    bare = ct_slice(1, study=f"{word} bare", patient="P9")
    folder.add("bare", part10(bare)[132:])
    folder.objects[str(bare.SOPInstanceUID)] = part10(bare)
    return folder


def zip_into(folder: Mixed, word: str) -> None:
    """Put a zip file into a folder that has good members and all that is refused."""
    good = [ct_slice(number, study=f"{word} zip", patient="Z") for number in range(1, 6)]
    members = {f"Z/IM{number}": part10(one) for number, one in enumerate(good)}
    folder.objects |= {str(one.SOPInstanceUID): part10(one) for one in good}
    bomb = part10(ct_slice(9, study=f"{word} bomb")) + bytes(80 << 20)
    hostile = {"../../out.dcm": part10(ct_slice(7, study="out")), "deep.zip": zipped({"a": b"b"}), "bomb.dcm": bomb}
    folder.add("disc.zip", zipped({**members, **hostile, "notes.txt": b"notes"}, links=("link",)))
    folder.files += len(members) + len(hostile) + 2 - 1  # the zip file itself is no file of the report
    folder.failing["disc.zip!5/../../out.dcm"] = "its name leads out of the zip file"
    folder.failing["disc.zip!6/deep.zip"] = "a zip file within a zip file is not opened; unpack it first"
    folder.failing["disc.zip!7/bomb.dcm"] = "it would unpack to"
    folder.add_failing("broken.zip", zipped({"a": bytes(1000)})[:-30], "the zip file cannot be read")


def neuronova(settings: Settings, *words: str | Path, code: int = 0) -> str:
    """Run a command of the command line in this process, which spares its start; return what it says."""
    ended = CliRunner().invoke(app, list(map(str, words)), env=dict(command_environment(settings)))
    assert ended.exit_code == code, ended.output + repr(ended.exception)
    return ended.output


def command_environment(settings: Settings) -> dict[str, str]:
    return ambient() | settings.environment() | {"COLUMNS": "200"}
