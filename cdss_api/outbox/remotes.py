"""What is known of a target's own resources: under which id it keeps each of ours, and which version it has."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import Index, String, delete, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from cdss_api.database import Base, Database

PID = "Patient.pid"  # as a type: the number by which OpenEMR's standard API knows a patient, beside the FHIR id


class Remote(Base):
    """One resource of ours at one target. Without `remote_id` its deletion was delivered."""

    __tablename__ = "outbox_remote"
    __table_args__ = (Index("outbox_remote_theirs", "target", "kind", "remote_id"),)

    target: Mapped[str] = mapped_column(String(64), primary_key=True)
    kind: Mapped[str] = mapped_column(String(64), primary_key=True)
    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    version: Mapped[int]  # ours, the newest that arrived
    remote_id: Mapped[str | None] = mapped_column(String(200))
    remote_version: Mapped[str | None] = mapped_column(String(200))  # its entity tag, as If-Match takes it


@dataclass(frozen=True, slots=True)
class Known:
    """What a target is known to have of a resource."""

    version: int
    remote_id: str | None
    remote_version: str | None


@dataclass(frozen=True, slots=True)
class Remotes:
    """The resources of one target."""

    database: Database
    target: str

    def find(self, kind: str, id_: str) -> Known | None:
        """Return what is known of a resource."""
        with self.database.reading() as session:
            row = session.get(Remote, (self.target, kind, id_))
            return None if row is None else Known(row.version, row.remote_id, row.remote_version)

    def remember(self, kind: str, id_: str, known: Known) -> None:
        """Keep what a target has; an older version than the one that is known changes nothing."""
        self.remember_all({(kind, id_): known})

    def remember_all(self, found: Mapping[tuple[str, str], Known]) -> None:
        """Keep what a target has of several resources."""
        if not found:
            return
        with self.database.writing() as session:
            for (kind, id_), known in sorted(found.items()):
                keep(session, self.target, kind, id_, known)

    def forget(self, kind: str, id_: str) -> None:
        """Forget a resource that the target has no more."""
        with self.database.writing() as session:
            gone = delete(Remote).where(Remote.target == self.target, Remote.kind == kind, Remote.id == id_)
            session.execute(gone)

    @contextmanager
    def alone(self, kind: str, id_: str) -> Iterator[None]:
        """Have no other worker write the same resource meanwhile (see `alone_with`)."""
        with self.alone_with([(kind, id_)]):
            yield

    @contextmanager
    def alone_with(self, named: Collection[tuple[str, str]]) -> Iterator[None]:
        """Have no other worker write these resources meanwhile; whoever holds some asks for no more.

        Conditional creates race on several servers, and two streams may both need one practitioner. SQLite has one
        worker, whose threads serve a target each.
        """
        if self.database.engine.dialect.name != "postgresql" or not named:
            yield
            return
        names = [f"{self.target} {kind}/{id_}" for kind, id_ in named]
        # Locks of the session and no transaction: nothing is held open in the database while the target answers.
        with self.database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            try:
                # In one order everywhere, or two workers wait for each other.
                for number in sorted(connection.scalars(_NUMBERS, {"names": names})):
                    connection.execute(_LOCK, {"number": number})
                yield
            finally:
                connection.execute(text("SELECT pg_advisory_unlock_all()"))


_NUMBERS = text("SELECT DISTINCT hashtextextended(name, 0) FROM unnest(CAST(:names AS text[])) AS name")
_LOCK = text("SELECT pg_advisory_lock(:number)")


def keep(session: Session, target: str, kind: str, id_: str, known: Known) -> None:
    """Keep what a target has of one resource, in the caller's transaction."""
    row = _locked(session, target, kind, id_)
    if row is None:
        row = Remote(target=target, kind=kind, id=id_, version=0)
        session.add(row)
    if row.version <= known.version:
        row.version, row.remote_id, row.remote_version = known.version, known.remote_id, known.remote_version


def _locked(session: Session, target: str, kind: str, id_: str) -> Remote | None:
    return session.get(Remote, (target, kind, id_), with_for_update=True)
