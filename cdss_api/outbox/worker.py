"""The worker: claims, delivers outside of any transaction, and settles."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from sqlalchemy.exc import DBAPIError

from cdss_api.database import Database
from cdss_api.outbox.breaker import Heard, opens_after
from cdss_api.outbox.claiming import Claim, claim, is_due, targets
from cdss_api.outbox.delivery import Deliver, DeliverMany, Delivery
from cdss_api.outbox.pace import FIRST, MOST, next_size
from cdss_api.outbox.renewing import Leases, meanwhile
from cdss_api.outbox.settling import Report, settle
from cdss_api.outbox.tracing import delivering, told_together
from cdss_api.outbox.verdicts import Outcome, Verdict, of_exception
from cdss_api.outbox.waits import Policy, Random

_LOG = logging.getLogger(__name__)
_DEPTH = 10  # messages of a stream that are claimed at once, where it has so many
_LOCKED = 0.05  # seconds, about as long as a change of the record takes


@dataclass(slots=True)
class Worker:
    """Delivers what is due: any number of them on PostgreSQL, one on SQLite, which has no row locks.

    `only` names the targets to serve, all where it is none: a worker for each keeps a target that answers slowly from
    holding up the others. `threads` streams are sent at a time, and at most `batch` messages are claimed at a time.
    `together` sends messages of several streams in one request, one of each at a time, so that a stream's order holds.
    """

    database: Database
    deliver: Deliver
    clock: Callable[[], float]
    random: Random
    policy: Policy = field(default_factory=Policy)
    batch: int = MOST
    threads: int = 1
    only: Sequence[str] | None = None
    together: DeliverMany | None = None
    _unsettled: dict[str, list[Report]] = field(default_factory=dict)
    _sizes: dict[str, int] = field(default_factory=dict)
    _busy: set[str] = field(default_factory=set)  # something was due of them just now
    _again: list[float] = field(default_factory=list)  # when what a target works on is due again

    def run(self, stop: threading.Event, idle: float = 1.0, woken: threading.Event | None = None) -> None:
        """Work until `stop`; what is begun is finished.

        It looks for something to do every `idle` seconds, and when `woken` is set: whoever sets `stop` sets that, too.
        """
        woken = woken or stop
        while not stop.is_set():
            if woken is not stop:
                woken.clear()
            try:
                begun = self.step()
            except DBAPIError as error:
                # The database restarts, or is locked for long: what is claimed comes back when its lease is over.
                _LOG.warning("the outbox waits for its database (%s)", type(error).__name__)
                begun = 0
            if begun == 0:
                woken.wait(self._patience(idle))

    def drain(self, longest: float) -> int:
        """Deliver what is due, for about so many seconds, and settle it; return how many messages were begun."""
        end, total = self.clock() + longest, 0
        while (begun := self.step()) > 0:
            total += begun
            if self.clock() >= end:
                break
        while any(self._unsettled.values()):
            # Somebody writes to that stream at this moment.
            time.sleep(_LOCKED)
            for target in self._targets():
                self._settle(target, [])
        return total

    def step(self) -> int:
        """Claim and deliver one batch of each target; return how many messages were begun."""
        return sum(self._serve(target) for target in self._targets())

    def _patience(self, idle: float) -> float:
        now = self.clock()
        self._again = [one for one in self._again if one > now]
        return min([idle, *(one - now for one in self._again)])

    def _targets(self) -> Sequence[str]:
        if self.only is not None:
            return self.only
        with self.database.reading() as session:
            return targets(session)

    def _serve(self, target: str) -> int:
        self._settle(target, [])
        size = self._sizes.get(target, min(FIRST, self.batch))
        started = self.clock()
        if target not in self._busy:
            with self.database.reading() as session:
                if not is_due(session, target, started):
                    return 0
        most = 1 if self.together is None else self.together.most(target)
        depth = 1 if most > 1 else _DEPTH  # together go messages of different streams
        with self.database.writing() as session:
            claims = claim(session, target, self.clock(), self.policy, size, depth)
        if not claims:
            self._busy.discard(target)
            return 0
        self._busy.add(target)
        leases = Leases(self.database, claims, self.clock, self.policy)
        with meanwhile(leases.renew, self.policy.renewal):
            reports = self._send(claims, most, leases)
        self._again += [due for one in reports if (due := one.due_again) is not None]
        self._settle(target, reports)
        begun = sum(len(report.heard) for report in reports)
        self._sizes[target] = next_size(size, begun, self.clock() - started, self.batch)
        return begun

    def _send(self, claims: list[Claim], most: int, leases: Leases) -> list[Report]:
        batch = _Batch(self.deliver, self.clock, self.policy, leases)
        if self.together is not None and most > 1 and len(claims) > 1:
            return batch.send_together(claims, self.together, most)
        if self.threads == 1:
            return [batch.send(one) for one in claims]
        with ThreadPoolExecutor(self.threads) as pool:
            return list(pool.map(batch.send, claims))

    def _settle(self, target: str, reports: list[Report]) -> None:
        """Settle these and what could not be before; a report is kept until it is settled, or somebody else's."""
        waiting = self._unsettled[target] = self._unsettled.get(target, []) + reports
        if not waiting:
            return
        with self.database.writing() as session:
            settled = settle(session, target, waiting, self.clock(), self.policy, self.random)
        self._unsettled[target] = settled.later
        for report in settled.lost:
            _LOG.warning("the lease of stream %d was over before its delivery", report.claim.stream)


