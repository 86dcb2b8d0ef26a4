"""Issuer of Patient ID (0010,0021) and Patient.identifier.system: one name in DICOM's form and in FHIR's.

DICOM lets an issuer be any text of 64 characters, FHIR wants an absolute URI (R4 2.24.0.1, Identifier.system). What
is one stays as it is; any other becomes `urn:neuronova:issuer:` and its UTF-8, percent-encoded (RFC 3986 2.1).
"""

from __future__ import annotations

import re
from urllib.parse import quote, unquote

PATIENT_ID = "urn:neuronova:patient-id"  # the system of a PatientID without an issuer
ISSUER = "urn:neuronova:issuer:"
_OWN = "urn:neuronova:"
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:(?:[A-Za-z0-9._~:/?#@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})+", re.ASCII)
_UUID = re.compile(r"urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
_OID = re.compile(r"urn:oid:[0-2](\.(0|[1-9][0-9]*))+", re.ASCII)
_ENCODED = re.compile(r"(?:[A-Za-z0-9._~-]|%[0-9A-Fa-f]{2})+", re.ASCII)


def system_of(issuer: str) -> str:
    """Return the identifier system of an issuer; of an empty one `PATIENT_ID`.

    An issuer that looks like one of our own systems is encoded too, so that no two issuers have one system.
    """
    if not issuer:
        return PATIENT_ID
    return issuer if is_uri(issuer) and not issuer.startswith(_OWN) else ISSUER + quote(issuer, safe="")


def issuer_of(system: str) -> str:
    """Return the issuer of an identifier system, empty for `PATIENT_ID`.

    A system that `system_of` does not make is the issuer as it stands: records of before have issuers unencoded.
    """
    if system == PATIENT_ID:
        return ""
    encoded = system.removeprefix(ISSUER)
    if encoded == system or not _ENCODED.fullmatch(encoded):
        return system
    try:
        return unquote(encoded, errors="strict")
    except UnicodeDecodeError:
        return system


def spellings(system: str) -> frozenset[str]:
    """Return every system under which a record may have what this one names: as it is, and as `system_of` makes it."""
    return frozenset({system, system_of(issuer_of(system)), issuer_of(system) or PATIENT_ID})


def is_uri(text: str) -> bool:
    """Tell whether a text is an absolute URI that FHIR takes: `urn:oid:` and `urn:uuid:` have to be what they say."""
    for prefix, whole in (("urn:oid:", _OID), ("urn:uuid:", _UUID)):
        if text.lower().startswith(prefix):
            return whole.fullmatch(text) is not None
    return _URI.fullmatch(text) is not None
