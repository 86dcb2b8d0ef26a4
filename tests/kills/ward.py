"""A platform with a model that can be held, whose parts are frozen and killed, and what it made of a series."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import requests
from pydicom import Dataset

from cdss_api.jobs.masks import folder_of
from cdss_api.results.resources import report_id
from tests.inference.service import slices
from tests.jobs.hospital import is_let_in
from tests.patience import PATIENCE
from tests.running import Platform, running_platform
from tests.server import Server, until
from tests.signals import frozen, kill

OWN_MODELS = Path(__file__).parent / "models"
COUNT = 12  # images of a series
TITLES = {
    "orthanc": "orthanc.json",
    "judging": 'orthanc_plugins.workers.lane {"name": "judge"',
    "api": "cdss_api.wsgi",
    "worker": "cdss_api.worker",
    "inference": "inference.wsgi",
    "model": "inference.child",
    "everything": "",
}
RULES = """
rules:
  - {name: held, model: test-held, conditions: [{all: Modality, equals: CT}]}
"""


@dataclass
class Ward:
    """A started platform; `folder` holds its data, its models and the file that holds a model."""

    platform: Platform
    folder: Path

    @property
    def held(self) -> Path:
        return self.folder / "held"

    @property
    def data(self) -> Path:
        return self.platform.settings.data

    def send(self, images: Sequence[Dataset]) -> None:
        """Send as a modality that tries until it is let in."""
        until(lambda: is_let_in(self.platform, "MODALITY"), "the modality is let in")
        Server(self.platform.settings).send(*images)

    def get(self, path: str) -> requests.Response:
        """Ask as the admin."""
        return self.platform.get(path)

    def pids(self, part: str) -> list[int]:
        return [pid for pid, command in self.platform.pids().items() if TITLES[part] in command]

    def kill(self, part: str) -> None:
        """Kill all processes of a part at once; where that is all of them, start the platform again."""
        found = self.pids(part)
        assert found, f"no process of {part}"
        kill(found)
        if part == "everything":
            self.platform.process.wait(PATIENCE)
            until(lambda: not self.platform.left(), "nothing is left of the platform")
            self.platform.start_again()

    def frozen(self, part: str) -> AbstractContextManager[None]:
        """Stop a part for the length of a block, so that it answers nothing and does nothing."""
        return frozen(self.pids(part))

    def rows(self, query: str, *values: Any, of: str = "api/neuronova.db") -> list[tuple[Any, ...]]:
        """Read from one of the platform's databases."""
        with closing(sqlite3.connect(f"file:{self.data / of}?mode=ro", uri=True, timeout=PATIENCE)) as db:
            return db.execute(query, values).fetchall()


