"""Settings that are allowed and unwise, and files of settings that others may read."""

from __future__ import annotations

import stat
from collections.abc import Iterable, Mapping
from pathlib import Path

from neuronova.contract.loopback import is_loopback
from neuronova.contract.settings import PREFIX, Settings
from neuronova.contract.text import marked
from neuronova.doctor.finding import Finding, failed, ok, warning

_OTHERS = 0o077


def look_at_settings(settings: Settings, *, has_accounts: bool) -> list[Finding]:
    """Judge the settings; `has_accounts`: the platform was started once."""
    found = [
        *_open_to_the_network(settings),
        *_first_password(settings, has_accounts=has_accounts),
        *_audit(settings),
        *_talkative(settings),
    ]
    return found or [ok("settings", "nothing odd or weak")]


def look_at_files(files: Iterable[Path]) -> list[Finding]:
    """Look who may read the files that hold settings or secrets."""
    found = []
    for file in files:
        try:
            mode = stat.S_IMODE(file.stat().st_mode)
        except OSError as error:
            found.append(failed(str(file), f"cannot be read ({error.strerror})", "name a file that is there"))
            continue
        if mode & _OTHERS:
            found.append(failed(str(file), f"others may use it (mode {mode:04o})", f"chmod 600 {file}"))
        else:
            found.append(ok(str(file), f"its owner's alone (mode {mode:04o})"))
    return found


def secret_files(environment: Mapping[str, str]) -> list[Path]:
    """Return the files that variables such as NEURONOVA_ADMIN_PASSWORD_FILE name."""
    return [
        Path(value)
        for name, value in sorted(environment.items())
        if name.startswith(PREFIX) and name.endswith("_FILE") and value
    ]


def _open_to_the_network(settings: Settings) -> list[Finding]:
    encrypted = settings.tls_certificate is not None or (settings.public_url or "").startswith("https://")
    if is_loopback(settings.bind) or encrypted:
        return []
    told = marked("open to the network without TLS in front of it: passwords and images can be read")
    advice = marked("set NEURONOVA_TLS_CERTIFICATE, or put a proxy with TLS in front and set NEURONOVA_PUBLIC_URL")
    return [warning("NEURONOVA_BIND", told, advice)]


def _first_password(settings: Settings, *, has_accounts: bool) -> list[Finding]:
    # The service itself is not given it, and knows that it is there.
    given = settings.admin_password is not None or "ADMIN_PASSWORD" in settings.origins
    if not given or not has_accounts:
        return []
    told = marked("still set, though the first account has been made")
    advice = marked("remove it: it is not used any more, and can be read there")
    return [warning("NEURONOVA_ADMIN_PASSWORD", told, advice)]


def _audit(settings: Settings) -> list[Finding]:
    if settings.audit_required:
        return []
    told = marked("images are given out even where that cannot be recorded")
    return [warning("NEURONOVA_AUDIT_REQUIRED", told, marked("set it to yes (docs/audit.md)"))]


def _talkative(settings: Settings) -> list[Finding]:
    if settings.log_level != "DEBUG":
        return []
    told, advice = marked("DEBUG fills the disk"), marked("set it to INFO once you have found what you seek")
    return [warning("NEURONOVA_LOG_LEVEL", told, advice)]
