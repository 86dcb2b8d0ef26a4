"""What the API tells Orthanc of accounts and legal holds: a snapshot, or what changed since a version, as changes.

The answer of `GET /api/v1/internal/grants?since=VERSION`. Each change replaces what was known of the thing that it
names, so that applying one twice does no harm; a snapshot (`full`) replaces everything.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, NamedTuple

from neuronova.contract.roles import Role

FORMAT = 1


class Patient(NamedTuple):
    """Who a study is of: PatientID (0010,0020) and its issuer (0010,0021), without DICOM's padding."""

    patient_id: str
    issuer: str


class Ground(StrEnum):
    """Why an account may see a patient."""

    CARE_TEAM = "care-team"  # given one by one
    CARE_TEAM_RESOURCE = "care-team-resource"  # a member of a CareTeam (FHIR)
    OWN = "own"
    BREAK_GLASS = "break-glass"


@dataclass(frozen=True, kw_only=True, slots=True)
class AccountChange:
    """An account as it now is; one that is not enabled is refused everything."""

    account: str
    role: Role
    enabled: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class GrantChange:
    """An account may see a patient on this ground, or no more; `until` is in seconds since the epoch."""

    account: str
    patient_id: str
    issuer: str
    ground: Ground
    granted: bool
    until: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Revocation:
    """A token (`jti`) or a login (`sid`) that has ended; it need not be kept longer than `until`."""

    ended: str
    until: float


@dataclass(frozen=True, kw_only=True, slots=True)
class KeyChange:
    """A public key that tokens are signed with: `x` of its JWK (RFC 8037); None withdraws it."""

    key_id: str
    x: str | None


class Operation(StrEnum):
    """What a modality may do; C-ECHO is everybody's whom the table names."""

    STORE = "store"
    FIND = "find"
    MOVE = "move"
    GET = "get"
    WORKLIST = "worklist"
    MPPS = "mpps"


@dataclass(frozen=True, kw_only=True, slots=True)
class ModalityChange:
    """A DICOM application entity as it now is; without a host it is a stranger (again), and refused.

    `issuer` is that of the PatientIDs it sends without one; with `tls` it is called by TLS (PS3.15 B.1). Of a day's
    images it may store `daily_mib`, as much as it likes without.
    """

    title: str
    host: str | None
    port: int = 104
    operations: tuple[Operation, ...] = ()
    issuer: str | None = None
    tls: bool = False
    daily_mib: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class HoldChange:
    """A legal hold on a study, or without one on all studies of a patient; or that it was lifted (not `held`)."""

    hold: str
    held: bool
    patient_id: str = ""
    issuer: str = ""
    study: str | None = None


Change = AccountChange | GrantChange | Revocation | KeyChange | ModalityChange | HoldChange


@dataclass(frozen=True, kw_only=True, slots=True)
class Update:
    """What brings the reader to `version`; with `full`, from nothing."""

    version: int
    full: bool
    changes: tuple[Change, ...]


_KINDS: Mapping[str, type[Change]] = {
    "account": AccountChange,
    "grant": GrantChange,
    "revocation": Revocation,
    "key": KeyChange,
    "modality": ModalityChange,
    "hold": HoldChange,
}
_NAMES = {kind: name for name, kind in _KINDS.items()}
_READERS: Mapping[str, Callable[[Any], Any]] = {
    "role": Role,
    "ground": Ground,
    "operations": lambda names: tuple(Operation(name) for name in names),
}


def to_json(update: Update) -> dict[str, Any]:
    """Return the message's JSON value."""
    changes = [{"change": _NAMES[type(change)], **asdict(change)} for change in update.changes]
    return {"format": FORMAT, "version": update.version, "full": update.full, "changes": changes}


def from_json(value: Mapping[str, Any]) -> Update:
    """Read what `to_json` made.

    Raises:
        ValueError: it is of another format, or odd.
    """
    try:
        if value["format"] != FORMAT:
            raise ValueError(f"grants of format {value['format']}; this program reads format {FORMAT}")
        return Update(
            version=int(value["version"]),
            full=bool(value["full"]),
            changes=tuple(_change(dict(change)) for change in value["changes"]),
        )
    except (KeyError, TypeError) as odd:
        raise ValueError(f"odd grants: {odd!r}") from odd


def _change(fields: dict[str, Any]) -> Change:
    kind = _KINDS[fields.pop("change")]
    return kind(**{name: _READERS.get(name, _same)(value) for name, value in fields.items()})


def _same(value: Any) -> Any:
    return value
