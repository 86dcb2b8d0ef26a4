"""What a file is, what a zip file may hold, what a disc says it has: on real files, without a server."""

from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path

import pytest
from pydicom.fileset import FileSet

from neuronova.importing.content import Kind, kind_of, read_header, with_issuer
from neuronova.importing.directory import missing_files
from neuronova.importing.journal import Journal, journal_path
from neuronova.importing.limits import Limits
from neuronova.importing.outcome import Outcome, Refused, Result
from neuronova.importing.places import Place, places_below, roots_of, shown
from neuronova.importing.report import write_report
from neuronova.importing.zips import members_of, odd_member
from neuronova.platform.errors import PlatformError
from tests.importing.folders import zipped
from tests.synthetic import ct_slice, part10

FILE = part10(ct_slice())
SMALL = Limits(file=1000, members=3, archive=3000, ratio=10, ratio_from=100)


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (FILE[:132], Kind.DICOM),
        (FILE[132:264], Kind.BARE),
        (b"II*\0" + FILE[4:132], Kind.DICOM),
        (zipped({"a": b"b"})[:132], Kind.ZIP),
        (zipped({})[:132], Kind.ZIP),
        (b"", Kind.OTHER),
        (b"\x08\0\x05\0", Kind.OTHER),
        (b"GIF89a" + bytes(200), Kind.OTHER),
        (b"\x08\0\x05\0CS\xff\xff" + bytes(200), Kind.OTHER),
        (b"\x08\0\x05\0\xff\xff\xff\xff" + bytes(200), Kind.OTHER),
    ],
    ids=["part10", "bare", "tiff", "zip", "empty-zip", "empty", "short", "gif", "long-explicit", "long-implicit"],
)
def test_a_file_is_known_by_its_content(head: bytes, kind: Kind) -> None:
    assert kind_of(head) is kind


def test_a_file_of_two_kinds_is_refused() -> None:
    with pytest.raises(Refused, match="at once"):
        kind_of(b"PK\x03\x04" + FILE[4:132])


def test_a_header_in_korean_says_whose_it_is() -> None:
    image = ct_slice()
    image.SpecificCharacterSet, image.PatientID, image.IssuerOfPatientID = ["", "ISO 2022 IR 149"], "환자1", "병원"
    header = read_header(io.BytesIO(part10(image)))
    assert (header.patient_id, header.issuer) == ("환자1", "병원")


def test_an_issuer_is_all_that_changes() -> None:
    after = with_issuer(io.BytesIO(FILE), "HOSPITAL")
    place = after.index(b"HOSPITAL") - 8
    assert after[:place] + after[place + 16 :] == FILE


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("a/b", ""),
        ("..", "leads out"),
        ("a/../../b", "leads out"),
        ("a\\..\\b", "leads out"),
        ("/a", "leads out"),
        ("C:\\a", "leads out"),
        ("a..b/c", ""),
    ],
    ids=["plain", "parent", "within", "backslash", "absolute", "drive", "dots"],
)
def test_names_that_lead_out_of_a_zip_file(name: str, reason: str) -> None:
    info = zipfile.ZipInfo("x")
    info.filename = name
    assert (reason in odd_member(info, SMALL)) if reason else odd_member(info, SMALL) == ""


@pytest.mark.parametrize(
    ("size", "packed", "flags", "reason"),
    [
        (1001, 900, 0, "larger than"),
        (900, 80, 0, "unpack to"),
        (99, 1, 0, ""),
        (900, 90, 0, ""),
        (9, 9, 1, "encrypted"),
    ],
    ids=["large", "bomb", "small-blank", "packs-well", "encrypted"],
)
def test_what_a_zip_file_may_hold(size: int, packed: int, flags: int, reason: str) -> None:
    info = zipfile.ZipInfo("x")
    info.file_size, info.compress_size, info.flag_bits = size, packed, flags
    assert (reason in odd_member(info, SMALL)) if reason else odd_member(info, SMALL) == ""


