"""Keyed pseudonyms (HMAC-SHA256): the same key and project give the same ones, so that later exports fit."""

from __future__ import annotations

import base64
import hashlib
import hmac
import uuid
from dataclasses import dataclass
from datetime import date, datetime, timedelta

_DAYS = 3650  # by at most so many days dates move, always to earlier ones


@dataclass(frozen=True, kw_only=True, slots=True)
class Pseudonyms:
    """Pseudonyms of one project; nothing of an original can be worked out of them without the key."""

    key: bytes
    project: str = ""

    def patient(self, issuer: str, patient_id: str) -> str:
        """Return the PatientID of a patient: P and 16 letters and digits (80 bits)."""
        return "P" + base64.b32encode(self._digest("patient", issuer, patient_id)[:10]).decode()

    def uid(self, original: str) -> str:
        """Return a UID derived from a UUID (PS3.5 B.2), of the version for own schemes (RFC 9562 5.8)."""
        octets = bytearray(self._digest("uid", original)[:16])
        octets[6], octets[8] = octets[6] & 0x0F | 0x80, octets[8] & 0x3F | 0x80
        return f"2.25.{uuid.UUID(bytes=bytes(octets)).int}"

    def shift(self, issuer: str, patient_id: str) -> timedelta:
        """Return by how much a patient's dates move: whole days, the same for all of that patient's."""
        number = int.from_bytes(self._digest("dates", issuer, patient_id)[:8])
        return timedelta(days=-1 - number % _DAYS)

    def _digest(self, *what: str) -> bytes:
        # Lengths go in too, so that no two lists of texts are one.
        said = b"".join(b"%d:%s" % (len(one.encode()), one.encode()) for one in (self.project, *what))
        return hmac.new(self.key, said, hashlib.sha256).digest()


def shifted(value: str, shift: timedelta) -> str:
    """Return a DA or DT (PS3.5 6.2) moved by whole days; empty where its day is not known or there is no such day."""
    day = value.strip()[:8]
    try:
        moved = datetime.strptime(day, "%Y%m%d").date() + shift
    except (ValueError, OverflowError):
        return ""
    return f"{_iso(moved)}{value.strip()[8:]}" if len(day) == 8 else ""


def _iso(day: date) -> str:
    return f"{day.year:04d}{day.month:02d}{day.day:02d}"
