"""The words by which the reading list is searched, kept beside each resource in the transaction that changes it.

A row says only what its own resource says, so it is right whatever is written to others at the same time.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import delete, insert, select

from cdss_api.accounts.work import Work
from cdss_api.fhir.document import Document, read
from cdss_api.fhir.models import Resource
from cdss_api.fhir.store import Store, Stored
from cdss_api.reading.models import Words
from cdss_api.reading.study import description_of, identity, shown_name
from cdss_api.worklist.mapping import text_of, typed_identifier
from neuronova.contract.text import folded

KINDS = ("Patient", "ImagingStudy", "ServiceRequest")
_MOST = 2000  # characters of one resource


def words_of(document: Document) -> str:
    """Return what a resource is searched for, without case and accents: at most 2,000 characters.

    Of a Patient its names and PatientID, of an ImagingStudy its description, of a ServiceRequest what was ordered and
    its accession number.
    """
    kind = document["resourceType"]
    if kind == "Patient":
        said = [shown_name(document), identity(document)["patient_id"]]
    elif kind == "ImagingStudy":
        said = [description_of(document, ())]
    else:
        said = [text_of(document.get("code")), typed_identifier(document, "ACSN")]
    return folded(" ".join(one for one in said if one))[:_MOST]


def follow(_work: Work, store: Store, written: Sequence[Stored]) -> None:
    """Replace the words of what was written."""
    keep(store, written)


def keep(store: Store, written: Sequence[Stored]) -> None:
    """Replace the words of these resources; of one that was written several times, the last comes last."""
    for one in written:
        if one.kind not in KINDS:
            continue
        here = (Resource.kind == one.kind, Resource.logical_id == one.id)
        number = store.session.scalar(select(Resource.number).where(*here))
        store.session.execute(delete(Words).where(Words.number == number))
        words = "" if one.body is None else words_of(read(one.body))
        if words:
            store.session.execute(insert(Words), {"number": number, "kind": one.kind, "folded": words})
