"""`python -m proof.scale`: archives of growing size, how long users wait in each, and how big its tables are."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from proof.scale.archive import archive
from proof.scale.calls import USERS, looked, ways
from proof.scale.measuring import Measured, measured
from proof.scale.sizes import sizes
from proof.scale.tables import table_of_calls, table_of_sizes
from tests import postgres


def main() -> int:
    """Measure each size, and print the tables."""
    parser = argparse.ArgumentParser(prog="python -m proof.scale", description=__doc__)
    parser.add_argument("--studies", type=int, nargs="+", default=[10_000, 100_000, 300_000], metavar="N")
    parser.add_argument("--a-day", type=int, default=100, help="studies of a day; the years follow from it")
    parser.add_argument("--today", type=int, default=100, help="studies of this morning, most of which wait")
    parser.add_argument("--times", type=int, default=40, help="that each call is made")
    parser.add_argument("--sqlite", action="store_true", help="instead of PostgreSQL")
    arguments = parser.parse_args()
    calls: dict[int, dict[str, Measured]] = {}
    bytes_of: dict[int, dict[str, tuple[int, int]]] = {}
    for size in arguments.studies:
        with TemporaryDirectory(prefix="nn") as folder, _address(sqlite=arguments.sqlite) as address:
            began = time.monotonic()
            days = -(-size // arguments.a_day)
            with archive(Path(folder) / "data", address, arguments.a_day, days, arguments.today) as made:
                print(f"{size} studies, {days} days, made in {time.monotonic() - began:.0f} s", flush=True)
                engine = made.fhir.api.service.database.engine
                measure = partial(measured, engine)
                calls[size] = {what: measure(partial(call, made), arguments.times) for what, call in USERS.items()}
                calls[size] |= {what: measure(call, arguments.times) for what, call in ways(made).items()}
                calls[size] |= {"retention's look": measure(partial(looked, made), 1)}
                bytes_of[size] = sizes(engine)
            print(
                f"load average {os.getloadavg()[0]:.1f}\n\n{table_of_calls(calls)}\n\n{table_of_sizes(bytes_of)}\n",
                flush=True,
            )
    return 0


@contextmanager
def _address(*, sqlite: bool) -> Iterator[str | None]:
    if sqlite:
        yield None
        return
    with postgres.cluster(durable=True) as address:
        yield address


if __name__ == "__main__":
    sys.exit(main())
