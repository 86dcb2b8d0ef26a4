"""The API's grants, followed into the ledger."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from neuronova.contract.grants import from_json
from orthanc_plugins.access.ledger import Ledger
from orthanc_plugins.following import Followed


def grants(ledger: Ledger, clock: Callable[[], float] = time.time) -> Followed:
    """Return what keeps a ledger up to date."""

    def take_in(value: Any) -> None:
        update = from_json(value)
        if update.full or update.changes or update.version != ledger.version:
            ledger.apply(update, clock())
        else:
            ledger.heard_again(clock())

    return Followed(
        name="grants",
        version=lambda: ledger.version,
        take_in=take_in,
        meanwhile="what is known holds for a while",
    )
