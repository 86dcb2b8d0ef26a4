"""Which addresses are this machine's alone."""

from __future__ import annotations

from ipaddress import ip_address


def is_loopback(host: str) -> bool:
    """Tell whether a host is this machine, and reached from it alone, by its very name or address."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
