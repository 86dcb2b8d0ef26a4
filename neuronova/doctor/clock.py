"""The clock: tokens, orders and audit records are compared with other machines' times."""

from __future__ import annotations

import shutil
import subprocess
from email.utils import parsedate_to_datetime

from neuronova.doctor.finding import Finding, failed, ok, skipped, warning

_NOTICED, _BROKEN = 5.0, 60.0  # seconds; a token of ours is taken within a minute of its time
_ADVICE = "keep both machines' clocks by NTP: apt-get install chrony"


def look_at_clock() -> list[Finding]:
    """Ask the system whether something keeps the clock."""
    if shutil.which("timedatectl") is None:
        return [skipped("NTP", "there is no timedatectl to ask")]
    try:
        asked = ["timedatectl", "show", "--property=NTPSynchronized", "--value"]
        done = subprocess.run(asked, capture_output=True, text=True, timeout=3, check=False)
    except subprocess.TimeoutExpired:
        return [skipped("NTP", "timedatectl does not answer")]
    return [synchronised(done.stdout.strip() if done.returncode == 0 else "")]


def synchronised(said: str) -> Finding:
    """Judge what `timedatectl` says of NTP."""
    if said == "yes":
        return ok("NTP", "the clock is kept")
    if said == "no":
        return warning("NTP", "nothing keeps the clock", "apt-get install chrony")
    return skipped("NTP", "timedatectl cannot tell (no systemd here)")


def skew(name: str, date: str | None, now: float) -> Finding:
    """Compare `now` (seconds since 1970, UTC) with the Date of an HTTP answer (RFC 9110 6.6.1, whole seconds)."""
    try:
        theirs = parsedate_to_datetime(date or "").timestamp()
    except ValueError:
        return skipped(name, "its answer has no Date")
    off = now - theirs
    # Dates are cut to seconds.
    far = max(0.0, abs(off - 0.5) - 0.5)
    told = f"our clock is {far:.0f} s {'ahead' if off > 0 else 'behind'}" if far >= 1 else "our clock is the same"
    if far > _BROKEN:
        return failed(name, told, _ADVICE)
    return warning(name, told, _ADVICE) if far > _NOTICED else ok(name, told)
