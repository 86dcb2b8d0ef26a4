"""Requests per second, by wrk over loopback."""

from __future__ import annotations

import json
import random
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

SCRIPT = """
local asked = {%(asked)s}
local headers = {%(headers)s}
local at = %(offset)d
request = function()
  at = at %% #asked + 1
  local one = asked[at]
  return wrk.format(one[1], one[2], headers, one[3])
end
%(delay)s
done = function(summary, latency)
  local e = summary.errors
  print(string.format('RESULT {"requests": %%d, "seconds": %%f, "bytes": %%d, ' ..
    '"p50": %%f, "p95": %%f, "p99": %%f, "errors": %%d}',
    summary.requests, summary.duration / 1e6, summary.bytes, latency:percentile(50) / 1e3,
    latency:percentile(95) / 1e3, latency:percentile(99) / 1e3,
    e.connect + e.read + e.write + e.status + e.timeout))
end
"""


@dataclass(frozen=True)
class Asked:
    """One request."""

    path: str
    method: str = "GET"
    body: str = ""


@dataclass(frozen=True)
class Load:
    """What wrk saw: requests and megabytes per second, latencies in milliseconds."""

    rate: float
    megabytes: float
    p50: float
    p95: float
    p99: float


def load(server: str, paths: Sequence[str], *, accept: str, token: str, connections: int, seconds: int) -> Load:
    """Ask a server of ours for all paths in turn, with `token`.

    Raises:
        RuntimeError: a request failed.
    """
    headers = {"Accept": accept, "X-Neuronova-Token": token}
    return ask(server, [Asked(path) for path in paths], headers, connections=connections, seconds=seconds)


def ask(
    server: str,
    asked: Sequence[Asked],
    headers: Mapping[str, str],
    *,
    connections: int,
    seconds: int,
    think: float = 0.0,
) -> Load:
    """Send all requests in turn; with `think` each connection waits between two for half to one and a half as long.

    Raises:
        RuntimeError: a request failed.
    """
    written = {
        "asked": ",".join("{" + ",".join(map(_lua, (one.method, one.path, one.body))) + "}" for one in asked),
        "headers": ",".join(f"[{_lua(name)}] = {_lua(value)}" for name, value in headers.items()),
        "offset": random.randrange(len(asked)),
        "delay": f"delay = function() return math.random({500 * think:.0f}, {1500 * think:.0f}) end" if think else "",
    }
    with TemporaryDirectory(prefix="nnw") as folder:
        script = Path(folder) / "requests.lua"
        script.write_text(SCRIPT % written, encoding="utf-8")
        command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s", "-s", str(script), server]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    result = json.loads(said.rpartition("RESULT ")[2])
    if result["errors"]:
        raise RuntimeError(f"{result['errors']} of {result['requests']} requests failed")
    rate = result["requests"] / result["seconds"]
    return Load(rate, result["bytes"] / result["seconds"] / 1e6, result["p50"], result["p95"], result["p99"])


def _lua(text: str) -> str:
    """Return a text as Lua writes it, which JSON's escapes are too for what stands in requests."""
    return json.dumps(text, ensure_ascii=False)


def told(loads: Sequence[Load]) -> str:
    """Say the medians of some loads."""
    p50, p99, rate = (median(getattr(one, name) for one in loads) for name in ("p50", "p99", "megabytes"))
    return f"p50 {p50:.2f} ms, p99 {p99:.2f} ms, {rate:.0f} MB/s"
