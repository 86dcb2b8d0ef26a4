"""gunicorn's own lines, in the form of all others: `--logger-class neuronova.telemetry.gunicorn_log.PartLogger`."""

from __future__ import annotations

import os
from typing import Any

from gunicorn.glogging import Logger

from neuronova.contract.settings import read_settings
from neuronova.telemetry.starting import start_logs, telemetry_of


class PartLogger(Logger):  # type: ignore[misc]  # it has no types
    """Hands gunicorn's lines to the root logger, which knows the form."""

    def setup(self, cfg: Any) -> None:
        """Set the logger up, in the arbiter and in each worker."""
        super().setup(cfg)
        start_logs(cfg.proc_name, telemetry_of(read_settings(os.environ)))
        self.error_log.handlers[:] = []
        self.error_log.propagate = True
