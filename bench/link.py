"""A slow link to the viewer: a network namespace behind a shaped pair of interfaces, or the browser's own brake."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Page

from tests.browsing import CHROMIUM

MEGABITS = 30
# Of one frame at the time, as a network card sends them; and so much waits at most before it goes on.
QUEUE = ["tbf", "rate", f"{MEGABITS}mbit", "burst", "32kb", "latency", "100ms"]


@dataclass(frozen=True)
class Link:
    """`address` is where servers listen, `chromium` the program to start."""

    address: str
    chromium: str
    shaped_by: str

    def slow_down(self, page: Page) -> None:
        """Shape a page's network, where the link is not shaped itself."""
        if self.address == "127.0.0.1":
            rate = MEGABITS * 1e6 / 8
            limits = {"offline": False, "latency": 0, "downloadThroughput": rate, "uploadThroughput": rate}
            page.context.new_cdp_session(page).send("Network.emulateNetworkConditions", limits)


@contextmanager
def slow_link(folder: Path) -> Iterator[Link]:
    """Make the link for the length of a block."""
    name = f"nnb{os.getpid() % 100_000}"
    address = f"10.213.{os.getpid() % 251}"
    try:
        _connect(name, address)
    except (OSError, subprocess.CalledProcessError):
        _disconnect(name)
        yield Link("127.0.0.1", CHROMIUM, "the browser (Network.emulateNetworkConditions)")
        return
    try:
        browser = folder / "chromium"
        browser.write_text(f'#!/bin/sh\nexec ip netns exec {name} {CHROMIUM} "$@"\n')
        browser.chmod(0o755)
        yield Link(f"{address}.1", str(browser), "the kernel (a network namespace, tc's token bucket)")
    finally:
        _disconnect(name)


def _connect(name: str, address: str) -> None:
    inside = ["ip", "netns", "exec", name]
    for command in (
        ["ip", "netns", "add", name],
        ["ip", "link", "add", f"{name}a", "type", "veth", "peer", "name", f"{name}b", "netns", name],
        ["ip", "address", "add", f"{address}.1/24", "dev", f"{name}a"],
        ["ip", "link", "set", f"{name}a", "up"],
        [*inside, "ip", "link", "set", "lo", "up"],
        [*inside, "ip", "address", "add", f"{address}.2/24", "dev", f"{name}b"],
        [*inside, "ip", "link", "set", f"{name}b", "up"],
        ["tc", "qdisc", "add", "dev", f"{name}a", "root", *QUEUE],
        [*inside, "tc", "qdisc", "add", "dev", f"{name}b", "root", *QUEUE],
    ):
        subprocess.run(command, check=True, capture_output=True)


def _disconnect(name: str) -> None:
    for command in (["ip", "link", "delete", f"{name}a"], ["ip", "netns", "delete", name]):
        try:
            subprocess.run(command, check=False, capture_output=True)
        except OSError:
            return
