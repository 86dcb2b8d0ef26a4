"""What the plugin says of itself."""

from __future__ import annotations

from typing import Any

from orthanc_plugins.journal import Journal
from orthanc_plugins.processes import Crew


def encoding_state(journal: Journal, crew: Crew, now: float) -> dict[str, Any]:
    """Return the state of the encode workers, the backlog, and the outcomes by reason; ages in seconds."""
    running, wanted = crew.encoders()
    backlog, oldest = journal.waiting()
    return {
        "status": "ok" if running == wanted else "degraded",
        "workers": running,
        "workers_wanted": wanted,
        "backlog": backlog,
        "oldest_age": None if oldest is None else round(now - oldest, 3),
        "outcomes": journal.report(),
    }
