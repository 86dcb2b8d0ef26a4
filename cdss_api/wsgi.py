"""What each process of gunicorn's loads: the application for its environment."""

import atexit
import os
import signal
import sys
import threading
import time
from types import FrameType

from cdss_api.app import create_app
from cdss_api.audit.journals import open_free_journal
from cdss_api.audit.recording import recorder
from cdss_api.metrics.shared import share_counts
from cdss_api.mpps.serving import listen
from cdss_api.present import say_present
from cdss_api.starting import open_service
from neuronova.audit.access import AccessRecorder
from neuronova.contract.settings import read_settings
from neuronova.heap import trim_regularly
from neuronova.telemetry.starting import start, telemetry_of

# Many threads want the interpreter for a moment each: with the 5 ms that one may keep it, a request of forty queries
# waits for each of them, and whoever waits holds the database.
sys.setswitchinterval(0.0005)
settings = read_settings(os.environ)
atexit.register(start("api", telemetry_of(settings)))
journal = open_free_journal(settings, "api")
share_counts(settings, journal.writer)
accesses = AccessRecorder(journal, time.time)
service = open_service(settings, record=recorder(journal), accesses=accesses)
app = create_app(service)
accesses.start()
trim_regularly()
atexit.register(accesses.close)
mpps = threading.Thread(target=listen, args=(service,), name="mpps-listener", daemon=True)
mpps.start()


@atexit.register
def _stop_listening() -> None:
    service.stopping.set()
    mpps.join()


_ended_by = signal.getsignal(signal.SIGTERM)


def _stop(number: int, frame: FrameType | None) -> None:
    # Long polls answer at once, or gunicorn would wait for them.
    service.stopping.set()
    if callable(_ended_by):
        _ended_by(number, frame)


signal.signal(signal.SIGTERM, _stop)
say_present(settings, journal.writer)
