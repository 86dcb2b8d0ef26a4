"""The worklist as the plugin knows it: in memory for answers, in one file for a restart."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping
from pathlib import Path

from neuronova.contract.worklist import Entry, Update, from_json, to_json
from orthanc_plugins.worklist.offer import Offer, offer_of

log = logging.getLogger(__name__)


class Entries:
    """What the API said last. Reading takes no lock: the whole is replaced, not changed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offers: Mapping[Entry, Offer] = {}
        self.version = ""
        try:
            self._take_in(from_json(json.loads(path.read_bytes())))
        except FileNotFoundError:
            pass
        except ValueError as odd:  # of another version of this program: the API tells all again
            log.warning("the worklist's file is left aside: %s", odd)

    @property
    def offers(self) -> tuple[Offer, ...]:
        """Return what modalities are offered."""
        return tuple(self._offers.values())

    def apply(self, update: Update) -> None:
        """Take in what the API said; written down before it counts, so that a restart knows no less."""
        if update.full:
            self._save(update)
            self._take_in(update)

    def _take_in(self, update: Update) -> None:
        known = self._offers  # most entries are as they were, and to make an offer takes milliseconds
        self._offers = {entry: known.get(entry) or offer_of(entry) for entry in update.entries}
        self.version = update.version

    def _save(self, update: Update) -> None:
        scratch = self._path.with_suffix(f".{os.getpid()}")  # several Orthancs write the same
        descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(json.dumps(to_json(update)).encode())
            file.flush()
            os.fsync(descriptor)
        scratch.replace(self._path)
