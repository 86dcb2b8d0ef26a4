"""`python -m bench [MEASURE ..] [--quick]`: measure, print, and write docs/benchmarks.md after a whole run."""

from __future__ import annotations

import argparse
import logging
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from bench import (
    ai,
    audit,
    decision,
    effect,
    encode,
    fhir,
    frames,
    gate,
    ingest,
    lists,
    memory,
    metadata,
    outbox,
    viewer,
)
from bench.machine import describe
from bench.page import PAGE, write_page
from bench.report import Detail, Result, Row, table

MEASURES: dict[str, Callable[[bool], Iterator[Result]]] = {
    "ingest": ingest.measure,
    "encode": encode.measure,
    "frames": frames.measure,
    "metadata": metadata.measure,
    "viewer": viewer.measure,
    "memory": memory.measure,
    "gate": gate.measure,
    "decision": decision.measure,
    "effect": effect.measure,
    "lists": lists.measure,
    "audit": audit.measure,
    "outbox": outbox.measure,
    "fhir": fhir.measure,
    "ai": ai.measure,
}


def main() -> int:
    """Run the measures that were named, or all."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("measures", nargs="*", metavar="MEASURE", help=", ".join(MEASURES))
    parser.add_argument("--quick", action="store_true", help="fewer rounds, smaller objects; writes no page")
    arguments = parser.parse_args()
    unknown = sorted(set(arguments.measures) - set(MEASURES))
    if unknown:
        parser.error(f"no measure {unknown[0]}; there are {', '.join(MEASURES)}")
    logging.getLogger("pynetdicom").setLevel(logging.CRITICAL)

    machine, when, began = describe(), f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC", time.monotonic()
    results: list[Result] = []
    for name in arguments.measures or MEASURES:
        results += _run(name, quick=arguments.quick)
    print("\n" + table([one for one in results if isinstance(one, Row)]))
    print("".join(f"\n- {one.text}" for one in results if isinstance(one, Detail)))
    if not arguments.quick and not arguments.measures:
        write_page(results, machine, "make bench", when, (time.monotonic() - began) / 60)
        print(f"\nWritten to {PAGE}")
    return int(any(isinstance(one, Row) and one.problem != "" for one in results))


def _run(name: str, *, quick: bool) -> Iterator[Result]:
    """Run one measure; what goes wrong becomes a row that says so, and the others are measured all the same."""
    began = time.monotonic()
    print(f"{name} ..", flush=True)
    try:
        for result in MEASURES[name](quick):
            said = " | ".join(result.cells()) if isinstance(result, Row) else result.text
            print(f"  {said}", flush=True)
            yield result
    except Exception as error:
        traceback.print_exc(file=sys.stderr)
        yield Row(what=name, against="", problem=f"{type(error).__name__}: {error}".splitlines()[0][:200])
    print(f"  {time.monotonic() - began:.0f} s", flush=True)


if __name__ == "__main__":
    sys.exit(main())
