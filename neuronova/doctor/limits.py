"""How many files a process may have open: each association, connection and open database takes some."""

from __future__ import annotations

from neuronova.doctor.finding import Finding, failed, ok, warning

_LEAST, _COMFORTABLE = 1024, 4096
_ADVICE = "raise it: LimitNOFILE=16384 in a systemd unit, or `ulimit -n 16384` before `neuronova run`"


def open_files(soft: int, hard: int) -> Finding:
    """Judge getrlimit(2)'s RLIMIT_NOFILE; -1 is no limit. Only the soft limit counts: nobody raises it by itself."""
    told = "open files"
    if soft == -1:
        return ok(told, "without a limit")
    found = f"{soft:,} (at most {hard:,})" if hard != -1 else f"{soft:,}"
    if soft < _LEAST:
        return failed(told, found, _ADVICE)
    if soft < _COMFORTABLE:
        return warning(told, f"{found}: enough for a department, not for a hospital", _ADVICE)
    return ok(told, found)
