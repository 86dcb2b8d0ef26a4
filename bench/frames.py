"""Frames served per second, over loopback by wrk."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from pydicom import Dataset

from bench.images import head_ct
from bench.peer import bare, ours
from bench.report import Detail, Pairs, Result
from tests.access import http
from tests.dicomweb.wire import instance_path
from tests.server import Server
from tests.synthetic import part10

AS_STORED = 'multipart/related; type="application/octet-stream"; transfer-syntax=*'
ROUNDS = 2
SCRIPT = """
local paths = {%s}
local at = 0
request = function()
  at = at %% #paths + 1
  return wrk.format("GET", paths[at], { ["Accept"] = '%s', ["X-Neuronova-Token"] = '%s' })
end
done = function(summary, latency)
  local e = summary.errors
  print(string.format('RESULT {"requests": %%d, "seconds": %%f, "bytes": %%d, "p50": %%f, "p99": %%f, "errors": %%d}',
    summary.requests, summary.duration / 1e6, summary.bytes, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    e.connect + e.read + e.write + e.status + e.timeout))
end
"""


@dataclass(frozen=True)
class Load:
    """What wrk saw; latencies in milliseconds."""

    rate: float
    megabytes: float
    p50: float
    p99: float


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
            loads = [(_load(our, slices, connections, seconds), _load(plain, slices, connections, seconds))]
            loads += [
                (_load(our, slices, connections, seconds), _load(plain, slices, connections, seconds))
                for _ in range(rounds - 1)
            ]
            pairs = Pairs([one.rate for one, _ in loads], [other.rate for _, other in loads])
            what = f"frames, {connections} connection{'s' if connections > 1 else ''}"
            yield pairs.row(what, "the stock plugin, uncompressed original", "frames/s", 3.0)
            yield Detail(
                f"{what}: ours {_told([a for a, _ in loads])}; the stock plugin {_told([b for _, b in loads])}."
            )


def _told(loads: Sequence[Load]) -> str:
    p50, p99, rate = (median(getattr(one, name) for one in loads) for name in ("p50", "p99", "megabytes"))
    return f"p50 {p50:.2f} ms, p99 {p99:.2f} ms, {rate:.0f} MB/s"


def _check(server: Server, one: Dataset, media_type: str) -> None:
    answer = http.get(f"{server.dicomweb}/{instance_path(one)}/frames/1", headers={"Accept": AS_STORED}, timeout=60)
    answer.raise_for_status()
    if media_type.encode() not in answer.content[:500]:
        raise RuntimeError(f"not {media_type}: {answer.content[:200]!r}")


def _load(server: Server, slices: Sequence[Dataset], connections: int, seconds: int) -> Load:
    paths = ",".join(f'"/dicom-web/{instance_path(one)}/frames/1"' for one in slices)
    with TemporaryDirectory(prefix="nnw") as folder:
        script = Path(folder) / "frames.lua"
        script.write_text(SCRIPT % (paths, AS_STORED, http.token))
        command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", str(script), server.url]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    result = json.loads(said.rpartition("RESULT ")[2])
    if result["errors"]:
        raise RuntimeError(f"{result['errors']} of {result['requests']} requests failed")
    rate = result["requests"] / result["seconds"]
    return Load(rate, result["bytes"] / result["seconds"] / 1e6, result["p50"], result["p99"])
