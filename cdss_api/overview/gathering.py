"""How everything stands, from the functions that the single pages show it by; nothing in it says who a patient is."""

from __future__ import annotations

import shutil
from collections import Counter
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import and_, select
from sqlalchemy.orm import Session

from cdss_api.fhir.models import Resource, Version
from cdss_api.imaging.mismatches import held
from cdss_api.jobs.overview import standing
from cdss_api.outbox.depths import depth_of
from cdss_api.reading.waiting import unreported

DAYS = 14
_MICROS = 1_000_000
_SHOWN = ("target", "own", "profile", "paused", "waiting", "dead", "oldest_seconds", "breaker")


def counted(session: Session, now: float, zone: timedelta) -> dict[str, Any]:
    """Return what the database says at `now` (seconds since 1970, UTC), days being those of the offset `zone`."""
    return {
        "days": received(session, now, zone),
        "unreported": unreported(session, now),
        "held": held(session),
        "jobs": [{"state": one["state"], "count": one["count"]} for one in standing(session, now)],
        "targets": [{name: getattr(one, name) for name in _SHOWN} for one in depth_of(session, now)],
    }


def received(session: Session, now: float, zone: timedelta) -> list[dict[str, Any]]:
    """Return how many studies came on each of the last days, the oldest first and today last."""
    today = (datetime.fromtimestamp(now, UTC) + zone).date()
    days = [today - timedelta(days=back) for back in range(DAYS - 1, -1, -1)]
    midnight = datetime.combine(days[0], time(), UTC) - zone
    first = Version.updated
    since = int(midnight.timestamp()) * _MICROS
    came = (
        select(first)
        .join(Resource, and_(Resource.number == Version.number, Version.version == 1))
        # What came since has changed since, too: an index has that, and none has first versions.
        .where(Resource.kind == "ImagingStudy", Resource.updated >= since, first >= since)
    )
    found = Counter((datetime.fromtimestamp(micros / _MICROS, UTC) + zone).date() for micros in session.scalars(came))
    return [{"day": day.isoformat(), "studies": found[day]} for day in days]


def disk(folder: Path) -> dict[str, int]:
    """Return size and free bytes of the data folder's disk."""
    usage = shutil.disk_usage(folder)
    return {"bytes": usage.total, "free_bytes": usage.free}
