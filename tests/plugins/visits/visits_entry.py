"""An Orthanc that tells how often the answering thread has answered, as far as the thread remembers."""

import threading
from typing import Any

import orthanc

from orthanc_plugins.threads import kept

memory = threading.local()


def count(output: Any, _uri: str, **_given: Any) -> None:
    memory.visits = getattr(memory, "visits", 0) + 1
    output.AnswerBuffer(str(memory.visits), "text/plain")


def let_pass(_uri: str, **_given: Any) -> bool:
    return True


orthanc.RegisterIncomingHttpRequestFilter(kept(let_pass))
orthanc.RegisterRestCallback("/visits/(.*)", kept(count))
