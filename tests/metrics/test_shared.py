"""Counts of several processes: added up, and gone on with by who comes after."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from cdss_api.metrics.shared import forget_counts
from neuronova.contract.settings import read_settings

# A process of its own, for the library is told once where it counts.
COUNTING = """
import sys
from prometheus_client import CollectorRegistry, Histogram, generate_latest
from cdss_api.metrics.shared import registry_of_counts, share_counts
from neuronova.contract.settings import read_settings

data, place, times = sys.argv[1:]
share_counts(read_settings({"NEURONOVA_DATA": data}), place)
told = CollectorRegistry()
seconds = Histogram("seconds", "Meaning", ["route"], buckets=[1.0], registry=registry_of_counts(told))
for _ in range(int(times)):
    seconds.labels("/a").observe(0.5)
sys.stdout.write(generate_latest(told).decode())
"""


def told_by(data: Path, place: str, times: int) -> dict[str, float]:
    """Have a process count, and return what it tells of all."""
    words = [sys.executable, "-c", COUNTING, str(data), place, str(times)]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    [family] = text_string_to_metric_families(done.stdout)
    assert (family.name, family.type, family.documentation) == ("seconds", "histogram", "Meaning")
    assert {sample.labels["route"] for sample in family.samples} == {"/a"}
    return {sample.name + sample.labels.get("le", ""): sample.value for sample in family.samples}


def test_counts_are_added_up_and_never_fall(tmp_path: Path) -> None:
    assert told_by(tmp_path, "api", 3)["seconds_count"] == 3
    assert told_by(tmp_path, "api-2", 4)["seconds_count"] == 7
    found = told_by(tmp_path, "api", 1)
    assert found == {"seconds_count": 8, "seconds_sum": 4, "seconds_bucket1.0": 8, "seconds_bucket+Inf": 8}
    files = list((tmp_path / "run" / "counts").iterdir())
    assert len(files) == 2
    # A hole could not be filled on a full disk, and whoever writes into it is killed.
    assert all(file.stat().st_blocks * 512 >= file.stat().st_size >= 8 << 20 for file in files)


def test_another_version_begins_anew(tmp_path: Path) -> None:
    told_by(tmp_path, "api", 3)
    forget_counts(read_settings({"NEURONOVA_DATA": str(tmp_path)}))
    assert told_by(tmp_path, "api-2", 1)["seconds_count"] == 1
