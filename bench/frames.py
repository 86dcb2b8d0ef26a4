"""Frames served per second, against the stock plugin's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pydicom import Dataset

from bench.images import head_ct
from bench.peer import bare, ours
from bench.report import Detail, Pairs, Result
from bench.wrk import Load, load, told
from tests.access import http
from tests.dicomweb.wire import instance_path
from tests.server import Server
from tests.synthetic import part10

AS_STORED = 'multipart/related; type="application/octet-stream"; transfer-syntax=*'
ROUNDS = 2


def measure(quick: bool) -> Iterator[Result]:
    """Yield requests per second at 1, 4 and 16 connections."""
    slices = head_ct()
    rounds, seconds = (1, 1) if quick else (ROUNDS, 3)
    with ours() as our, bare() as plain:
        for server in (our, plain):
            for one in slices:
                server.upload(part10(one))
        our.until_settled(len(slices))
        _check(our, slices[0], "image/jphc")
        _check(plain, slices[0], "application/octet-stream")
        for server in (our, plain):
            _load(server, slices, 4, 1)
        for connections in (1, 4, 16):
            loads = [
                (_load(our, slices, connections, seconds), _load(plain, slices, connections, seconds))
                for _ in range(rounds)
            ]
            pairs = Pairs([one.rate for one, _ in loads], [other.rate for _, other in loads])
            what = f"frames, {connections} connection{'s' if connections > 1 else ''}"
            yield pairs.row(what, "the stock plugin, uncompressed original", "frames/s", 3.0)
            yield Detail(f"{what}: ours {told([a for a, _ in loads])}; the stock plugin {told([b for _, b in loads])}.")


def _check(server: Server, one: Dataset, media_type: str) -> None:
    answer = http.get(f"{server.dicomweb}/{instance_path(one)}/frames/1", headers={"Accept": AS_STORED})
    answer.raise_for_status()
    if media_type.encode() not in answer.content[:500]:
        raise RuntimeError(f"not {media_type}: {answer.content[:200]!r}")


def _load(server: Server, slices: Sequence[Dataset], connections: int, seconds: int) -> Load:
    paths = [f"/dicom-web/{instance_path(one)}/frames/1" for one in slices]
    return load(server.url, paths, accept=AS_STORED, token=http.token, connections=connections, seconds=seconds)
