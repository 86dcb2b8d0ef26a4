"""A clock that is set, a receiver that is told what to answer, and short ways to write and work."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from sqlalchemy import select

from cdss_api.database import Database
from cdss_api.outbox.delivery import Delivery
from cdss_api.outbox.enqueueing import enqueue
from cdss_api.outbox.models import Message, Target
from cdss_api.outbox.operations import Shown, show
from cdss_api.outbox.states import State
from cdss_api.outbox.verdicts import Outcome, Verdict
from cdss_api.outbox.waits import Policy
from cdss_api.outbox.worker import Worker

OK = Outcome(Verdict.OK)
DOWN = Outcome(Verdict.TARGET_DOWN)
Answer = Callable[[Delivery], Outcome]


@dataclass
class Receiver:
    """Answers by `answer`, and remembers every attempt."""

    answer: Answer = lambda _: OK
    attempts: list[Delivery] = field(default_factory=list)
    renewed: list[bool] = field(default_factory=list)

    def __call__(self, delivery: Delivery, /, *, renew: bool) -> Outcome:
        self.attempts.append(delivery)
        self.renewed.append(renew)
        return self.answer(delivery)

    @property
    def payloads(self) -> list[str]:
        return [one.payload for one in self.attempts]

    def tries(self) -> Counter[str]:
        return Counter(self.payloads)


@dataclass
class Bench:
    """One worker with a clock of its own."""

    database: Database
    receiver: Receiver = field(default_factory=Receiver)
    now: float = 1_000_000.0
    policy: Policy = field(default_factory=Policy)

    def worker(self, receiver: Receiver | None = None, batch: int = 50) -> Worker:
        return Worker(self.database, receiver or self.receiver, lambda: self.now, lambda: 0.0, self.policy, batch)

    def write(self, payload: str, aggregate: str = "a", target: str = "emr") -> int:
        with self.database.writing() as session:
            return enqueue(session, target=target, aggregate=aggregate, kind="k", payload=payload, now=self.now)

    def work(self, worker: Worker | None = None) -> int:
        """Work until nothing is due at this moment."""
        worker, total = worker or self.worker(), 0
        while begun := worker.step():
            total += begun
        return total

    def pass_(self, seconds: float, step: float = 1.0) -> None:
        """Let time pass, working every `step` seconds."""
        worker, end = self.worker(), self.now + seconds
        while self.now < end:
            self.now += step
            self.work(worker)

    def shown(self, number: int) -> Shown:
        with self.database.reading() as session:
            return show(session, number)

    def states(self, numbers: Iterable[int]) -> list[State]:
        return [self.shown(one).state for one in numbers]

    def counts(self) -> Counter[str]:
        with self.database.reading() as session:
            return Counter(session.scalars(select(Message.state)))

    def breaker(self, target: str = "emr") -> Target:
        with self.database.reading() as session:
            return session.execute(select(Target).where(Target.target == target)).scalar_one()


def failing(*payloads: str, verdict: Verdict = Verdict.TRANSIENT) -> Answer:
    return lambda delivery: Outcome(verdict, "HTTP 4") if delivery.payload in payloads else OK


def always(verdict: Verdict) -> Answer:
    return lambda _: Outcome(verdict)
