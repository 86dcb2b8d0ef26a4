"""A process that drains as Celery's do, and stops in its first delivery until it is told to go on.

Run as `python -m tests.outbox.drainer SETTINGS LEASE`, with the settings as JSON.
"""

from __future__ import annotations

import json
import sys
import time

from cdss_api.database import open_database
from cdss_api.outbox.delivery import Delivery
from cdss_api.outbox.draining import Drains
from cdss_api.outbox.verdicts import Outcome, Verdict
from cdss_api.outbox.waits import Policy
from neuronova.contract.settings import read_settings


def main(variables: str, lease: str) -> None:
    settings = read_settings(json.loads(variables))

    def deliver(delivery: Delivery, /, *, renew: bool) -> Outcome:
        print("delivering", flush=True)
        sys.stdin.readline()
        # Whoever stops it here wants to see that what it says too late is not heard.
        return Outcome(Verdict.PERMANENT)

    policy = Policy(lease=float(lease), renewal=float(lease) / 10)
    begun = Drains(open_database(settings), settings.data, time.time, {"inference": deliver}, policy).drain("inference")
    print(begun, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
