"""Retention: what has to be so before records are removed, and their removal.

A cut loses what its own mistakes would have been found by. So nothing is cut off a trail that is broken, the chains are
signed as they are before, and what a collector has not had yet stays.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from neuronova.audit.checkpoints import make_checkpoint
from neuronova.audit.cuts import Cut, make_cut, read_cuts
from neuronova.audit.diagnosis import Damage
from neuronova.audit.forward import Collector
from neuronova.audit.positions import Position, read_position
from neuronova.audit.signing import Keys, Signer
from neuronova.audit.trail import Trail
from neuronova.audit.verify import verify

DAY = 86400  # seconds
YEAR = 366 * DAY  # never less than one of the calendar
EXPORTS_KEPT = 30 * DAY  # what was cut lies beside the trail for so long, for a backup to fetch it


class Broken(Exception):
    """The trail does not hold, so nothing is cut off it."""


def require_whole(trail: Trail, keys: Keys) -> None:
    """Make sure that the trail holds; what an interrupted cut left does not keep the next from removing it.

    Raises:
        Broken: it does not.
    """
    report = verify(trail, keys)
    if report.faults or any(one.fault and one.fault.damage is not Damage.LEFT for one in report.chains):
        raise Broken("nothing is cut off a trail that is broken; see `neuronova audit verify`")


def forwarded(trail: Trail, collector: Collector | None) -> Position | None:
    """Return how far the collector has come, if there is one."""
    return None if collector is None else read_position(collector.position_file(trail))


def cut_all(
    trail: Trail, before: float, signer: Signer, now: float, collector: Collector | None
) -> Iterator[tuple[Path, Cut | None]]:
    """Sign a checkpoint, then remove from each journal what is older than `before`; yield each as it is done."""
    make_checkpoint(trail.journals(), trail.checkpoints, signer, now)
    position = forwarded(trail, collector)
    for path in trail.journals():
        yield path, make_cut(path, before, trail, signer, now, position)


def last_cut(trail: Trail, keys: Keys) -> float | None:
    """Return when records were last removed."""
    return max((cut.time for cut in read_cuts(trail.cuts, keys).valid), default=None)


def remove_exports(trail: Trail, keys: Keys, now: float) -> None:
    """Remove the files of what was cut a while ago; their digests stay in the statements."""
    for cut in read_cuts(trail.cuts, keys).valid:
        if cut.time < now - EXPORTS_KEPT:
            (trail.removed / cut.export).unlink(missing_ok=True)
