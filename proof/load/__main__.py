"""`python -m proof.load`: radiologists, modalities and orders at once; exits with 1 where a target is missed."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from proof.hospital import hospital
from proof.load.archive import filled
from proof.load.crowd import crowd
from proof.load.targets import said, table, targets
from tests.postgres import cluster


def main() -> int:
    """Run the load, and print its tables."""
    parser = argparse.ArgumentParser(prog="python -m proof.load", description=__doc__)
    parser.add_argument("--radiologists", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=180, help="from the moment that all of them work")
    parser.add_argument("--studies", type=int, default=40, help="in the archive before it begins, 24 images each")
    parser.add_argument("--pace", type=float, default=1.0, help="how many times slower than on a busy morning")
    parser.add_argument("--processes", type=int, help="of the API, on PostgreSQL; without it one on SQLite")
    arguments = parser.parse_args()
    logging.getLogger("pynetdicom").setLevel(logging.CRITICAL)
    with TemporaryDirectory(prefix="nn") as name, database(arguments.processes) as settings:
        folder = Path(name)
        with hospital(folder / "data", arguments.radiologists, **settings) as place:
            filled(place, arguments.studies, folder)
            before = os.getloadavg()[0]
            found = crowd(place, folder, arguments.radiologists, arguments.seconds, arguments.pace)
            after = os.getloadavg()[0]
    print(f"{arguments.radiologists} radiologists, {arguments.seconds:.0f} s; load average before and after: ", end="")
    print(f"{before:.1f}, {after:.1f}\n\n{table(found.requests)}\n")
    print(f"Modalities: {said(found.modalities)}.")
    print(f"Failures: {said(found.failures) or 'none'}.")
    print(f"Seconds of a processor: {said({part: round(spent) for part, spent in found.processor.items()})}.")
    return 0 if all(one.met for one in targets(found.requests)) else 1


@contextmanager
def database(processes: int | None) -> Iterator[dict[str, str]]:
    """Give the settings of so many processes of the API, and run the database that they need."""
    if processes is None:
        yield {}
        return
    with cluster() as address:
        yield {"NEURONOVA_API_PROCESSES": str(processes), "NEURONOVA_DATABASE_URL": address}


if __name__ == "__main__":
    sys.exit(main())
