"""What a worker is told at its start, and what it is to the machine."""

from __future__ import annotations

import json
import logging
import os
import sys
from dataclasses import asdict, dataclass

SECRET_VARIABLE = "NEURONOVA_WORKER_SECRET"  # noqa: S105 - a name


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """Where a worker finds Orthanc, its storage area (None where that is not a filesystem) and the journal."""

    name: str
    orthanc_url: str
    storage: str
    journal: str
    scratch: str
    received: str
    reserve: int  # bytes that stay free where Orthanc keeps its files
    log_level: str
    channel: int | None = None  # descriptor of the socket on which a lane is asked

    def argument(self) -> str:
        """Return the command-line argument from which `from_argument` makes this same object."""
        return json.dumps(asdict(self))

    @classmethod
    def from_argument(cls, text: str) -> Surroundings:
        """Read what `argument` wrote."""
        return cls(**json.loads(text))


def worker_secret() -> str:
    """Return what a worker shows Orthanc to be let in; only the plugin that started it knows it too."""
    return os.environ[SECRET_VARIABLE]


def set_up_process(surroundings: Surroundings) -> None:
    """Log to standard error, which is Orthanc's own log."""
    logging.basicConfig(
        level=surroundings.log_level,
        stream=sys.stderr,
        format=f"%(levelname).1s %(asctime)s {surroundings.name}: %(message)s",
    )
    logging.getLogger("urllib3").setLevel(logging.WARNING)
    # pydicom warns of each odd value in a file; that a modality wrote one is no event of ours.
    logging.getLogger("pydicom").setLevel(logging.ERROR)


def give_way() -> None:
    """Run only when nothing else wants a processor or the disk."""
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
