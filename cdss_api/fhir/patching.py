"""JSON Patch (RFC 6902) on a resource."""

from __future__ import annotations

from typing import Any

import jsonpatch

from cdss_api.fhir.document import Document
from cdss_api.fhir.outcome import Refused

MOST = 1000  # operations


def patched(document: Document, operations: Any) -> Document:
    """Return the changed resource; the given one stays as it is.

    Raises:
        Refused: 400 for what is no patch, 422 for one that does not fit this resource.
    """
    if not isinstance(operations, list) or len(operations) > MOST:
        raise Refused(400, "structure", f"A JSON Patch is an array of up to {MOST} operations (RFC 6902 3).")
    try:
        changed = jsonpatch.JsonPatch(operations).apply(document)
    except jsonpatch.InvalidJsonPatch as odd:
        raise Refused(400, "structure", f"This is no JSON Patch: {odd}"[:500]) from None
    except (jsonpatch.JsonPatchException, jsonpatch.JsonPointerException, TypeError, ValueError, KeyError) as odd:
        raise Refused(422, "processing", f"The patch does not fit the resource: {odd}"[:500]) from None
    if not isinstance(changed, dict):
        raise Refused(422, "processing", "The patch leaves no resource.")
    return changed
