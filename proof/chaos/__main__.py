"""`python -m proof.chaos`: faults at random while a hospital works; exits with 1 if anything is lost."""

from __future__ import annotations

import argparse
import logging
import os
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from proof.chaos.run import Plan, run


def main() -> int:
    """Run the faults that were asked for."""
    parser = argparse.ArgumentParser(prog="python -m proof.chaos", description=__doc__)
    parser.add_argument("--minutes", type=float, default=15.0, help="of faults; what was begun is finished afterwards")
    parser.add_argument("--seed", type=int, default=1, help="the same seed gives the same faults in the same order")
    parser.add_argument(
        "--pause", type=float, default=5.0, help="seconds of quiet between a recovery and the next fault"
    )
    parser.add_argument(
        "--only", action="append", default=[], metavar="WORDS", help="faults whose name has these words"
    )
    parser.add_argument("--keep", type=Path, help="folder to copy the platform's logs to")
    arguments = parser.parse_args()
    if os.geteuid() != 0:
        parser.error("only root can mount the small disk that is filled")
    logging.getLogger("pynetdicom").setLevel(logging.CRITICAL)
    plan = Plan(60 * arguments.minutes, arguments.seed, arguments.pause, tuple(arguments.only), keep=arguments.keep)
    began, load = time.monotonic(), os.getloadavg()[0]
    with TemporaryDirectory(prefix="nn") as folder:
        report = run(Path(folder), plan)
    minutes = (time.monotonic() - began) / 60
    print(
        f"\nSeed {plan.seed}, {minutes:.0f} min, load average before and after: {load:.1f}, {os.getloadavg()[0]:.1f}\n"
    )
    print(report.text())
    return 0 if report.holds else 1


if __name__ == "__main__":
    sys.exit(main())
