"""`python -m proof.soak`: a low load for long, and the memory of each part; exits with 1 where one grows."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from proof.hospital import hospital, models
from proof.load.archive import filled
from proof.load.crowd import crowd
from proof.load.targets import TOTAL, said
from proof.soak.memory import growths, table
from proof.soak.sampling import sampling


def main() -> int:
    """Run the load, and print what grew."""
    parser = argparse.ArgumentParser(prog="python -m proof.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--radiologists", type=int, default=10)
    parser.add_argument("--studies", type=int, default=20, help="in the archive before it begins, 24 images each")
    parser.add_argument("--pace", type=float, default=1.0, help="how many times slower than on a busy morning")
    parser.add_argument("--every", type=float, default=5.0, metavar="SECONDS", help="between two samples")
    arguments = parser.parse_args()
    logging.getLogger("pynetdicom").setLevel(logging.CRITICAL)
    with TemporaryDirectory(prefix="nn") as name:
        folder = Path(name)
        with hospital(folder / "data", arguments.radiologists, **models(folder)) as place:
            filled(place, arguments.studies, folder)
            with sampling(place.platform.pids, arguments.every) as samples:
                found = crowd(
                    place,
                    folder,
                    arguments.radiologists,
                    60 * arguments.minutes,
                    arguments.pace,
                )
    grown, total = growths(samples), found.requests[TOTAL]
    print(f"{arguments.minutes:.0f} min, {len(samples)} samples, {total.requests} requests, {total.failures} failed;")
    print(f"failures: {said(found.failures) or 'none'};")
    print(f"load average at the end: {os.getloadavg()[0]:.1f}\n\n{table(grown)}")
    return 0 if all(one.holds for one in grown) else 1


if __name__ == "__main__":
    sys.exit(main())
