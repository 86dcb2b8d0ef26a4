"""Certificates that settings name: readable, not expired, and of the key beside them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)

from neuronova.doctor.finding import Finding, failed, ok, warning

_SOON = 30.0  # days
_DAY = 86400.0
_RENEW = "renew it and put the new file in its place; restart gateway or orthanc if it is theirs (docs/deploying.md)"


def look_at_certificates(files: Mapping[str, Path], keys: Mapping[str, Path], now: float) -> list[Finding]:
    """Look at the certificates of each setting; `keys` are the files of their keys, by the same settings."""
    found = []
    for name, file in files.items():
        try:
            held = x509.load_pem_x509_certificates(file.read_bytes())
        except OSError as error:
            found.append(failed(name, f"{file} cannot be read ({error.strerror})", "name a file that we may read"))
            continue
        except ValueError:
            found.append(failed(name, f"{file} is no PEM certificate", "name a file with a PEM certificate"))
            continue
        found.append(validity(name, held, now))
        if name in keys:
            found.append(_fits(name, held[0], keys[name]))
    return found or [ok("certificates", "no setting names one")]


def validity(name: str, held: list[x509.Certificate], now: float) -> Finding:
    """Judge the one of a file's certificates that expires first."""
    first = min(held, key=lambda one: one.not_valid_after_utc)
    left = (first.not_valid_after_utc.timestamp() - now) / _DAY
    until = first.not_valid_after_utc.date().isoformat()
    if left <= 0:
        return failed(name, f"expired on {until}", _RENEW)
    if max(one.not_valid_before_utc.timestamp() for one in held) > now:
        return failed(name, "is not valid yet", "look at this machine's clock, or wait")
    told = f"{left:.0f} days left, until {until}"
    return warning(name, told, _RENEW) if left < _SOON else ok(name, told)


def _fits(name: str, certificate: x509.Certificate, file: Path) -> Finding:
    try:
        key = load_pem_private_key(file.read_bytes(), password=None)
    except OSError as error:
        return failed(f"{name}'s key", f"{file} cannot be read ({error.strerror})", "name a file that we may read")
    except (ValueError, TypeError):
        return failed(f"{name}'s key", f"{file} is no PEM key without a password", "remove the key's password")
    form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if key.public_key().public_bytes(*form) != certificate.public_key().public_bytes(*form):
        return failed(f"{name}'s key", f"{file} is the key of another certificate", "name the two that belong together")
    return ok(f"{name}'s key", "belongs to it")
