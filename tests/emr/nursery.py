"""A process that has everything loaded and forks a worker for each line that it reads: a start costs milliseconds.

Run as `python -m tests.emr.nursery SETTINGS`, with the settings as JSON. It answers each line with the worker's process
id. Workers wait for fractions of a second where the platform's wait for minutes, and no number of attempts is too many:
that those are counted is proven elsewhere.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time

from sqlalchemy.orm import configure_mappers

from cdss_api.database import open_database
from cdss_api.fhir.definitions import parameters
from cdss_api.outbox.crew import Crew
from cdss_api.outbox.waits import Policy
from neuronova.contract.settings import read_settings

POLICY = Policy(attempts=10**6, first_wait=0.05, target_wait=0.05, first_pause=0.05, longest_pause=0.1)


def main(variables: str) -> None:
    settings = read_settings(json.loads(variables))
    configure_mappers()
    parameters()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel buries the killed
    for _ in sys.stdin:
        child = os.fork()
        if child == 0:
            try:
                database = open_database(settings)
                Crew(database, settings.data, time.time, "a", settings.outbox_days, POLICY).run(threading.Event())
            finally:
                os._exit(1)
        print(child, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
