"""The heap: what a process no longer needs goes back to the system."""

from __future__ import annotations

import json
import subprocess
import sys

from tests.patience import PATIENCE

CODE = """
import json, os, sys, time
from neuronova.heap import trim_regularly

def in_memory():
    return int(open("/proc/self/statm").read().split()[1]) * os.sysconf("SC_PAGESIZE")

pieces = [bytes(20_000) for _ in range(5_000)]
kept = pieces[::50]  # in between, so that the heap's end cannot move
del pieces
before = in_memory()
trim_regularly(0.05)
until = time.monotonic() + 60
while in_memory() > before / 2 and time.monotonic() < until:
    time.sleep(0.05)
print(json.dumps([before, in_memory()]))
"""


def test_what_was_freed_between_what_is_kept_goes_back_to_the_system() -> None:
    ended = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, timeout=PATIENCE, check=True)
    before, after = json.loads(ended.stdout)
    assert before > 90_000_000
    assert after < 40_000_000
