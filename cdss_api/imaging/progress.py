"""How far a correction is, as the API shows it."""

from __future__ import annotations

from pydantic import BaseModel

from cdss_api.imaging.corrections import Progress
from cdss_api.imaging.models import Correction


class ProgressEntry(BaseModel):
    """Objects that are done, of how many; `problem` is why it was refused. `total` is 0 until they are counted."""

    id: str
    decision: str
    state: Progress
    done: int
    total: int
    problem: str | None


def progress(row: Correction) -> ProgressEntry:
    """Return how far a correction is."""
    return ProgressEntry(
        id=row.correction_id,
        decision=row.decision,
        state=Progress(row.state),
        done=row.done,
        total=row.total,
        problem=row.problem,
    )
