"""What gunicorn loads: the application for this process's environment."""

import atexit
import os

from inference.app import Parts, create_app, secret_of
from inference.jobs import Jobs
from inference.metrics import Metrics
from inference.modelling import models_in
from inference.starting import OWN_MODELS, allowed_roots, work_folder
from neuronova.contract.settings import read_settings
from neuronova.telemetry.starting import start, telemetry_of

_PLACES = 16  # jobs that wait or run

settings = read_settings(os.environ)
atexit.register(start("inference", telemetry_of(settings)))
metrics = Metrics()
jobs = Jobs(work_folder(settings), queue_limit=_PLACES, metrics=metrics)
app = create_app(
    Parts(
        models=models_in(OWN_MODELS, *([settings.inference_models] if settings.inference_models else [])),
        jobs=jobs,
        metrics=metrics,
        roots=allowed_roots(settings),
        secret=secret_of(settings.inference_secret_file),
    )
)
jobs.start(settings.inference_workers)
