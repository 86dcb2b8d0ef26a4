"""A head CT's job from the rule to its result, by the platform's own worker and by a site's Celery."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from tests import postgres
from tests.databases import named
from tests.jobs.hospital import ended, mask_of, stored_head, tell_of
from tests.outbox.test_celery import broker, celery
from tests.running import running_platform, start

__all__ = ["broker"]


def test_a_job_ends_with_its_result_by_the_platforms_own_worker() -> None:
    with TemporaryDirectory(prefix="nn") as folder, running_platform(Path(folder) / "data") as platform:
        series = tell_of(platform, stored_head(platform, "jobs"))
        job = ended(platform, series)
        assert (job["state"], job["reason"], job["attempts"]) == ("succeeded", None, 1), job
        assert 0 < job["seconds"] < 60
        assert mask_of(platform, job) == (32, 160, 160)
        result = platform.get(f"/api/v1/jobs/{job['id']}").json()["result"]
        assert (result["model"]["digest"], len(result["findings"])) == (job["digest"], 1)


def test_a_job_ends_with_its_result_by_celery(postgres_address: str, broker: str, tmp_path: Path) -> None:
    postgres.execute(postgres_address, "CREATE DATABASE jobs_by_celery TEMPLATE template_neuronova")
    more = {"DATABASE_URL": named(postgres_address, "jobs_by_celery"), "BROKER_URL": broker}
    variables = {f"NEURONOVA_{name}": value for name, value in more.items()}
    with TemporaryDirectory(prefix="nn") as folder, ExitStack() as ending:
        platform = start(Path(folder) / "data", **variables)
        ending.callback(platform.stop)
        ours = {name: value for name, value in platform.environment.items() if name.startswith("NEURONOVA_")}
        ending.enter_context(celery(ours, tmp_path))
        platform.until_up()
        series = tell_of(platform, stored_head(platform, "celery"))
        job = ended(platform, series)
        assert (job["state"], job["attempts"]) == ("succeeded", 1), job
        assert mask_of(platform, job) == (32, 160, 160)
