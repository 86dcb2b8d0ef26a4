"""The worker's process, killed at each stage of asking a service, on both databases: the job ends once all the same.

What follows a result, which needs an archive, is killed in `tests/kills`.
"""

from __future__ import annotations

import threading
import time
from urllib.parse import urlsplit

import pytest

from cdss_api.jobs.masks import folder_of
from cdss_api.outbox.claiming import reclaim
from tests.accounts.api import Api
from tests.jobs.judging import jobs, judged, tell
from tests.jobs.speaking import speaking
from tests.jobs.working import Bench
from tests.server import until
from tests.worker import worker

# A request at which the worker is killed, and whether before or after it is answered.
STAGES = {
    "asked-and-not-answered": ("POST", "", False),
    "asked-and-answered": ("POST", "", True),
    "looked-and-not-answered": ("GET", "", False),
    "looked-and-answered": ("GET", "", True),
}


@pytest.mark.parametrize("stage", STAGES)
def test_a_job_ends_once_whenever_its_worker_is_killed(api: Api, variables: dict[str, str], stage: str) -> None:
    method, end, answered = STAGES[stage]
    reached, go_on = threading.Event(), threading.Event()
    with speaking() as spoken:
        bench = Bench(api, spoken)

        def stop_there(asked: str, path: str) -> None:
            if asked == method and path.endswith(end) and path != "/models" and not reached.is_set():
                reached.set()
                if not answered:
                    go_on.wait(30)

        spoken.err = stop_there
        spoken.status, spoken.reason = "not_evaluable", "wrong_modality"
        api.clock.time = time.time()
        tell(api, judged())
        ours = variables | {"NEURONOVA_INFERENCE_PORT": str(urlsplit(spoken.url).port)}
        with worker(ours) as process:
            assert reached.wait(60)
            process.kill()
            process.wait()
        go_on.set()
        with api.service.database.writing() as session:
            reclaim(session, time.time())  # as the lease would end by itself
        with worker(ours):
            until(lambda: bench.ended()[0] == "not_evaluable", "the end of the job")
            until(lambda: [state for state, _ in bench.messages()] == ["completed"], "the end of its message")
        (job,) = jobs(api)
        assert (job.run, job.reason) == (1, "wrong_modality")
        assert len(spoken.known) == 1
        assert not folder_of(api.service.settings.data).exists()
