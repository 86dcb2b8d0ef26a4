"""What models make of the studies that `neuronova demo` sent: waiting for it, and a table of it."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from neuronova.cli.accounts import accounts
from neuronova.demo.asking import Wanted

if TYPE_CHECKING:
    from rich.table import Table
    from sqlalchemy.orm import Session

LONGEST = 180.0  # seconds; a busy machine takes longer than an idle one
_EVERY = 0.5
_NOT_QUEUED = "not queued yet"


@dataclass(frozen=True)
class Standing:
    """How far what is wanted of a series is; `seconds` are the model's."""

    wanted: Wanted
    state: str
    has_ended: bool
    seconds: float | None = None
    says: str = ""


def wait_for(wanted: Sequence[Wanted]) -> list[Standing]:
    """Wait until each job has ended, for `LONGEST` at most, and return how each stands."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    deadline = time.monotonic() + LONGEST
    with accounts() as service, Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("Waiting for the models", total=len(wanted))
        while True:
            with service.database.reading() as session:
                standing = [_standing(session, one) for one in wanted]
            open_ = sorted({one.state for one in standing if not one.has_ended})
            done = len(wanted) - sum(not one.has_ended for one in standing)
            progress.update(bar, completed=done, description=f"Waiting for the models ({', '.join(open_) or 'done'})")
            if not open_ or time.monotonic() > deadline:
                return standing
            time.sleep(_EVERY)


def _standing(session: Session, wanted: Wanted) -> Standing:
    """Return how the newest job stands that is still for this series."""
    from sqlalchemy import select

    from cdss_api.jobs.models import Job
    from cdss_api.jobs.states import OPEN, State
    from cdss_api.results import wording
    from neuronova.contract.reading_inference import read_result

    if wanted.rule is None:
        return Standing(wanted, "no rule", has_ended=True)
    asked = (Job.study == wanted.study, Job.series == wanted.series, Job.rule == wanted.rule)
    job = session.scalar(select(Job).where(*asked, Job.state != State.SUPERSEDED).order_by(Job.number.desc()))
    if job is None:
        return Standing(wanted, _NOT_QUEUED, has_ended=False)
    says = job.detail or job.reason or ""
    if job.result is not None and job.state == State.SUCCEEDED:
        says = "; ".join(wording.summary(read_result(json.loads(job.result))))
    return Standing(wanted, job.state, job.state not in OPEN, job.seconds, says)


def table_of(standing: Sequence[Standing]) -> Table:
    """Return a row for each series and rule."""
    from rich.table import Table

    table = Table("series", "rule", "state", "seconds", "result", title="AI, not for diagnosis")
    for one in standing:
        seconds = "" if one.seconds is None else f"{one.seconds:.1f}"
        table.add_row(one.wanted.what, one.wanted.rule or "", one.state, seconds, one.says)
    return table
