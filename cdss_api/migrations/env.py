"""What Alembic runs: the versions, over the connection that it is given."""

from __future__ import annotations

from alembic import context

import cdss_api.accounts.models
import cdss_api.clients.models
import cdss_api.fhir.models
import cdss_api.forwarding.models
import cdss_api.holds.models
import cdss_api.jobs.models
import cdss_api.mpps.models
import cdss_api.notifications.models
import cdss_api.outbox.models
import cdss_api.prefetch.models
import cdss_api.reading.models
import cdss_api.results.models
import cdss_api.retention.models  # noqa: F401
from cdss_api.database import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,  # SQLite changes a table by making it anew
)
with context.begin_transaction():
    context.run_migrations()
