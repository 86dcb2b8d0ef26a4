"""A part that is killed comes back, and a platform that runs is left alone by a second one."""

from __future__ import annotations

import os
import signal

import pytest

from cdss_api.present import present
from tests.platform.steady import load
from tests.platform.test_running import refused
from tests.running import Platform, environment
from tests.server import until


@pytest.mark.parametrize("program", ["Orthanc", "cdss_api.wsgi", "inference.wsgi", "nginx"])
def test_a_killed_part_comes_back(platform: Platform, program: str) -> None:
    until(platform.healthy, "the platform is well")
    killed = platform.pid_of(program)
    assert killed
    os.kill(killed, signal.SIGKILL)
    until(lambda: platform.pid_of(program) not in (None, killed), f"the restart of {program}")
    until(platform.healthy, f"the return of {program}")
    # nginx's workers outlive their killed master unless somebody ends them.
    until(lambda: platform.count("nginx: worker") == 2, "the end of stray workers")


def test_the_api_is_replaced_while_it_answers(platform: Platform) -> None:
    until(platform.healthy, "the platform is well")
    [before] = present(platform.settings)
    with load(platform) as asked:
        assert "1 of 1 replaced" in platform.command("restart-api")
        asked.go_on()
    assert asked.failed() == []
    [after] = present(platform.settings)
    assert after != before


def test_a_second_run_on_one_data_folder_is_refused(platform: Platform) -> None:
    line = refused(environment(platform.settings.data))
    assert "already runs" in line
    assert str(platform.process.pid) in line
