"""`--once-more`: a test that fails is run again, with everything it uses made anew; what fails twice has failed.

For machines that others use as well, where a part that stands still for longer than it may is no fault of ours. What
failed at first is counted (`again`) and shown at the end, so that a test that fails now and then does not hide.
"""

from __future__ import annotations

import pytest
from _pytest.runner import runtestprotocol
from _pytest.terminal import TerminalReporter

AGAIN = "again"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option."""
    parser.addoption("--once-more", action="store_true", help="run a test that fails again, with everything anew")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
    """Run one test, and where it fails once more; without the option leave it to pytest."""
    if not item.config.getoption("once_more"):
        return None
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    reports = runtestprotocol(item, log=False, nextitem=nextitem)
    if failed := [one for one in reports if one.failed]:
        for one in failed:
            one.outcome = AGAIN  # type: ignore[assignment]  # as plugins may: pytest asks pytest_report_teststatus
            item.ihook.pytest_runtest_logreport(report=one)
        item.session._setupstate.teardown_exact(None)  # fixtures of its file and of the session too
        reports = runtestprotocol(item, log=False, nextitem=nextitem)
    for one in reports:
        item.ihook.pytest_runtest_logreport(report=one)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True


def pytest_report_teststatus(report: pytest.TestReport) -> tuple[str, str, tuple[str, dict[str, bool]]] | None:
    """Name what failed at first."""
    return (AGAIN, "A", (AGAIN.upper(), {"yellow": True})) if report.outcome == AGAIN else None


def pytest_terminal_summary(terminalreporter: TerminalReporter) -> None:
    """Show how each of them failed."""
    if first := terminalreporter.stats.get(AGAIN, []):
        terminalreporter.section("failed at first", sep="=", yellow=True)
        for one in first:
            terminalreporter.section(f"{one.nodeid} ({one.when})", sep="_")
            one.toterminal(terminalreporter._tw)
