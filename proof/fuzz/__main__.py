"""`python -m proof.fuzz`: damaged and harmful objects by C-STORE; exits with 1 where it harmed anything."""

from __future__ import annotations

import argparse
import logging
import os
import sys
import warnings
from pathlib import Path
from tempfile import TemporaryDirectory

from proof.fuzz.run import fuzzed, table
from proof.hospital import hospital
from proof.soak import memory
from proof.soak.sampling import sampling


def main() -> int:
    """Send, and print what came of it."""
    parser = argparse.ArgumentParser(prog="python -m proof.fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=1, help="decides what is sent")
    parser.add_argument("--every", type=float, default=5.0, metavar="SECONDS", help="between two samples of memory")
    arguments = parser.parse_args()
    logging.getLogger("pynetdicom").setLevel(logging.CRITICAL)
    warnings.filterwarnings("ignore", ".* VR (UI|LT)")  # odd values are the point
    with TemporaryDirectory(prefix="nn") as name, hospital(Path(name) / "data", radiologists=0) as place:
        with sampling(place.platform.pids, arguments.every) as samples:
            found = fuzzed(place, 60 * arguments.minutes, arguments.seed)
        grown = memory.growths(samples)
    sent = sum(answers.total() for answers in found.answers.values())
    print(f"{arguments.minutes:.0f} min, seed {arguments.seed}: {sent} objects, {found.good} good images between,")
    print(
        f"{len(found.late)} of them refused at first, {len(found.lost)} lost; load average {os.getloadavg()[0]:.1f}\n"
    )
    print(f"{table(found)}\n\nEnded: {', '.join(found.ended) or 'nothing'}.\n\n{memory.table(grown)}")
    return 0 if found.holds and all(one.holds for one in grown) else 1


if __name__ == "__main__":
    sys.exit(main())