@dataclass
class Case:
    """A series on its way; `described` is its description, `counted` whether its images tell how many they are."""

    ward: Ward
    name: str
    described: str = "held"
    counted: bool = True  # so that it is not judged before it is whole
    images: list[Dataset] = field(default_factory=list)

    def __post_init__(self) -> None:
        values = np.full((COUNT, 16, 16), 30, np.int16)
        said: dict[str, Any] = {"ImagesInAcquisition": COUNT, "AcquisitionNumber": 1} if self.counted else {}
        said["SeriesDescription"] = self.described
        self.images = self.images or slices(self.name, values, spacing=(2.0, 1.0, 1.0), modality="CT", **said)

    @property
    def study(self) -> str:
        return str(self.images[0].StudyInstanceUID)

    @property
    def series(self) -> str:
        return str(self.images[0].SeriesInstanceUID)

    def jobs(self) -> list[dict[str, Any]]:
        columns = ("number", "job_key", "state", "reason", "started_at", "run", "attempts", "input_hash")
        found = self.ward.rows(f"SELECT {', '.join(columns)} FROM job WHERE series = ? ORDER BY number", self.series)
        return [dict(zip(columns, one, strict=True)) for one in found]

    def until_state(self, state: str) -> dict[str, Any]:
        until(lambda: [one["state"] for one in self.jobs()][-1:] == [state], f"{self.name} is {state}")
        return self.jobs()[-1]

    def is_to_be_told(self) -> bool:
        """Tell whether the rules have judged it and the API does not know."""
        told = self.ward.rows("SELECT body FROM outgoing", of="journal/series.db")
        return any(self.series in body for (body,) in told)

    def mask(self) -> Path:
        return folder_of(self.ward.data) / f"{self.jobs()[-1]['job_key']}.npz"

    def results(self) -> list[dict[str, Any]]:
        columns = ("job_key", "published_at", "withdrawn_at", "imaging_study", "segmentation_uid", "measurements_uid")
        names = (*columns, "text_uid")
        found = self.ward.rows(f"SELECT {', '.join(names)} FROM result WHERE series = ?", self.series)
        return [dict(zip(names, one, strict=True)) for one in found]

    def stored(self) -> list[str]:
        """Return the SOPInstanceUIDs that Orthanc has of the study."""
        answer = self.ward.get(f"/dicom-web/studies/{self.study}/instances")
        return [one["00080018"]["Value"][0] for one in answer.json()] if answer.status_code == 200 else []

    def reports(self) -> list[dict[str, Any]]:
        """Return the DiagnosticReports of the study in the record."""
        (known,) = {one["imaging_study"] for one in self.results()}
        answer = self.ward.get("/api/v1/fhir/DiagnosticReport?_count=200")
        every = [one["resource"] for one in answer.json().get("entry", ())]
        return [one for one in every if f"ImagingStudy/{known}" in json.dumps(one.get("imagingStudy", ""))]

    def assert_ended_once(self, jobs: int = 1) -> None:
        """Wait for the end; compare what there is with one job, one set of objects, one report."""
        until(self.ward.platform.healthy, "the platform is well")
        job = self.until_state("succeeded")
        assert len(self.jobs()) == jobs, self.jobs()
        until(self.reports, f"the report of {self.name}")
        # Another result of the series is withdrawn at one of the worker's next turns.
        (result,) = until(lambda: len(found := self._valid()) == 1 and found, f"one result of {self.name} is valid")
        assert result["job_key"] == job["job_key"]
        assert result["published_at"] is not None
        ours = [result[name] for name in ("segmentation_uid", "measurements_uid", "text_uid")]
        stored = sorted(self.stored())
        if jobs == 1:
            assert stored == sorted([*ours, *(str(one.SOPInstanceUID) for one in self.images)])
            assert [one["id"] for one in self.reports()] == [report_id(job["job_key"])]
        assert self.mask().is_file()
        until(lambda: not self._waiting(), f"nothing of {self.name} waits")
        assert not self.is_to_be_told()

    def _valid(self) -> list[dict[str, Any]]:
        return [one for one in self.results() if one["withdrawn_at"] is None]

    def _waiting(self) -> list[tuple[Any, ...]]:
        query = (
            "SELECT m.number, m.state FROM outbox_message m JOIN outbox_stream s ON s.number = m.stream"
            " WHERE s.target = 'inference' AND m.state <> 'completed'"
        )
        return self.ward.rows(query)


def settings_in(folder: Path, rules: str = RULES, models: Sequence[Path] = (OWN_MODELS,)) -> dict[str, str]:
    """Return settings for these rules and folders of models, which are copied to `folder`."""
    for one in models:
        shutil.copytree(one, folder / "models", dirs_exist_ok=True)
    (folder / "rules.yaml").write_text(rules)
    return {
        "NEURONOVA_AI_RULES": str(folder / "rules.yaml"),
        "NEURONOVA_AI_QUIET_SECONDS": "1",
        "NEURONOVA_INFERENCE_MODELS": str(folder / "models"),
    }


@contextmanager
def started(folder: Path, rules: str = RULES, models: Sequence[Path] = (OWN_MODELS,)) -> Iterator[Ward]:
    """Run a platform with these rules and folders of models; it has those that come with it as well."""
    with running_platform(folder / "data", **settings_in(folder, rules, models)) as platform:
        platform.bearer()
        platform.allow("MODALITY")
        yield Ward(platform, folder)
