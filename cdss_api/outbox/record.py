"""What the record now holds, for what a message refers to."""

from __future__ import annotations

from sqlalchemy import select

from cdss_api.database import Database
from cdss_api.fhir.document import Document, read
from cdss_api.fhir.models import Resource, Version


def current(database: Database, kind: str, id_: str) -> Document | None:
    """Return a resource as it now is; None where there is none, or it was deleted. The outbox sees all."""
    rows = (
        select(Version.body)
        .join(Resource, (Resource.number == Version.number) & (Resource.version == Version.version))
        .where(Resource.kind == kind, Resource.logical_id == id_)
    )
    with database.reading() as session:
        body = session.scalar(rows)
    return None if body is None else read(body)
