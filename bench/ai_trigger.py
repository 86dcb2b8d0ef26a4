"""From the moment at which a modality has the answer to its last slice to the moment at which the job is queued."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from bench.report import Result, Row
from tests.jobs.hospital import ended, stored_head
from tests.running import Platform, running_platform
from tests.server import until

QUIET = (0.5, 2.0, 5.0)  # seconds
LIMIT = 1.0  # seconds beyond the quiet time
_RULES = """
rules:
  - name: any-ct
    model: ct-hyperdensity
    conditions: [{all: Modality, equals: CT}]
"""


def trigger(rounds: int) -> Iterator[Result]:
    """Yield a row for each quiet time; every round stores a head CT of 32 slices on a whole platform."""
    for quiet in QUIET:
        with TemporaryDirectory(prefix="nna") as folder:
            rules = Path(folder) / "rules.yaml"
            rules.write_text(_RULES)
            settings = {"NEURONOVA_AI_RULES": str(rules), "NEURONOVA_AI_QUIET_SECONDS": f"{quiet:g}"}
            with running_platform(Path(folder) / "data", **settings) as platform:
                platform.token = platform.login()["access_token"]
                taken = [_seconds(platform, f"bench-{number}") for number in range(rounds)]
        late = median(taken) - quiet
        yield Row(
            what=f"AI: last slice stored to job queued, quiet time of {quiet:g} s left out",
            against=f"{LIMIT:g} s",
            ours=late,
            peer=LIMIT,
            unit="s",
            ratio=late / LIMIT,
            target=1.0,
            at_most=True,
            note=f"(with it {median(taken):.2f} s; the slowest of {len(taken)}: {max(taken):.2f} s)",
        )


def _seconds(platform: Platform, name: str) -> float:
    """Store a series; return how long after its last slice its job was written down."""
    images = stored_head(platform, name)
    stored = time.time()
    series = str(images[0].SeriesInstanceUID)

    def made() -> float | None:
        jobs = platform.get("/api/v1/jobs").json()["jobs"]
        return next((float(one["created_at"]) for one in jobs if one["series"] == series), None)

    at: float = until(made, "the job is queued", 60)
    ended(platform, series, 120)  # the next round is not to find the machine at work
    return at - stored
