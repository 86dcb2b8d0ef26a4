"""Recording accesses: the first of its kind in a minute is on disk before the answer is sent, the others are counted.

Of each kind (who, what, on whose study, from where, decided how, for what reason) and minute there are at most two
records: the decision, and its result once the minute is over, which tells the further accesses and how all ended.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace

from neuronova.audit.files import JournalFailed
from neuronova.audit.journal import AuditJournal
from neuronova.contract.audit import Event, Outcome

log = logging.getLogger(__name__)

MINUTE = 60
DENIALS = 100  # that one record stands for; the next is written at once again
KINDS = 20_000  # that are counted at a time; then their results are written early
TICK = 1.0  # seconds
_ERRORS = 500

_Key = tuple[object, ...]


class Ticket:
    """The accesses of one kind in one minute."""

    __slots__ = ("event", "further", "key", "pending", "recorded", "sequence", "statuses")

    def __init__(self, key: _Key, event: Event) -> None:
        self.key = key
        self.event = event
        self.sequence: int | None = None  # of the decision, once it is on disk
        self.recorded = threading.Event()  # the decision is on disk, or could not be written
        self.further = 0
        self.pending = 0  # begun and not finished
        self.statuses: Counter[int] = Counter()


class AccessRecorder:
    """Records the accesses of one process; `start` has it write results by itself, else `tick` does."""

    def __init__(self, journal: AuditJournal, clock: Callable[[], float]) -> None:
        self._journal = journal
        self._clock = clock
        self._lock = threading.Lock()  # never held while the disk is waited for
        self._open: dict[_Key, Ticket] = {}
        self._ended: list[Ticket] = []
        self._ticking = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def begin(self, event: Event) -> Ticket:
        """Record a decision; it is on disk, or counted into one that is, when this returns.

        An allowed access is to be finished; a denial need not be, for its decision says all.

        Raises:
            JournalFailed: it is not recorded, so the access must not happen.
        """
        key = _key(event)
        denied = event.outcome is Outcome.DENIED
        while True:
            with self._lock:
                ticket = self._open.get(key)
                first = ticket is None or (denied and ticket.further >= DENIALS - 1)
                if ticket is None or first:
                    ticket = self._begin_kind(key, event, ticket)
                elif ticket.sequence is not None:
                    ticket.further += 1
                    ticket.pending += not denied
                    return ticket
            if first:
                self._record_first(key, ticket)
                return ticket
            ticket.recorded.wait()  # by the thread that came first

    def again(self, ticket: Ticket) -> bool:
        """Count one more allowed access of a kind that `begin` recorded; False where it has to be asked anew.

        That it is of the same minute is for the caller to know.
        """
        with self._lock:
            if ticket.sequence is None or self._open.get(ticket.key) is not ticket:
                return False
            ticket.further += 1
            ticket.pending += 1
            return True

    def finish(self, ticket: Ticket, status: int) -> None:
        """Add the HTTP status that an access was answered with."""
        with self._lock:
            if ticket.pending:
                ticket.pending -= 1
                ticket.statuses[status] += 1

    def tick(self) -> None:
        """Write the results of the minutes that are over.

        Raises:
            JournalFailed: they are kept for the next time.
        """
        minute = int(self._clock() // MINUTE)
        with self._lock:
            for key in [key for key in self._open if key[0] != minute]:
                self._ended.append(self._open.pop(key))
        self._write_results()

    def start(self) -> None:
        """Tick in a thread of its own until `close`."""
        self._thread = threading.Thread(target=self._run, name="audit-results", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Write all results; the journal stays open.

        Raises:
            JournalFailed: they are not written.
        """
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
        with self._lock:
            self._end_all()
        self._write_results()

    def _begin_kind(self, key: _Key, event: Event, before: Ticket | None) -> Ticket:
        if before is not None:
            self._ended.append(before)
        if len(self._open) >= KINDS:
            self._end_all()
        ticket = self._open[key] = Ticket(key, event)
        return ticket

    def _end_all(self) -> None:
        self._ended.extend(self._open.values())
        self._open.clear()

    def _record_first(self, key: _Key, ticket: Ticket) -> None:
        try:
            (sequence,) = self._journal.append(ticket.event)
        except BaseException:
            with self._lock:
                if self._open.get(key) is ticket:
                    del self._open[key]
            ticket.recorded.set()
            raise
        with self._lock:
            ticket.sequence = sequence
            ticket.pending += ticket.event.outcome is not Outcome.DENIED
        ticket.recorded.set()

    def _write_results(self) -> None:
        with self._ticking:
            with self._lock:
                ended, self._ended = self._ended, []
                told = [(ticket, ticket.further, ticket.statuses.copy()) for ticket in ended if _tells(ticket)]
            try:
                self._journal.append(*(_result(*one, self._clock()) for one in told))
            except BaseException:
                with self._lock:
                    self._ended += ended
                raise
            with self._lock:
                for ticket, further, statuses in told:
                    ticket.further -= further
                    ticket.statuses -= statuses
                # What is not finished yet, or not even recorded, gets its result later.
                self._ended += [ticket for ticket in ended if _waits(ticket) or _tells(ticket)]

    def _run(self) -> None:
        failing = False
        while not self._stop.wait(TICK):
            try:
                self.tick()
                failing = False
            except JournalFailed as error:
                if not failing:
                    log.error("results of accesses wait to be recorded: %s", error)
                failing = True


def _key(event: Event) -> _Key:
    return (
        int(event.time // MINUTE),
        event.subject,
        event.study,
        event.action,
        event.outcome,
        event.reason,
        event.patient_id,
        event.issuer,
        event.token_id,
        event.address,
        event.aet,
    )


def _tells(ticket: Ticket) -> bool:
    return ticket.sequence is not None and bool(ticket.further or ticket.statuses)


def _waits(ticket: Ticket) -> bool:
    return bool(ticket.pending) or not ticket.recorded.is_set()


def _result(ticket: Ticket, further: int, statuses: Counter[int], now: float) -> Event:
    """Return the record of how the accesses of a kind ended; `count` are those that the decision does not stand for."""
    worst = max(statuses, default=ticket.event.status)
    failed = ticket.event.outcome is Outcome.ALLOWED and worst is not None and worst >= _ERRORS
    return replace(
        ticket.event,
        time=now,
        outcome=Outcome.FAILED if failed else ticket.event.outcome,
        series="",
        route="",
        count=further,
        status=worst,
        detail=_told(statuses.items(), ticket.pending),
        refers_to=ticket.sequence,
    )


def _told(statuses: Iterable[tuple[int, int]], pending: int) -> str:
    told = [f"{status}: {number}" for status, number in sorted(statuses)]
    return ", ".join([*told, f"unfinished: {pending}"] if pending else told)
