"""How long a test waits for an answer or an end that comes in any case.

Whoever waits longer waits for nothing; a machine that others use as well may stand still for a minute.
"""

from __future__ import annotations

PATIENCE = 240.0  # seconds
