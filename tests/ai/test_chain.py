"""A modality sends a head CT to a whole platform: its job comes about by itself."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from tests.jobs.hospital import ended, stored_head
from tests.running import running_platform
from tests.server import until

RULES = """
rules:
  - name: any-ct
    model: ct-hyperdensity
    conditions: [{all: Modality, equals: CT}]
"""


def test_a_series_that_is_sent_ends_as_a_result() -> None:
    with TemporaryDirectory(prefix="nn") as folder:
        rules = Path(folder) / "rules.yaml"
        rules.write_text(RULES)
        settings = {"NEURONOVA_AI_RULES": str(rules), "NEURONOVA_AI_QUIET_SECONDS": "1"}
        with running_platform(Path(folder) / "data", **settings) as platform:
            images = stored_head(platform, "trigger")
            platform.bearer()
            series = str(images[0].SeriesInstanceUID)
            until(lambda: platform.get("/api/v1/jobs").json()["jobs"], "the job is queued")
            job = ended(platform, series)
            assert (job["state"], job["rule"], job["reason"]) == ("succeeded", "any-ct", None), job
