"""Corrections carried out by the worker: a piece for each message, so that none takes longer than its lease."""

from __future__ import annotations

import json
import secrets
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy.orm import Session

from cdss_api.database import Database
from cdss_api.imaging import corrections
from cdss_api.imaging.archive import Archive, Held, Unavailable
from cdss_api.imaging.correcting import Bench, Move, correct, instant, tidy
from cdss_api.imaging.corrections import KIND, Progress, Superseded
from cdss_api.imaging.models import Correction
from cdss_api.imaging.rewriting import Unreadable
from cdss_api.outbox.delivery import Delivery
from cdss_api.outbox.verdicts import Outcome, Verdict

PIECE = 15.0  # seconds; with the longest request to Orthanc less than the outbox's longest delivery
_TELL_EVERY = 0.5  # seconds

# What follows from the end of a correction, in the same transaction: the SOPInstanceUIDs are none where it was refused.
Ended = Callable[[Session, Correction, list[str]], None]


class _Paused(Exception):
    """The time of this piece is over."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Corrections:
    """Delivers messages of kind `correction`; `ended` is what follows, by what a correction is a part of."""

    database: Database
    archive: Archive
    root: Path
    clock: Callable[[], float]
    ended: Mapping[str, Ended]
    piece: float = PIECE

    def __call__(self, delivery: Delivery, /, *, renew: bool) -> Outcome:
        """Do a piece of the correction, and have the next one done; service tokens are always new."""
        if delivery.kind != KIND:
            return Outcome(Verdict.PERMANENT, f"{delivery.kind[:64]} is no correction")
        id_ = str(json.loads(delivery.payload)["correction"])
        runner = secrets.token_hex(16)
        with self.database.writing() as session:
            row = corrections.take(session, id_, runner)
            if row is None:
                return Outcome(Verdict.OK, "there is nothing left to do")
            moves = [Move.from_json(one) for one in row.moves]
            bench = Bench(archive=self.archive, root=self.root, name=id_, keeps=row.keeps, at=instant(row.begun))
        watch = _Watch(self.database, id_, runner, time.monotonic() + self.piece)
        try:
            uids = correct(bench, moves, watch)
        except _Paused:
            return self._pause(id_)
        except Superseded:
            return Outcome(Verdict.OK, "another worker goes on with it")
        except Held:  # the hold was placed after it had begun: it goes on once that is lifted
            return Outcome(Verdict.TRANSIENT, "a study is under legal hold")
        except Unavailable as error:
            return Outcome(Verdict.TARGET_DOWN, f"Orthanc does not answer ({error})")
        except Unreadable as odd:
            self._end(id_, runner, Progress.REFUSED, [], f"{odd}"[:300])
            shutil.rmtree(self.root / id_, ignore_errors=True)
            return Outcome(Verdict.OK, "refused")
        self._end(id_, runner, Progress.DONE, uids, None)
        tidy(self.root, id_)
        return Outcome(Verdict.OK, f"{len(uids)} objects")

    def _pause(self, id_: str) -> Outcome:
        with self.database.writing() as session:
            corrections.go_on(session, id_, self.clock())
        return Outcome(Verdict.OK, "goes on")

    def _end(self, id_: str, runner: str, state: Progress, uids: list[str], problem: str | None) -> None:
        with self.database.writing() as session:
            row = session.get_one(Correction, id_, with_for_update=True)
            if row.runner != runner or row.state != Progress.OPEN:
                return
            corrections.end(session, row, state, self.clock(), problem)
            self.ended[row.part](session, row, uids)


@dataclass(slots=True)
class _Watch:
    database: Database
    correction: str
    runner: str
    deadline: float  # monotonic
    _told: float = field(default=0.0)

    def __call__(self, done: int, total: int) -> None:
        now = time.monotonic()
        if now >= self._told + _TELL_EVERY or now >= self.deadline:
            self._told = now
            with self.database.writing() as session:
                corrections.tell(session, self.correction, self.runner, done, total)
        else:
            with self.database.reading() as session:
                corrections.require(session, self.correction, self.runner)
        if now >= self.deadline:
            raise _Paused
