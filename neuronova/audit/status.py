"""How the trail stands: how far it is signed and how far it is forwarded."""

from __future__ import annotations

from dataclasses import dataclass

from neuronova.audit.checkpoints import Checkpoint, last_checkpoint
from neuronova.audit.forward import Collector
from neuronova.audit.positions import Lag, Position, lag, name_of, read_position
from neuronova.audit.signing import PRIVATE, Keys, signer_of
from neuronova.audit.trail import Trail


@dataclass(frozen=True, kw_only=True, slots=True)
class Status:
    """What is behind the last checkpoint, and behind what the collector has had; `problem` is why it gets no more."""

    checkpoint: Checkpoint | None
    unsigned: Lag
    unsent: Lag | None
    problem: str | None


def status_of(trail: Trail, collector: Collector | None) -> Status:
    """Look at the trail without verifying it; that takes milliseconds."""
    checkpoint = last_checkpoint(trail.checkpoints, public_keys(trail))
    sent = None if collector is None else read_position(collector.position_file(trail))
    return Status(
        checkpoint=checkpoint,
        unsigned=lag(trail.journals(), _signed(checkpoint)),
        unsent=None if sent is None else lag(trail.journals(), sent),
        problem=None if sent is None else sent.problem,
    )


def _signed(checkpoint: Checkpoint | None) -> Position:
    tips = () if checkpoint is None else checkpoint.tips
    return Position(sent={name_of(tip.writer, tip.journal): tip.sequence for tip in tips})


def public_keys(trail: Trail) -> Keys:
    """Return the trail's own key to verify with; none where nothing was signed yet."""
    return signer_of(trail.keys).keys if (trail.keys / PRIVATE).is_file() else {}
