"""The table of modalities: which DICOM application entities may do what, and Orthanc follows it."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from cdss_api.accounts.changes import told
from cdss_api.accounts.models import Modality
from cdss_api.accounts.recording import Action
from cdss_api.accounts.work import Work
from neuronova.contract.grants import ModalityChange, Operation


def storing(session: Session) -> frozenset[str]:
    """Return the AE titles of all that may store."""
    known = session.scalars(select(Modality)).all()
    return frozenset(one.title for one in known if Operation.STORE in one.operations)


def put(work: Work, whom: ModalityChange) -> Modality:
    """Add a modality, or replace what was known of it."""
    work.alone()
    modality = work.session.get(Modality, whom.title) or Modality(title=whom.title)
    modality.host, modality.port, modality.issuer = str(whom.host), whom.port, whom.issuer
    modality.tls, modality.daily_mib = whom.tls, whom.daily_mib
    modality.operations = sorted({operation.value for operation in whom.operations})
    work.session.add(modality)
    work.session.flush()
    work.publish(told(modality))
    work.record(
        Action.MODALITY,
        title=modality.title,
        host=modality.host,
        operations=" ".join(modality.operations),
        tls="yes" if modality.tls else "no",
        daily_mib="" if modality.daily_mib is None else str(modality.daily_mib),
    )
    return modality


def remove(work: Work, title: str) -> bool:
    """Refuse a modality from now on; tell whether it was known."""
    work.alone()
    modality = work.session.get(Modality, title)
    if modality is None:
        return False
    work.session.delete(modality)
    work.session.flush()
    work.publish(ModalityChange(title=title, host=None))
    work.record(Action.MODALITY, title=title, operations="")
    return True
