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


LOGINS = """
import json, os, threading
from cdss_api.accounts.passwords import STANDARD
from neuronova.heap import trim, trim_regularly

def in_memory():
    return int(open("/proc/self/statm").read().split()[1]) * os.sysconf("SC_PAGESIZE")

def log_in():
    together.wait()
    STANDARD.verify(known, "a password")
    verified.wait()
    ends.wait()

trim_regularly()
known = STANDARD.hash("a password")
before = in_memory()
together, verified, ends = threading.Barrier(8), threading.Barrier(9), threading.Event()
threads = [threading.Thread(target=log_in) for _ in range(8)]
for one in threads:
    one.start()
verified.wait()
trim()
print(json.dumps([before, in_memory()]))
ends.set()
"""


def test_what_logins_needed_at_once_is_not_kept() -> None:
    ended = subprocess.run([sys.executable, "-c", LOGINS], capture_output=True, text=True, timeout=PATIENCE, check=True)
    before, after = json.loads(ended.stdout)
    assert after - before < 20_000_000  # a login needs 19 MiB
