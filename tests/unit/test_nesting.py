"""How deep sequences nest, by tables of made objects."""

from __future__ import annotations

import struct

import pytest
from pydicom import Dataset, Sequence
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

import neuronova.contract.part10
from neuronova.contract.nesting import DEEPEST, require_harmless
from neuronova.contract.part10 import Harmful
from tests.synthetic import IMAGES, OTHERS, make, part10

SYNTAXES = (ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian)


def nested(depth: int, syntax: str, *, undefined: bool) -> bytes:
    """Return an object whose sequences nest so deep, with their lengths or with delimiters."""
    inner = Dataset()
    inner.CodeValue = "deepest"
    for _ in range(depth):
        outer = Dataset()
        outer.ContentSequence = Sequence([inner, Dataset()])
        outer["ContentSequence"].is_undefined_length = undefined
        inner.is_undefined_length_sequence_item = undefined
        inner = outer
    whole = make("sr", ContentSequence=inner.ContentSequence)
    whole.file_meta.TransferSyntaxUID = UID(syntax)
    return part10(whole)


@pytest.mark.parametrize("undefined", [False, True])
@pytest.mark.parametrize("syntax", SYNTAXES)
def test_what_is_nested_deeper_is_refused(syntax: str, undefined: bool) -> None:
    require_harmless(nested(DEEPEST, syntax, undefined=undefined))
    with pytest.raises(Harmful, match="nested deeper than 32"):
        require_harmless(nested(DEEPEST + 1, syntax, undefined=undefined))


@pytest.mark.parametrize("syntax", SYNTAXES[:3])
def test_a_data_set_without_meta_information_counts_too(syntax: str) -> None:
    content = nested(DEEPEST + 1, syntax, undefined=True)
    first = struct.pack(">HH" if syntax == ExplicitVRBigEndian else "<HH", 0x0008, 0x0005)
    bare = content[content.index(first) :]
    with pytest.raises(Harmful, match="nested deeper"):
        require_harmless(bare)


def test_sequences_of_a_vr_that_nobody_knows_count_too() -> None:
    item = struct.pack("<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF)
    unknown = struct.pack("<HH2sHI", 0x0041, 0x1010, b"UN", 0, 0xFFFFFFFF)
    implicit = struct.pack("<HHI", 0x0041, 0x1010, 0xFFFFFFFF)
    content = part10(make("ct")) + unknown + item + (implicit + item) * DEEPEST
    with pytest.raises(Harmful, match="nested deeper"):
        require_harmless(content)


def test_delimiters_in_a_value_end_nothing() -> None:
    end = struct.pack("<HHI", 0xFFFE, 0xE00D, 0) + struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)
    value = struct.pack("<HH2sHI", 0x0041, 0x1011, b"OB", 0, len(end)) + end
    start = struct.pack("<HH2sHI", 0x0041, 0x1010, b"SQ", 0, 0xFFFFFFFF) + struct.pack(
        "<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF
    )
    with pytest.raises(Harmful, match="nested deeper"):
        require_harmless(part10(make("ct")) + (start + value) * (DEEPEST + 1))


def test_many_items_are_not_deep() -> None:
    whole = make("sr", ContentSequence=Sequence([Dataset() for _ in range(500)]))
    require_harmless(part10(whole))


@pytest.mark.parametrize("name", [*IMAGES, *OTHERS])
def test_objects_of_every_kind_are_followed_to_their_end(name: str) -> None:
    whole = make(name)
    whole.add_new(0x00091010, "SQ", [Dataset() for _ in range(DEEPEST + 1)])  # or it would not be gone through
    require_harmless(part10(whole))


@pytest.mark.parametrize("cut", range(0, 400, 7))
def test_what_is_cut_off_is_left_to_its_reader(cut: int) -> None:
    content = nested(DEEPEST, ExplicitVRLittleEndian, undefined=True)
    require_harmless(content[: len(content) - cut])


def test_a_deflated_object_that_grows_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neuronova.contract.part10, "LARGEST_INFLATED", 4 << 20)
    require_harmless(deflated(3 << 20))
    with pytest.raises(Harmful, match="larger than 4 MiB"):
        require_harmless(deflated(5 << 20))
    content = part10(make("u8_deflated"))
    (meta,) = struct.unpack_from("<I", content, 140)
    with pytest.raises(Harmful, match="deflated data set cannot be read"):
        require_harmless(content[: 144 + meta] + b"\xff" * 100)


@pytest.mark.parametrize("content", [b"", b"DICM", bytes(200), b"\xff" * 200])
def test_what_is_no_file_is_left_to_its_reader(content: bytes) -> None:
    require_harmless(content)


def deflated(size: int) -> bytes:
    """Return an object that is as large when it is read."""
    whole = make("u8_deflated")
    whole.add_new(0x00091010, "OB", bytes(size))
    return part10(whole)
