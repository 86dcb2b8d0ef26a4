"""Encoding: ours, decoded and compared again, against codecs that only encode."""

from __future__ import annotations

import math
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset

from bench.images import brain_mr, head_ct, radiograph, radiograph_object
from bench.report import Detail, Pairs, Result
from orthanc_plugins.transcoding.encoding import decodes_to, encode_array, encode_file
from orthanc_plugins.transcoding.image import ImageFacts

ROUNDS = 3
CORES = 2
WHAT = "encode + verify, both cores"
OJPH, OPENJPEG, CHARLS = "`ojph_compress`", "OpenJPEG, JPEG 2000 lossless", "CharLS, JPEG-LS lossless"
Frame = NDArray[Any]
Work = Callable[[Path], object]


def measure(quick: bool) -> Iterator[Result]:
    """Yield MB/s of raw pixels with two processes."""
    rounds = 1 if quick else ROUNDS
    with TemporaryDirectory(prefix="nne") as folder, ProcessPoolExecutor(CORES, get_context("fork")) as pool:
        kinds = _write(Path(folder))
        for some in kinds.values():
            _throughput(pool, _verified, some)
        peers: dict[str, tuple[Work, float]] = {OPENJPEG: (_openjpeg, 8.0), CHARLS: (_charls, 1.0)}
        everything = [path for paths in kinds.values() for path in paths]
        for name, (work, target) in peers.items():
            yield _against(pool, _verified, work, everything, rounds).row(WHAT, name, "MB/s", target)
        if shutil.which("ojph_compress"):
            pairs = _against(pool, _verified_file, _ojph_compress, everything, rounds)
            yield pairs.row(f"{WHAT}, file to file", OJPH, "MB/s", 1.5)
        else:
            yield Detail("`ojph_compress` (Debian package openjph-tools) is not installed and was not compared with.")
        yield _against(pool, _verified, _unverified, everything, rounds).row(
            WHAT, "ours without the verification", "MB/s", None
        )
        for kind, paths in kinds.items():
            yield _per_kind(pool, kind, paths, {OPENJPEG: _openjpeg, CHARLS: _charls}, rounds)


def _write(folder: Path) -> dict[str, list[Path]]:
    """Write each frame as DICOM file, array and picture; return the paths without suffix, by kind."""
    kinds: dict[str, Sequence[Dataset]] = {
        "CT 512x512": head_ct(),
        "MR 384x274": brain_mr()[100:140],
        "CR 2048x2487, 12 bits": [radiograph_object("encode", radiograph(2048, 2487, 12), 12)],
    }
    return {
        name: [_write_frame(one, folder / f"{number}-{index}") for index, one in enumerate(datasets)]
        for number, (name, datasets) in enumerate(kinds.items())
    }


def _write_frame(dataset: Dataset, path: Path) -> Path:
    frame = dataset.pixel_array
    dataset.save_as(path.with_suffix(".dcm"), enforce_file_format=True)
    np.save(path.with_suffix(".npy"), frame)
    rows, columns = frame.shape
    unsigned = (frame.astype(np.int32) - min(0, int(frame.min()))).astype(">u2")
    path.with_suffix(".pgm").write_bytes(f"P5 {columns} {rows} 65535\n".encode() + unsigned.tobytes())
    return path


_frames: dict[Path, Frame] = {}


def _frame(path: Path) -> Frame:
    """Return a frame from this process's memory."""
    if path not in _frames:
        _frames[path] = np.load(path.with_suffix(".npy"))
    return _frames[path]


def _verified(path: Path) -> None:
    frame = _frame(path)
    if not decodes_to(encode_array(frame, _facts(frame)), frame):
        raise RuntimeError("not lossless")


def _unverified(path: Path) -> None:
    frame = _frame(path)
    encode_array(frame, _facts(frame))


def _verified_file(path: Path) -> None:
    encode_file(path.with_suffix(".dcm"), "0" * 32, path.with_suffix(".htj2k"))


def _facts(frame: Frame) -> ImageFacts:
    rows, columns = frame.shape
    return ImageFacts(
        rows=rows,
        columns=columns,
        samples_per_pixel=1,
        bits_allocated=16,
        bits_stored=16,
        high_bit=15,
        pixel_representation=int(frame.dtype.kind == "i"),
        photometric_interpretation="MONOCHROME2",
        planar_configuration=0,
    )


def _openjpeg(path: Path) -> None:
    imagecodecs.jpeg2k_encode(_frame(path), codecformat="j2k", reversible=True, level=0)


def _charls(path: Path) -> None:
    imagecodecs.jpegls_encode(_frame(path).view(np.uint16))


def _ojph_compress(path: Path) -> None:
    """Run OpenJPH's own command line with the parameters that .202 asks for."""
    levels = max(5, math.ceil(math.log2(max(_frame(path).shape) / 64)))
    names = ["-i", str(path.with_suffix(".pgm")), "-o", str(path.with_suffix(".j2c"))]
    kind = ["-reversible", "true", "-prog_order", "RPCL", "-num_decomps", str(levels)]
    subprocess.run(["ojph_compress", *names, *kind], check=True, capture_output=True)


def _against(pool: ProcessPoolExecutor, ours: Work, peer: Work, paths: Sequence[Path], rounds: int) -> Pairs:
    pairs = Pairs()
    _throughput(pool, peer, paths[:4])
    for _ in range(rounds):
        pairs.add(_throughput(pool, ours, paths), _throughput(pool, peer, paths))
    return pairs


def _throughput(pool: ProcessPoolExecutor, work: Work, paths: Sequence[Path]) -> float:
    """MB/s of raw pixels; the largest frames first, so that no core is left alone at the end."""
    ordered = sorted(paths, key=lambda path: -_frame(path).nbytes)
    began = time.perf_counter()
    list(pool.map(work, ordered))
    return sum(_frame(path).nbytes for path in paths) / 1e6 / (time.perf_counter() - began)


def _per_kind(
    pool: ProcessPoolExecutor, kind: str, paths: Sequence[Path], peers: dict[str, Work], rounds: int
) -> Detail:
    several = [*paths, *paths] if len(paths) == 1 else paths  # a frame for each core
    rows = {
        name: _against(pool, _verified, work, several, rounds).row("", "", "", None) for name, work in peers.items()
    }
    text = "; ".join(f"{row.ratio:.2f} times {name} ({row.peer:.0f} MB/s)" for name, row in rows.items())
    ours = max(row.ours for row in rows.values())
    sizes = _sizes(paths)
    return Detail(f"Encode + verify of {kind}: {ours:.0f} MB/s, {text}. Raw over compressed size: {sizes}.")


def _sizes(paths: Sequence[Path]) -> str:
    encoders: dict[str, Callable[[Frame], bytes]] = {
        "HTJ2K": lambda frame: encode_array(frame, _facts(frame)),
        "JPEG-LS": lambda frame: bytes(imagecodecs.jpegls_encode(frame.view(np.uint16))),
        "JPEG 2000": lambda frame: bytes(imagecodecs.jpeg2k_encode(frame, codecformat="j2k", reversible=True, level=0)),
    }
    frames = [_frame(path) for path in paths[:8]]
    raw = sum(frame.nbytes for frame in frames)
    return ", ".join(f"{name} {raw / sum(len(encode(f)) for f in frames):.2f}" for name, encode in encoders.items())
