"""What each kind of target can do: the differences between servers, in one table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from cdss_api.fhir.definitions import parameters


class Kind(StrEnum):
    """The kinds of targets."""

    FHIR_R4 = "fhir-r4"
    HAPI = "hapi"
    MEDPLUM = "medplum"
    OPENEMR = "openemr"
    WEBHOOK = "webhook"


# A Subscription would have the target send things on its own, to addresses that were meant for us.
KINDS = frozenset(parameters()) - {"Subscription"}


NOTIFICATION = "Notification"  # no type of FHIR: what happened, as the platform tells people of it
POLLED = frozenset({"Patient", "ServiceRequest"})  # the types that targets are polled for


@dataclass(frozen=True, kw_only=True, slots=True)
class Profile:
    """What a server is asked for.

    `conditional`: it takes If-None-Exist (FHIR R4 3.1.0.8.1), else we search before we create. `versions`: it takes
    If-Match (3.1.0.5). `deletes`: it takes a DELETE. `kinds`: the types that it takes at all.
    `together`: how many entries go into one batch (3.1.0.11) at most; 1 where it takes none.
    `polls`: it can be asked for what changed since a moment (`_lastUpdated`), and tells versions.
    """

    conditional: bool = True
    versions: bool = True
    deletes: bool = True
    kinds: frozenset[str] = KINDS
    together: int = 50
    polls: bool = True


PROFILES: Mapping[Kind, Profile] = MappingProxyType(
    {
        Kind.FHIR_R4: Profile(),
        Kind.HAPI: Profile(),
        Kind.MEDPLUM: Profile(together=8),  # its limit for transactions with conditions, which it may run batches as
        # Its FHIR interface writes three, without conditions, versions or deletions; reports go by another (`openemr`).
        Kind.OPENEMR: Profile(
            conditional=False,
            versions=False,
            deletes=False,
            kinds=frozenset({"Patient", "Practitioner", "Organization", "DiagnosticReport"}),
            together=1,
            polls=False,
        ),
        Kind.WEBHOOK: Profile(kinds=KINDS | {NOTIFICATION}, together=1, polls=False),
    }
)
