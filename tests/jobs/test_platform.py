"""A head CT's job from the rule to its result, by the platform's own worker and by a site's Celery."""

from __future__ import annotations

import shutil
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from cdss_api.jobs.masks import folder_of
from tests import postgres
from tests.databases import named
from tests.jobs.hospital import ended, mask_of, stored_head, tell_of
from tests.outbox.test_celery import broker, celery
from tests.running import running_platform, start
from tests.server import until
from tests.wire import Wire, to_port

__all__ = ["broker"]


def test_a_job_ends_with_its_result_by_the_platforms_own_worker() -> None:
    with TemporaryDirectory(prefix="nn") as folder, running_platform(Path(folder) / "data") as platform:
        series = tell_of(platform, stored_head(platform, "jobs"))
        job = ended(platform, series)
        assert (job["state"], job["reason"], job["attempts"]) == ("succeeded", None, 1), job
        assert 0 < job["seconds"] < 60
        assert mask_of(platform.settings.data, job) == (32, 160, 160)
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
        assert mask_of(platform.settings.data, job) == (32, 160, 160)


def test_a_job_ends_with_its_result_by_a_celery_that_has_neither_the_data_folder_nor_the_ports(
    postgres_address: str, broker: str, tmp_path: Path
) -> None:
    """It has three kinds of keys and four addresses; what leads to the platform's loopback is on 127.0.0.2."""
    postgres.execute(postgres_address, "CREATE DATABASE jobs_elsewhere TEMPLATE template_neuronova")
    shared = {
        "NEURONOVA_DATABASE_URL": named(postgres_address, "jobs_elsewhere"),
        "NEURONOVA_BROKER_URL": broker,
    }
    with TemporaryDirectory(prefix="nn") as folder, ExitStack() as ending:
        platform = start(Path(folder) / "data", **shared)
        ending.callback(platform.stop)
        ours, data = platform.settings, tmp_path / "elsewhere"
        signing = ours.data / "keys" / "signing"
        until(lambda: any(signing.glob("*.pem")), "the platform's keys")
        shutil.copytree(signing, data / "keys" / "signing")
        shutil.copy(ours.inference_secret_file, data / "keys")
        orthanc, inference = (
            Wire(to_port(port), host="127.0.0.2") for port in (ours.orthanc_port, ours.inference_port)
        )
        ending.callback(orthanc.close)
        ending.callback(inference.close)
        theirs = {
            "NEURONOVA_DATA": str(data),
            "NEURONOVA_ORTHANC_PORT": str(ours.orthanc_port),  # as the inference service reaches it
            "NEURONOVA_ORTHANC_URL": f"http://127.0.0.2:{orthanc.port}",
            "NEURONOVA_INFERENCE_URL": f"http://127.0.0.2:{inference.port}",
        }
        ending.enter_context(celery(shared | theirs, tmp_path))
        platform.until_up()
        job = ended(platform, tell_of(platform, stored_head(platform, "elsewhere")))
        assert (job["state"], job["attempts"]) == ("succeeded", 1), job
        assert mask_of(data, job) == (32, 160, 160)
        assert not folder_of(ours.data).exists()
        # Asked for, looked at, and its mask; the series' metadata and what was stored.
        assert inference.connections >= 3
        assert orthanc.connections >= 2
