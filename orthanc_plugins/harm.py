"""An object whose reader would need more than there is: not taken from a modality either.

DCMTK has read it by then, on a stack that is large enough (`stacks`); Orthanc's HTTP threads, which read it for
whoever asks, would die of it later, with the whole server and anew at each start.
"""

from __future__ import annotations

import logging

from neuronova.contract.nesting import require_harmless
from neuronova.contract.part10 import Harmful
from orthanc_plugins.sdk import ReceivedInstance

log = logging.getLogger(__name__)

SUCCESS = 0x0000
HARMFUL = 0xC112
"""An error of C-STORE's own: cannot understand (Cxxx, PS3.4 B.2.3)."""


def on_cstore(instance: ReceivedInstance) -> int:
    """Answer a modality that sends an object."""
    try:
        require_harmless(instance.GetInstanceData())
    except Harmful as harm:
        log.warning("what %s sent is refused: %s", instance.GetInstanceRemoteAet(), harm)
        return HARMFUL
    return SUCCESS
