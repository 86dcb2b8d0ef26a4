"""What Orthanc knows of accounts: the API's grants, kept in memory for decisions and in SQLite for a restart."""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from neuronova.contract.grants import (
    AccountChange,
    Change,
    GrantChange,
    Ground,
    HoldChange,
    KeyChange,
    ModalityChange,
    Patient,
    Revocation,
    Update,
)
from neuronova.contract.roles import Role
from orthanc_plugins.access.store import Store

_ORDER = tuple(Ground)


@dataclass(slots=True)
class Account:
    """One account: `grants` holds until when (None: no end) it may see a patient, by ground."""

    role: Role
    enabled: bool
    grants: dict[Patient, dict[Ground, float | None]] = field(default_factory=dict)

    def ground(self, patient: Patient, now: float) -> Ground | None:
        """Return why the account may see a patient now; a lasting ground before break-glass."""
        grants = self.grants.get(patient)
        if grants is None:
            return None
        for ground in _ORDER:
            if ground in grants and ((until := grants[ground]) is None or until > now):
                return ground
        return None


class Ledger:
    """The state that the API's updates amount to. Reading takes no lock: values are replaced, not changed."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self.accounts: dict[str, Account] = {}
        self.ended: dict[str, float] = {}
        self.keys: dict[str, Ed25519PublicKey] = {}
        self._followers: list[Callable[[], None]] = []
        self.modalities: dict[str, ModalityChange] = {}
        self.holds: dict[str, HoldChange] = {}
        self.version = 0
        self.heard = 0.0
        with self._lock:
            # Before the rest: what another Orthanc's process saves in between is then told once more.
            self.version, self.heard = store.version()
            self._take_in(store.changes())

    def on_change(self, follow: Callable[[], None]) -> None:
        """Have `follow` called after each update that was taken in."""
        self._followers.append(follow)

    def apply(self, update: Update, now: float) -> None:
        """Take in what the API said; written down before it counts, so that a restart knows no less."""
        with self._lock:
            self._store.save(update, now)
            if update.full:
                self.accounts, self.ended, self.keys, self.modalities, self.holds = {}, {}, {}, {}, {}
            self._take_in(update.changes)
            self.ended = {ended: until for ended, until in self.ended.items() if until > now}
            self.version, self.heard = update.version, now
        for follow in self._followers:
            follow()

    def heard_again(self, now: float) -> None:
        """Note that the API answered and had nothing new."""
        with self._lock:
            self._store.note_heard(now)
            self.heard = now

    def _take_in(self, changes: Iterable[Change]) -> None:
        for change in changes:
            match change:
                case AccountChange():
                    known = self.accounts.get(change.account)
                    grants = {} if known is None else known.grants
                    self.accounts[change.account] = Account(change.role, change.enabled, grants)
                case GrantChange():
                    self._grant(change)
                case Revocation():
                    self.ended[change.ended] = change.until
                case ModalityChange(host=None):
                    self.modalities.pop(change.title, None)
                case ModalityChange():
                    self.modalities[change.title] = change
                case HoldChange():
                    others = {name: hold for name, hold in self.holds.items() if name != change.hold}
                    self.holds = others | ({change.hold: change} if change.held else {})
                case KeyChange(key_id=key_id, x=None):
                    self.keys.pop(key_id, None)
                case KeyChange(key_id=key_id, x=str(x)):
                    self.keys[key_id] = Ed25519PublicKey.from_public_bytes(base64.urlsafe_b64decode(x + "=="))

    def _grant(self, change: GrantChange) -> None:
        account = self.accounts.get(change.account)
        if account is None:
            return
        patient = Patient(change.patient_id, change.issuer)
        grounds = {
            ground: until for ground, until in account.grants.get(patient, {}).items() if ground != change.ground
        }
        if change.granted:
            grounds[change.ground] = change.until
        if grounds:
            account.grants[patient] = grounds
        else:
            account.grants.pop(patient, None)
