"""The parts one by one, as a service manager starts them."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

from neuronova.contract.settings import read_settings
from neuronova.platform.parts import answers_tcp
from tests.patience import PATIENCE
from tests.running import NEURONOVA, Platform, environment
from tests.server import until

PARTS = ("orthanc", "api", "notifications", "worker", "keeper", "inference", "gateway")


def test_parts_that_are_started_one_by_one_are_the_platform(tmp_path: Path) -> None:
    variables = environment(tmp_path / "data")
    assert (
        told(variables, "part", "api")
        == f"neuronova: {tmp_path / 'data'} is not prepared; run `neuronova prepare` first"
    )
    assert told(variables, "prepare") == ""
    with ExitStack() as stack:
        parts = {name: stack.enter_context(part(name, variables)) for name in PARTS}
        platform = Platform(read_settings(variables), variables, parts["gateway"], tmp_path / "output")
        platform.until_up()
        assert "already runs" in told(variables, "run")
        assert "already runs" in told(variables, "prepare")
        assert "the parts are orthanc, api" in told(variables, "part", "nginx")
        for name, port in (("api", platform.settings.api_port), ("orthanc", platform.settings.orthanc_port)):
            parts[name].kill()
            parts[name].wait(PATIENCE)
            until(lambda: not platform.healthy(), f"the platform misses {name}")
            # A part's children end after it; a service manager would start it again until the port is free.
            until(partial(is_free, port), f"the end of {name}'s children")
            stack.enter_context(part(name, variables))
            until(platform.healthy, f"the return of {name}")
    until(lambda: not platform.left(), "every process has ended")


def is_free(port: int) -> bool:
    return not answers_tcp("127.0.0.1", port)


def told(variables: dict[str, str], *command: str) -> str:
    """Run the command, which must end by itself; return what it says."""
    done = subprocess.run(
        [NEURONOVA, *command], env=variables, capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert (done.returncode == 0) == (done.stderr == "")
    return (done.stdout + done.stderr).strip()


@contextmanager
def part(name: str, variables: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    """Run a part until the block ends."""
    with subprocess.Popen([NEURONOVA, "part", name], env=variables, stdout=subprocess.DEVNULL, text=True) as process:
        try:
            yield process
        finally:
            process.terminate()
