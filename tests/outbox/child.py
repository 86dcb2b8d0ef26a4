"""A worker in a process of its own, which stops at one point of its first message until it is told to go on.

Run as `python -m tests.outbox.child SETTINGS URL POINT LEASE`, with the settings as JSON; a lease is renewed at
each tenth of its length.
"""

from __future__ import annotations

import json
import sys
import time

from sqlalchemy import event
from sqlalchemy.orm import Session

from cdss_api.database import open_database
from cdss_api.outbox.delivery import Delivery
from cdss_api.outbox.enqueueing import enqueue
from cdss_api.outbox.verdicts import Outcome, Verdict
from cdss_api.outbox.waits import Policy
from cdss_api.outbox.worker import Worker
from neuronova.contract.settings import read_settings
from tests.outbox.receiver import post


def main(variables: str, url: str, point: str, lease: str) -> None:
    database = open_database(read_settings(json.loads(variables)))
    sent: list[int] = []

    def reach(here: str) -> None:
        if here == point:
            print(here, flush=True)
            sys.stdin.readline()

    def deliver(delivery: Delivery, /, *, renew: bool) -> Outcome:
        reach("before send")
        outcome = post(url, delivery)
        sent.append(delivery.number)
        reach("after send")
        # Whoever stops it here wants to see that what it says too late is not heard.
        return Outcome(Verdict.PERMANENT) if point == "after send" else outcome

    def before_commit(_: Session) -> None:
        if sent:
            reach("before commit")

    event.listen(Session, "before_commit", before_commit)
    if point == "enqueued":
        with database.writing() as session:
            enqueue(session, target="emr", aggregate="a", kind="k", payload="unborn", now=time.time())
            reach("enqueued")
    policy = Policy(lease=float(lease), renewal=float(lease) / 10)
    Worker(database, deliver, time.time, lambda: 0.0, policy).step()
    print("settled", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
