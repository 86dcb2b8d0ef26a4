"""Requests per second, by wrk over loopback."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

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
    """What wrk saw: requests and megabytes per second, latencies in milliseconds."""

    rate: float
    megabytes: float
    p50: float
    p99: float


def load(server: str, paths: Sequence[str], *, accept: str, token: str, connections: int, seconds: int) -> Load:
    """Ask a server for all paths in turn.

    Raises:
        RuntimeError: a request failed.
    """
    quoted = ",".join(f'"{path}"' for path in paths)
    with TemporaryDirectory(prefix="nnw") as folder:
        script = Path(folder) / "requests.lua"
        script.write_text(SCRIPT % (quoted, accept, token))
        command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", str(script), server]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    result = json.loads(said.rpartition("RESULT ")[2])
    if result["errors"]:
        raise RuntimeError(f"{result['errors']} of {result['requests']} requests failed")
    rate = result["requests"] / result["seconds"]
    return Load(rate, result["bytes"] / result["seconds"] / 1e6, result["p50"], result["p99"])


def told(loads: Sequence[Load]) -> str:
    """Say the medians of some loads."""
    p50, p99, rate = (median(getattr(one, name) for one in loads) for name in ("p50", "p99", "megabytes"))
    return f"p50 {p50:.2f} ms, p99 {p99:.2f} ms, {rate:.0f} MB/s"
