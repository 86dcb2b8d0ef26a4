"""Settling claims: a short transaction that writes what came of them, if they are still ours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import case, select, update
from sqlalchemy.orm import Session

from cdss_api.outbox.breaker import Heard, tell
from cdss_api.outbox.claiming import Claim
from cdss_api.outbox.delivery import Delivery
from cdss_api.outbox.models import Message, Stream, Target, among, is_open
from cdss_api.outbox.states import State, before
from cdss_api.outbox.verdicts import Verdict
from cdss_api.outbox.waits import Policy, Random

_BURIES = frozenset({Verdict.PERMANENT, Verdict.CONFLICT, Verdict.DUPLICATE})


@dataclass(frozen=True, slots=True)
class Report:
    """What came of a claim: one entry for each message that was begun; only the last may have failed."""

    claim: Claim
    heard: tuple[Heard, ...] = field(default=())

    @property
    def completed(self) -> list[int]:
        """Return the numbers of the messages that arrived."""
        pairs = zip(self.claim.deliveries, self.heard, strict=False)
        return [delivery.number for delivery, one in pairs if one.outcome.verdict is Verdict.OK]

    @property
    def failed(self) -> tuple[Delivery, Heard] | None:
        """Return the message that failed, and how."""
        if not self.heard or self.heard[-1].outcome.verdict is Verdict.OK:
            return None
        return self.claim.deliveries[len(self.heard) - 1], self.heard[-1]

    @property
    def due_again(self) -> float | None:
        """Return when the last message is due again that its target works on."""
        if self.failed is None or self.failed[1].outcome.verdict is not Verdict.AGAIN:
            return None
        return self.failed[1].at + (self.failed[1].outcome.wait or 0.0)

    @property
    def unbegun(self) -> list[int]:
        """Return the numbers of the messages that nobody tried to send."""
        return [delivery.number for delivery in self.claim.deliveries[len(self.heard) :]]


@dataclass(frozen=True, slots=True)
class Settled:
    """How far settling came: `later` are streams that somebody is writing to, `lost` those that another claimed."""

    later: list[Report]
    lost: list[Report]


def settle(
    session: Session, target: str, reports: Sequence[Report], now: float, policy: Policy, random: Random
) -> Settled:
    """Write what came of claims of one target.

    A report may be settled after its lease, as long as nobody else claimed the stream: the fence alone decides.
    """
    # Not waited for: a long transaction that enqueues to one stream would hold up what came of all the others.
    streams = select(Stream.number, Stream.fence).where(
        among(session, Stream.number, [one.claim.stream for one in reports])
    )
    rows = session.execute(streams.with_for_update(skip_locked=True))
    locked = {row.number: row.fence for row in rows}
    later = [one for one in reports if one.claim.stream not in locked]
    ours = [one for one in reports if locked.get(one.claim.stream) == one.claim.fence]
    lost = [one for one in reports if locked.get(one.claim.stream, one.claim.fence) != one.claim.fence]
    row = tell(session, target, [heard for one in ours for heard in one.heard], policy, random)
    _complete(session, [number for one in ours for number in one.completed], now)
    _give_back(session, [number for one in ours for number in one.unbegun], now)
    _release(session, [one.claim.stream for one in ours if one.failed is None], now)
    for one in ours:
        if one.failed is not None:
            _Failure(session, row, one, now, policy, random).write()
    return Settled(later, lost)


def _complete(session: Session, numbers: list[int], now: float) -> None:
    if not numbers:
        return
    done = update(Message).where(among(session, Message.number, numbers), Message.state.in_(before(State.COMPLETED)))
    values = done.values(state=State.COMPLETED, changed_at=now, verdict=Verdict.OK, detail=None)
    session.execute(values.execution_options(synchronize_session=False))


def _give_back(session: Session, numbers: list[int], now: float) -> None:
    if not numbers:
        return
    unbegun = update(Message).where(among(session, Message.number, numbers), Message.state == State.PROCESSING)
    state = case((Message.attempts > 1, State.FAILED.value), else_=State.PENDING.value)
    values = unbegun.values(state=state, attempts=Message.attempts - 1, changed_at=now)
    session.execute(values.execution_options(synchronize_session=False))


def _release(session: Session, streams: list[int], now: float) -> None:
    """End leases; what is written to these streams from now on waits for their rows, so that none is overlooked."""
    if not streams:
        return
    # A LIMIT, not EXISTS: that may be planned as one pass over all messages.
    head = select(Message.number).where(Message.stream == Stream.number, is_open()).order_by(Message.number).limit(1)
    waits = head.scalar_subquery().is_not(None)
    released = update(Stream).where(among(session, Stream.number, streams))
    values = released.values(leased=False, visible_at=case((waits, now), else_=None))
    session.execute(values.execution_options(synchronize_session=False))


@dataclass(frozen=True, slots=True)
class _Failure:
    session: Session
    target: Target
    report: Report
    now: float
    policy: Policy
    random: Random

    def write(self) -> None:
        assert self.report.failed is not None  # noqa: S101 - for the type checker
        delivery, heard = self.report.failed
        verdict = heard.outcome.verdict
        message = self.session.execute(select(Message).where(Message.number == delivery.number)).scalar_one()
        message.verdict, message.detail, message.changed_at = verdict, heard.outcome.detail, self.now
        if verdict is Verdict.AGAIN:
            self._come_back(message, heard)
            return
        if verdict is Verdict.TARGET_DOWN:
            own = self._is_own(message, heard)
            message.doubted_at = heard.at
            if not own:
                self._hold(message, heard)
                return
        if verdict in _BURIES or message.attempts >= self.policy.attempts:
            message.state = State.DEAD_LETTER
            self._schedule(None, parked=True)
            return
        message.state = State.FAILED
        wait = max(self.policy.backoff(message.attempts, self.random), heard.outcome.wait or 0.0)
        self._schedule(heard.at + wait, parked=False)

    def _is_own(self, message: Message, heard: Heard) -> bool:
        """Return whether a failure that looks like the target's is the message's.

        It is where the target has taken something else since this message failed like that before. An outage alone
        spends no attempt, however long; one message that a healthy server chokes on spends them all.
        """
        if heard.outcome.wait is not None or message.doubted_at is None or self.target.worked_at is None:
            return False
        return message.doubted_at < self.target.worked_at

    def _hold(self, message: Message, heard: Heard) -> None:
        message.attempts -= 1
        message.state = State.FAILED
        wait = max(self.policy.held(self.random), heard.outcome.wait or 0.0)
        self._schedule(heard.at + wait, parked=False)

    def _come_back(self, message: Message, heard: Heard) -> None:
        message.attempts -= 1
        message.state = State.FAILED if message.attempts else State.PENDING
        self._schedule(heard.at + (heard.outcome.wait or 0.0), parked=False)

    def _schedule(self, at: float | None, *, parked: bool) -> None:
        self.session.flush()
        stream = update(Stream).where(Stream.number == self.report.claim.stream)
        values = stream.values(leased=False, parked=parked, visible_at=at)
        self.session.execute(values.execution_options(synchronize_session=False))
