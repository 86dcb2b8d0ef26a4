"""The attachment: what is written is read again, and nothing hostile is believed."""

from __future__ import annotations

import itertools
import json
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from orthanc_plugins.transcoding.container import (
    MAGIC,
    MAX_FRAMES,
    MAX_HEADER_LENGTH,
    ContainerError,
    ContainerWriter,
    Header,
    Native,
    Read,
    StoredFile,
    read_container,
    read_frame,
)
from orthanc_plugins.transcoding.image import ImageFacts
from tests.transcoding.files import MD5, codestreams

FRAMES = [b"first", b"2", b"the third"]
HEADER = Header(
    transfer_syntax="1.2.840.10008.1.2.4.202",
    source=StoredFile(md5=MD5, size=1234, transfer_syntax="1.2.840.10008.1.2.1"),
    encoder="test",
    image=ImageFacts(
        rows=2,
        columns=3,
        samples_per_pixel=1,
        bits_allocated=16,
        bits_stored=12,
        high_bit=11,
        pixel_representation=0,
        photometric_interpretation="MONOCHROME2",
        planar_configuration=0,
    ),
    native=Native(offset=400, frame_length=12),
)


def reader(data: bytes) -> Read:
    return lambda offset, size: data[offset : offset + size]


@pytest.fixture
def whole(tmp_path: Path) -> bytes:
    with ContainerWriter(tmp_path / "container", HEADER, len(FRAMES)) as writer:
        for frame in FRAMES:
            writer.append(frame)
    return (tmp_path / "container").read_bytes()


def test_what_is_written_is_read_again(whole: bytes, tmp_path: Path) -> None:
    container, frames = codestreams(tmp_path / "container")
    assert container.header == HEADER
    assert frames == FRAMES
    assert container.size == len(whole)


def test_the_bytes_are_those_of_the_document(whole: bytes) -> None:
    magic, length, count, *offsets = struct.unpack_from("<8sII4Q", whole)
    assert (magic, count) == (b"NNHTJ2K1", 3)
    assert offsets[0] == 48 + length
    assert json.loads(whole[48 : offsets[0]])["version"] == 1
    assert [whole[start:end] for start, end in itertools.pairwise(offsets)] == FRAMES
    assert offsets[-1] == len(whole)


def test_one_frame_is_read_without_the_others(whole: bytes) -> None:
    asked: list[tuple[int, int]] = []

    def read(offset: int, size: int) -> bytes:
        asked.append((offset, size))
        return whole[offset : offset + size]

    container = read_container(read)
    asked.clear()
    assert read_frame(read, container, 1) == FRAMES[1]
    assert asked == [container.frame_range(1)]
    for index in (-1, 3):
        with pytest.raises(IndexError):
            read_frame(read, container, index)


def test_cut_off_anywhere(whole: bytes) -> None:
    for size in range(len(whole)):
        with pytest.raises(ContainerError):
            read_container(reader(whole[:size]))


def put(format: str, position: int, value: object) -> Callable[[bytes], bytes]:
    return lambda data: data[:position] + struct.pack(format, value) + data[position + struct.calcsize(format) :]


def with_json(change: Callable[[dict[str, object]], object]) -> Callable[[bytes], bytes]:
    """Change the JSON header and write the table anew."""

    def changed(data: bytes) -> bytes:
        end = struct.unpack_from("<Q", data, 16)[0]
        fields = json.loads(data[48:end])
        result = change(fields)
        text = json.dumps(fields if result is None else result).encode()
        lengths = map(len, FRAMES)
        offsets = [48 + len(text)]
        for length in lengths:
            offsets.append(offsets[-1] + length)
        return struct.pack("<8sII4Q", MAGIC, len(text), 3, *offsets) + text + data[end:]

    return changed


HOSTILE = {
    "another magic": put("<8s", 0, b"NNHTJ2K2"),
    "no header": put("<I", 8, 0),
    "header too long": put("<I", 8, MAX_HEADER_LENGTH + 1),
    "no frames": put("<I", 12, 0),
    "too many frames": put("<I", 12, MAX_FRAMES + 1),
    "frames beyond the file": put("<I", 12, MAX_FRAMES),
    "first offset inside the table": put("<Q", 16, 20),
    "an offset that goes back": put("<Q", 24, 1),
    "an empty frame": lambda data: data[:24] + data[16:24] + data[32:],
    "an end beyond the file": put("<Q", 40, 1 << 62),
    "not JSON": lambda data: data[:48] + b"[" * (struct.unpack_from("<I", data, 8)[0]) + data[-15:],
    "a list": with_json(lambda _: []),
    "another version": with_json(lambda fields: fields.update(version=2)),
    "no version": with_json(lambda fields: {key: fields[key] for key in fields if key != "version"}),
    "no image": with_json(lambda fields: fields.update(image=None)),
    "rows in words": with_json(lambda fields: fields["image"].update(rows="2")),  # type: ignore[attr-defined]
    "true rows": with_json(lambda fields: fields["image"].update(rows=True)),  # type: ignore[attr-defined]
    "negative rows": with_json(lambda fields: fields["image"].update(rows=-2)),  # type: ignore[attr-defined]
    "a negative native offset": with_json(lambda fields: fields["native"].update(offset=-1)),  # type: ignore[attr-defined]
    "a native word": with_json(lambda fields: fields.update(native="here")),
    "no digest": with_json(lambda fields: fields["source"].pop("md5") and None),  # type: ignore[attr-defined]
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_containers_are_refused(name: str, whole: bytes) -> None:
    with pytest.raises(ContainerError):
        read_container(reader(HOSTILE[name](whole)))


def test_unknown_fields_are_passed_over(whole: bytes) -> None:
    changed = with_json(lambda fields: fields.update(later="x"))(whole)
    assert read_container(reader(changed)).header == HEADER


@pytest.mark.parametrize("frames", [[], FRAMES[:2], [*FRAMES, b"4"]])
def test_another_number_of_frames_than_announced_leaves_no_file(frames: list[bytes], tmp_path: Path) -> None:
    with pytest.raises(ContainerError), ContainerWriter(tmp_path / "container", HEADER, 3) as writer:
        for frame in frames:
            writer.append(frame)
    assert not (tmp_path / "container").exists()


def test_an_empty_codestream_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ContainerError), ContainerWriter(tmp_path / "container", HEADER, 1) as writer:
        writer.append(b"")
    assert not (tmp_path / "container").exists()
