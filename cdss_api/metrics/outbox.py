"""The outbox in figures: what waits for each target, for how long, and the breakers."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from prometheus_client.core import Metric
from sqlalchemy import select
from sqlalchemy.orm import Session

from cdss_api.metrics.figures import Figures, gauge, gauges
from cdss_api.notifications.notifying import EMAIL_TARGET, WEBHOOK_TARGET
from cdss_api.outbox.breaker_state import Breaker
from cdss_api.outbox.depths import Depth, depth_of
from cdss_api.outbox.heartbeats import living
from cdss_api.outbox.models import Target

_WEBHOOKS = WEBHOOK_TARGET.rstrip(":")  # of all accounts together: each is a target of its own, named by its account
_WORST = (Breaker.CLOSED, Breaker.HALF_OPEN, Breaker.OPEN)


def outbox(session: Session, now: float) -> Figures:
    """Return the figures of every target."""
    depths = depth_of(session, now)
    undelivered = sum(one.waiting + one.dead for one in depths if label_of(one.target) in (EMAIL_TARGET, _WEBHOOKS))
    return [
        _summed("neuronova_outbox_waiting", "Messages that wait for a target", depths, lambda one: one.waiting, sum),
        _summed("neuronova_outbox_dead_letters", "Messages that a person has to look at", depths, _dead, sum),
        _summed("neuronova_outbox_oldest_seconds", "Age of the oldest message that waits", depths, _oldest, max),
        _breakers(session),
        gauge("neuronova_outbox_workers", "Workers that were heard of lately", float(living(session, now))),
        gauge("neuronova_notifications_undelivered", "Mails and calls of webhooks that wait", float(undelivered)),
    ]


def label_of(target: str) -> str:
    """Return a target's name as a label: that of an account's own webhook names no account."""
    return _WEBHOOKS if target.startswith(WEBHOOK_TARGET) else target


def _dead(one: Depth) -> float:
    return one.dead


def _oldest(one: Depth) -> float:
    return one.oldest_seconds


def _summed(
    name: str,
    meaning: str,
    depths: Iterable[Depth],
    of: Callable[[Depth], float],
    together: Callable[[list[float]], float],
) -> Metric:
    values: dict[tuple[str, ...], list[float]] = {}
    for one in depths:
        values.setdefault((label_of(one.target),), []).append(of(one))
    return gauges(name, meaning, ["target"], {key: float(together(given)) for key, given in values.items()})


def _breakers(session: Session) -> Metric:
    """Return 1 for the state that a target's breaker is in, 0 for the others; of several targets the worst counts."""
    worst: dict[str, int] = {}
    for target, state in session.execute(select(Target.target, Target.breaker)):
        label = label_of(target)
        worst[label] = max(worst.get(label, 0), _WORST.index(Breaker(state)))
    values = {
        (label, state.value): float(place == now) for label, now in worst.items() for place, state in enumerate(_WORST)
    }
    return gauges("neuronova_outbox_breaker", "1 for the state of a target's breaker", ["target", "state"], values)
