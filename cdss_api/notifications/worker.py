"""gunicorn's ASGI worker, which ends its streams before it waits for them."""

from __future__ import annotations

from gunicorn.workers.gasgi import ASGIWorker


class StreamWorker(ASGIWorker):  # type: ignore[misc]  # it has no types
    """Serves `asgi`; a connection costs a task and no thread."""

    def handle_exit_signal(self) -> None:
        """End at SIGTERM: a stream would else last as long as the worker waits for it."""
        super().handle_exit_signal()
        self.asgi.hub.close()
