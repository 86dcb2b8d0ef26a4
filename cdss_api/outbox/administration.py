"""What an admin does to the outbox, by route or command: each act is in the audit trail before it is committed."""

from __future__ import annotations

from pathlib import Path

from cdss_api.accounts.recording import Action
from cdss_api.accounts.work import Work
from cdss_api.outbox import configured_targets, operations
from cdss_api.outbox.configured_targets import ConfiguredTarget, Wanted
from cdss_api.outbox.operations import Shown


def add_target(work: Work, data: Path, wanted: Wanted) -> ConfiguredTarget:
    """Add a target; raises TargetExists."""
    made = configured_targets.add(work.session, data, wanted, work.now)
    kinds = " ".join(made.kinds)
    work.record(Action.OUTBOX_TARGET, act="add", target=made.target, url=made.url, kinds=kinds)
    return made


def pause_target(work: Work, target: str, *, paused: bool) -> ConfiguredTarget:
    """Stop sending to a target, or go on; raises NoSuchTarget."""
    changed = configured_targets.pause(work.session, target, paused=paused)
    work.record(Action.OUTBOX_TARGET, act="pause" if paused else "resume", target=target)
    return changed


def remove_target(work: Work, target: str, *, drop: bool) -> int:
    """Forget a target; return how many messages went with it. Raises NoSuchTarget, StillOpen."""
    dropped = configured_targets.remove(work.session, target, drop=drop)
    work.record(Action.OUTBOX_TARGET, act="remove", target=target, dropped=str(dropped))
    return dropped


def show_message(work: Work, number: int) -> Shown:
    """Return a message with its payload, which is some patient's record; raises NoSuchMessage."""
    shown = operations.show(work.session, number)
    _record(work, "show", shown)
    return shown


def retry_message(work: Work, number: int) -> Shown:
    """Have a message tried at once; raises NoSuchMessage, NotNow."""
    operations.retry(work.session, number, work.now)
    shown = operations.show(work.session, number)
    _record(work, "retry", shown)
    return shown


def drop_message(work: Work, number: int) -> Shown:
    """Delete a message that was not sent, and return what it was; raises NoSuchMessage, NotNow."""
    dropped = operations.drop(work.session, number, work.now)
    _record(work, "drop", dropped)
    return dropped


def _record(work: Work, act: str, shown: Shown) -> None:
    target, aggregate = shown.target, shown.aggregate
    work.record(Action.OUTBOX_MESSAGE, act=act, target=target, aggregate=aggregate, number=str(shown.number))
