"""How workers of pytest-xdist share the tests: longest first, and together what shares a running platform."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

# Folders whose files share what takes long to start: one worker has them all.
TOGETHER = ("tests/viewer",)

# Files whose tests each start what they use and take long: each test goes to whoever is free.
APART = ("tests/emr/test_random_kills.py", "tests/platform/test_running.py", "tests/plugins/test_encoding.py")

# Folders and files that take over half a minute beside others, the longest first, and last what is handed out test by
# test; the others follow, those of most tests first.
LONGEST = (
    "tests/viewer",
    "tests/proof/test_chaos.py",
    "tests/kills/test_kills.py",
    "tests/ai/test_triggers.py",
    "tests/emr/test_worker.py",
    "tests/kills/test_faults.py",
    "tests/telemetry/test_platform.py",
    "tests/chain/test_chain.py",
    "tests/accounts/test_commands.py",
    "tests/notifications/test_streaming.py",
    "tests/accounts/test_description.py",
    "tests/platform/test_accounts.py",
    "tests/platform/test_processes.py",
    "tests/merging/test_platform.py",
    "tests/chain/test_demo.py",
    "tests/fhir/test_referee.py",
    "tests/inference/test_real_series.py",
    "tests/proof/test_load.py",
    "tests/proof/test_scale.py",
    "tests/compose/test_compose.py",
    "tests/backup/test_platform.py",
    "tests/prefetch/test_fetching.py",
    "tests/prefetch/test_platform.py",
    "tests/backup/test_storage.py",
    "tests/metrics/test_platform.py",
    "tests/retention/test_leaving.py",
    "tests/retention/test_platform.py",
    "tests/emr/test_polling.py",
    "tests/inference/test_tissues.py",
    "tests/imaging/test_platform.py",
    "tests/gate/test_audit.py",
    "tests/platform/test_killing.py",
    "tests/platform/test_coming_back.py",
    "tests/platform/test_gateway.py",
    "tests/imaging/test_correcting.py",
    "tests/reading/test_delivery.py",
    "tests/clients/test_commands.py",
    "tests/jobs/test_killing.py",
    "tests/emr/test_delivery.py",
    "tests/audit/test_commands.py",
    "tests/forwarding/test_delivering.py",
    "tests/hostile/test_dicom.py",
    "tests/mpps/test_modality.py",
    "tests/faults/test_full_disk.py",
    "tests/platform/test_tls.py",
    "tests/forwarding/test_platform.py",
    "tests/jobs/test_platform.py",
    "tests/platform/test_keeping.py",
    "tests/emr/test_neighbour.py",
    "tests/ai/test_chain.py",
    "tests/emr/test_platform.py",
    "tests/worklist/test_modality.py",
    "tests/importing/test_import.py",
    "tests/ai/test_command.py",
    "tests/fhir/test_fuzz.py",
    "tests/jobs/test_delivery.py",
    "tests/emr/test_random_kills.py",
    "tests/platform/test_running.py",
    "tests/plugins/test_encoding.py",
)

# What starts processes for each test, and proves nothing about the database that others do not prove quicker:
# on PostgreSQL, and on SQLite in the long form.
ON_POSTGRESQL = (
    "tests/accounts/test_commands.py",
    "tests/clients/test_commands.py",
    "tests/emr/test_delivery.py",
    "tests/emr/test_neighbour.py",
    "tests/emr/test_polling.py",
    "tests/emr/test_random_kills.py",
    "tests/emr/test_worker.py",
    "tests/forwarding/test_delivering.py",
    "tests/notifications/test_streaming.py",
    "tests/platform/test_accounts.py",
    "tests/prefetch/test_fetching.py",
    "tests/reading/test_delivery.py",
    "tests/retention/test_leaving.py",
)


def is_long(nodeid: str) -> bool:
    """Tell whether a test is left to the long form for the database that it runs on."""
    file, _, test = nodeid.partition("::")
    return file in ON_POSTGRESQL and "sqlite" in re.split(r"[\[\]-]", test)


def unit_of(nodeid: str) -> str:
    """Return what a test is handed out with: its folder, its file, or itself."""
    file = nodeid.partition("::")[0]
    folder = file.rpartition("/")[0]
    if folder in TOGETHER:
        return folder
    return nodeid if file in APART else file


def rank(nodeid: str, counts: Mapping[str, int]) -> tuple[int, int]:
    """Return where a test stands in the order of all; `counts` are how many tests each unit has."""
    unit = unit_of(nodeid)
    known = [LONGEST.index(one) for one in (unit, nodeid.partition("::")[0]) if one in LONGEST]
    return min(known, default=len(LONGEST)), -counts[unit]


def put_in_order(items: list[pytest.Item]) -> None:
    """Sort what was collected by rank; tests of one unit keep their order, and stay together."""
    counts = Counter(unit_of(one.nodeid) for one in items)
    firsts = {unit: number for number, unit in enumerate(counts)}
    items.sort(key=lambda one: (*rank(one.nodeid, counts), firsts[unit_of(one.nodeid)]))


class Sharing(LoadScopeScheduling):  # type: ignore[misc]
    """Hands out units in the order in which they were collected."""

    def __init__(self, config: pytest.Config, log: Any = None) -> None:
        super().__init__(config, log)
        config.option.loadscopereorder = False

    def _split_scope(self, nodeid: str) -> str:
        return unit_of(nodeid)