@dataclass(slots=True)
class _Batch:
    deliver: Deliver
    clock: Callable[[], float]
    policy: Policy
    leases: Leases
    heard: list[Heard] = field(default_factory=list)

    def send(self, claimed: Claim) -> Report:
        """Send a stream's messages in their order, until one fails or there is no time left."""
        heard: list[Heard] = []
        while self._goes_on(claimed, heard):
            heard.append(self._attempt(claimed.deliveries[len(heard)]))
        return Report(claimed, tuple(heard))

    def send_together(self, claims: Sequence[Claim], together: DeliverMany, most: int) -> list[Report]:
        """Send the first message of each stream, then the second of each that took its first, and so on."""
        heard: list[list[Heard]] = [[] for _ in claims]
        while going := [at for at, one in enumerate(claims) if self._goes_on(one, heard[at])]:
            for group in (going[at : at + most] for at in range(0, len(going), most)):
                # What a group brought may have opened the breaker, or taken the time that was left.
                left = [at for at in group if self._goes_on(claims[at], heard[at])]
                said = self._many([claims[at].deliveries[len(heard[at])] for at in left], together)
                for at, outcome in zip(left, said, strict=True):
                    if outcome is not None:
                        heard[at].append(self._heard(outcome))
                    elif self._goes_on(claims[at], heard[at]):
                        heard[at].append(self._attempt(claims[at].deliveries[len(heard[at])]))
        return [Report(one, tuple(of)) for one, of in zip(claims, heard, strict=True)]

    def _goes_on(self, claimed: Claim, heard: Sequence[Heard]) -> bool:
        if len(heard) == len(claimed.deliveries) or (heard and heard[-1].outcome.verdict is not Verdict.OK):
            return False
        return self.leases.stands(claimed) and not opens_after(self.heard, self.policy)

    def _many(self, deliveries: Sequence[Delivery], together: DeliverMany) -> list[Outcome | None]:
        if len(deliveries) < 2:
            return [None] * len(deliveries)
        began = self.clock()
        try:
            said = together.many(deliveries)
            told_together(deliveries, said, began, self.clock())
            return said
        except Exception as error:
            # One of them may be what the target chokes on: by itself, each shows what becomes of it.
            _LOG.warning("%d messages were not delivered together (%s)", len(deliveries), type(error).__name__)
            return [None] * len(deliveries)

    def _attempt(self, delivery: Delivery) -> Heard:
        outcome = self._delivered(delivery, renew=False)
        if outcome.verdict is Verdict.REAUTHORIZE:
            outcome = self._delivered(delivery, renew=True)
        if outcome.verdict is Verdict.REAUTHORIZE:
            # A new token too: it is the account that is refused, and with it every message.
            outcome = Outcome(Verdict.TARGET_DOWN, outcome.detail)
        return self._heard(outcome)

    def _heard(self, outcome: Outcome) -> Heard:
        heard = Heard(outcome, self.clock())
        self.heard.append(heard)
        return heard

    def _delivered(self, delivery: Delivery, *, renew: bool) -> Outcome:
        with delivering(delivery, self.clock) as came:
            try:
                return came(self.deliver(delivery, renew=renew))
            except Exception as error:
                _LOG.warning("message %d was not delivered (%s)", delivery.number, type(error).__name__)
                return came(of_exception(error))
