"""What a worker is told at its start, and what it is to the machine."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass

from neuronova.telemetry.starting import Telemetry, start

SECRET_VARIABLE = "NEURONOVA_WORKER_SECRET"  # noqa: S105 - a name


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """Where a worker finds Orthanc, its storage area (None where that is not a filesystem) and the journal."""

    name: str
    number: int  # of its Orthanc, from 1
    orthanc_url: str
    storage: str
    journal: str
    arrivals: str
    scratch: str
    received: str
    reserve: int  # bytes that stay free where Orthanc keeps its files
    telemetry: Telemetry
    channel: int | None = None  # descriptor of the socket on which a lane is asked

    def argument(self) -> str:
        """Return the command-line argument from which `from_argument` makes this same object."""
        return json.dumps(asdict(self))

    @classmethod
    def from_argument(cls, text: str) -> Surroundings:
        """Read what `argument` wrote."""
        fields = json.loads(text)
        return cls(**fields | {"telemetry": Telemetry(**fields["telemetry"])})


def worker_secret() -> str:
    """Return what a worker shows Orthanc to be let in; only the plugin that started it knows it too."""
    return os.environ[SECRET_VARIABLE]


def set_up_process(surroundings: Surroundings) -> None:
    """Log to standard error, which is Orthanc's own log; such a process is killed, and its last spans with it."""
    start(surroundings.name, surroundings.telemetry)


def give_way() -> None:
    """Run when others leave the processor free, and else a little: each who works has ten times as much.

    Not at idle priority (`SCHED_IDLE`): on a machine that is busy for hours it gives so little that what waits grows
    old, and whoever waits for a lock that such a process holds waits with it.
    """
    os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))  # whoever wakes up comes first
    os.nice(10)