def place_of(path: Path) -> Place:
    (place,) = places_below(path, SMALL)
    return place


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (zipped(dict.fromkeys("abcd", b"")), "more than 3 members"),
        (zipped({name: os.urandom(999) * 2 for name in "ab"}), "would unpack to"),
        (zipped({"a": b"b"})[:-9], "cannot be read"),
    ],
    ids=["members", "total", "cut"],
)
def test_zip_files_that_are_not_opened(tmp_path: Path, content: bytes, reason: str) -> None:
    (tmp_path / "a.zip").write_bytes(content)
    with pytest.raises(Refused, match=reason), members_of(place_of(tmp_path / "a.zip"), SMALL, tmp_path):
        pass


def test_a_member_that_is_larger_than_it_says_is_not_read(tmp_path: Path) -> None:
    content = bytearray(zipped({"a": os.urandom(800)}))
    entry = content.index(b"PK\x01\x02")
    content[entry + 24 : entry + 28] = (5).to_bytes(4, "little")
    (tmp_path / "a.zip").write_bytes(content)
    with members_of(place_of(tmp_path / "a.zip"), SMALL, tmp_path) as members, pytest.raises(Refused):
        members[0].opened()


def test_a_walk_follows_no_link_and_takes_no_pipe(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "file").write_bytes(b"x")
    (tmp_path / "in" / "up").symlink_to(tmp_path)
    os.mkfifo(tmp_path / "in" / "pipe")
    found = {Path(place.name).name: place.is_link for place in places_below(tmp_path / "in", Limits())}
    assert found == {"file": False, "up": True}


def test_what_was_put_in_a_files_place_is_not_opened(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x")
    place = place_of(path)
    path.unlink()
    path.symlink_to("/etc/passwd")
    with pytest.raises(Refused):
        place.opened()


def test_a_folder_within_a_folder_is_imported_once(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    assert roots_of([tmp_path / "a", tmp_path, tmp_path]) == [tmp_path]
    with pytest.raises(PlatformError, match="is not there"):
        roots_of([tmp_path / "b"])


def test_names_in_other_encodings_can_be_shown() -> None:
    assert shown("한/글".encode("euc_kr")) == r"\xc7\xd1/\xb1\xdb"
    assert shown(b"a\x1b[31m") == r"a\x1b[31m"


def test_a_dicomdir_tells_which_files_a_disc_lacks(tmp_path: Path) -> None:
    disc = FileSet()
    for number in range(1, 4):
        disc.add(ct_slice(number))
    disc.write(tmp_path)
    disc._stage["t"].cleanup()
    files = sorted(path for path in tmp_path.rglob("*") if path.is_file() and path.name != "DICOMDIR")
    files[0].unlink()
    files[1].rename(files[1].with_name(files[1].name.lower()))  # as systems show names of ISO 9660
    with (tmp_path / "DICOMDIR").open("rb") as file:
        missing = missing_files(file, os.fsencode(tmp_path / "DICOMDIR"), Limits())
    assert [Path(os.fsdecode(one)) for one in missing] == [files[0]]


def test_a_journal_knows_what_is_done_until_the_file_changes(tmp_path: Path) -> None:
    path, place = journal_path(tmp_path, [tmp_path], None), Place(key=b"\xff", size=1, modified=2, opened=io.BytesIO)
    stored = Result(outcome=Outcome.STORED, digest="d", instance="1.2", size=1)
    for run in (1, 2):
        journal = Journal(path)
        assert journal.run == run
        assert journal.done_before(place) == (None if run == 1 else stored)
        journal.note(place, stored)
        assert journal.is_stored("1.2", "d") and not journal.is_stored("1.2", "e")
        assert list(journal.rows()) == [(b"\xff", stored)]
        journal.close()
    journal = Journal(path)
    changed = Place(key=b"\xff", size=1, modified=3, opened=io.BytesIO)
    assert journal.done_before(changed) is None
    journal.note(changed, Result(outcome=Outcome.FAILED, reason="r", size=1))
    assert journal.done_before(changed) is None  # what failed is tried again
    journal.close()
    assert journal_path(tmp_path, [tmp_path], "A") != path


def test_a_report_is_no_spreadsheets_formula_and_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "report.csv"
    write_report(path, [(b"=cmd()", Result(outcome=Outcome.FAILED, reason="-x"))])
    assert path.read_text().splitlines()[1:] == ["'=cmd(),failed,'-x,,,0"]
    assert path.stat().st_mode & 0o777 == 0o600
