"""Two processes of the API on PostgreSQL: what they share, what becomes of one that is killed, a rolling restart."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families
from pydicom.uid import generate_uid

from cdss_api.present import present
from neuronova.audit.reading import Reader
from neuronova.audit.trail import Trail
from tests import postgres
from tests.databases import named
from tests.mpps.telling import STATION, associated, change, create, creation, end
from tests.patience import PATIENCE
from tests.platform.steady import ASKING, LOGIN, load, log_in
from tests.running import ADMIN_PASSWORD, Platform, running_platform
from tests.server import until


@pytest.fixture(scope="module")
def platform(postgres_address: str) -> Iterator[Platform]:
    postgres.execute(postgres_address, "CREATE DATABASE processes TEMPLATE template_neuronova STRATEGY FILE_COPY")
    several = {"NEURONOVA_API_PROCESSES": "2", "NEURONOVA_DATABASE_URL": named(postgres_address, "processes")}
    with TemporaryDirectory(prefix="nn") as folder, running_platform(Path(folder) / "data", **several) as running:
        until(lambda: len(present(running.settings)) == 2, "both processes answer")
        running.bearer()
        running.allow(STATION, "mpps")
        yield running


def at_once(count: int, ask: Callable[[], int]) -> Counter[int]:
    """Return how often each status was answered to questions asked at the same time."""
    begin = threading.Barrier(count)

    def asked(_: int) -> int:
        begin.wait()
        return ask()

    with ThreadPoolExecutor(count) as threads:
        return Counter(threads.map(asked, range(count)))


def logins_recorded(platform: Platform) -> dict[str, int]:
    """Return how many logins, refused ones too, each process recorded."""
    found = {}
    for file in Trail(platform.settings.data).journals():
        if file.stem.startswith("api"):
            with Reader(file) as reader:
                found[reader.writer] = sum(json.loads(one.event)["action"] == "login" for one in reader.entries())
    return found


def logins_counted(platform: Platform) -> float:
    """Return how many requests for a login Prometheus is told of."""
    key = platform.settings.metrics_key_file.read_text()
    answer = requests.get(f"{platform.url}/metrics/api", headers={"Authorization": f"Bearer {key}"}, timeout=PATIENCE)
    return sum(
        sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
        if sample.name == "neuronova_api_request_seconds_count" and sample.labels["route"] == LOGIN
    )


def mpps_process(platform: Platform) -> int | None:
    """Return the process that listens to modalities, if one does: who holds the lock (proc(5), /proc/locks)."""
    inode = (platform.settings.data / "api" / "mpps.lock").stat().st_ino
    lines = [line.split() for line in Path("/proc/locks").read_text().splitlines()]
    return next((int(words[4]) for words in lines if words[1] == "FLOCK" and words[5].endswith(f":{inode}")), None)


def test_both_answer_and_count_together(platform: Platform) -> None:
    recorded, counted, asked = logins_recorded(platform), logins_counted(platform), 0

    def both_answered() -> bool:
        nonlocal asked
        assert at_once(8, lambda: log_in(platform, ADMIN_PASSWORD)) == {200: 8}
        asked += 8
        found = logins_recorded(platform)
        return all(found.get(writer, 0) > recorded.get(writer, 0) for writer in ("api", "api-2"))

    until(both_answered, "both processes answer, whoever is free")
    assert logins_counted(platform) == counted + asked


def test_one_may_guess_no_more_often(platform: Platform) -> None:
    platform.add_user("kim", "radiologist")
    found = at_once(24, lambda: log_in(platform, "wrong", "kim"))
    assert found[401] <= 10
    assert found[401] + found[429] == 24
    for _ in range(10 - found[401]):
        assert log_in(platform, "wrong", "kim") == 401
    assert {log_in(platform, ADMIN_PASSWORD, "kim") for _ in range(8)} == {429}
    assert log_in(platform, ADMIN_PASSWORD) == 200


def test_a_killed_process_takes_only_what_it_held(platform: Platform) -> None:
    uid, killed, counted = generate_uid(), mpps_process(platform), logins_counted(platform)
    assert killed
    with associated(platform.settings) as association:
        assert create(association, uid, creation()).Status == 0
    with load(platform) as asked:
        at = time.monotonic()
        os.kill(killed, signal.SIGKILL)
        until(lambda: mpps_process(platform) not in (None, killed), "another process listens to modalities")
        asked.go_on()
        until(lambda: len(present(platform.settings) - {killed}) == 2, "another process has come")
        asked.go_on()
    failed = asked.failed()
    assert len(failed) <= ASKING
    assert all(began < at + 1 for began, _ in failed)
    assert logins_counted(platform) > counted
    with associated(platform.settings) as association:
        assert change(association, uid, end()).Status == 0


def test_a_rolling_restart_drops_no_request(platform: Platform) -> None:
    before, counted = present(platform.settings), logins_counted(platform)
    assert len(before) == 2
    with load(platform) as asked:
        assert "2 of 2 replaced" in platform.command("restart-api")
        asked.go_on()
    assert asked.failed() == []
    after = present(platform.settings)
    assert len(after) == 2
    assert not after & before
    assert logins_counted(platform) > counted
    assert mpps_process(platform) in after
    with associated(platform.settings) as association:
        assert create(association, generate_uid(), creation()).Status == 0


def test_the_audit_trail_of_all_of_them_is_whole(platform: Platform) -> None:
    assert "api-2" in platform.command("audit", "verify")
