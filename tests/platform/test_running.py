"""`neuronova run` as a person and a service manager see it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from neuronova.platform.layout import Layout
from tests.patience import PATIENCE
from tests.running import NEURONOVA, Platform, environment
from tests.server import free_ports, until

StartPlatform = Callable[..., Platform]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_leaves_no_process(start_platform: StartPlatform, number: signal.Signals) -> None:
    platform = start_platform()
    assert len(platform.pids()) >= 6
    assert platform.stop(number) == 0
    assert platform.left() == []


def test_a_killed_supervisor_ends_everything(start_platform: StartPlatform) -> None:
    platform = start_platform()
    os.kill(int((Layout(platform.settings.data).run / "supervisor.pid").read_text()), signal.SIGKILL)
    assert platform.process.wait(PATIENCE) == 1
    assert "the supervisor ended" in platform.output.read_text()
    assert platform.left() == []


def test_nothing_survives_a_killed_run(start_platform: StartPlatform) -> None:
    platform = start_platform()
    platform.process.kill()
    platform.process.wait(PATIENCE)
    until(lambda: not platform.left(), "the end of every process")


def test_two_copies(start_platform: StartPlatform) -> None:
    one, other = start_platform("a"), start_platform("b")
    assert one.healthy()
    assert one.stop() == 0
    assert other.healthy()


def test_it_prints_the_addresses(start_platform: StartPlatform) -> None:
    platform = start_platform(NEURONOVA_AET="NEURO1")
    until(lambda: "Ctrl-C" in platform.output.read_text(), "the addresses")
    text = platform.output.read_text()
    for expected in (f"{platform.url}/", "NEURO1", str(platform.settings.dicom_port), "/api/v1/"):
        assert expected in text


def refused(variables: dict[str, str], *, folder: Path = Path("/"), user: int | None = None) -> str:
    """Run `neuronova run`, which must fail with one line on stderr; return it."""
    done = subprocess.run(
        [NEURONOVA, "run"],
        env=variables,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        cwd=folder,
        user=user,
        check=False,
    )
    assert done.returncode != 0
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1, done.stderr
    return done.stderr


@pytest.mark.parametrize(
    "name", ["HTTP_PORT", "DICOM_PORT", "ORTHANC_PORT", "API_PORT", "INFERENCE_PORT", "NOTIFICATIONS_PORT", "MPPS_PORT"]
)
def test_a_taken_port_is_named(tmp_path: Path, name: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", free_ports(6)[5]))
        taken.listen()
        port = str(taken.getsockname()[1])
        line = refused(environment(tmp_path, **{f"NEURONOVA_{name}": port}))
    assert f"port {port} is taken; set NEURONOVA_{name}" in line


def test_a_file_in_place_of_the_data_folder_is_named(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    line = refused(environment(file))
    assert str(file) in line
    assert "NEURONOVA_DATA" in line


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"NEURONOVA_HTP_PORT": "1"}, "NEURONOVA_HTP_PORT is not a setting"),
        ({"NEURONOVA_HTTP_PORT": "http"}, "a port number"),
        ({"NEURONOVA_AET": ""}, "NEURONOVA_AET is empty"),
        ({"NEURONOVA_BIND": "203.0.113.9"}, "NEURONOVA_BIND"),
        ({"NEURONOVA_DATA": "/tmp/" + "x" * 90}, "too long"),
        ({"NEURONOVA_DATA": "/tmp/a$b"}, "contains '$'"),
    ],
)
def test_odd_settings_are_named(tmp_path: Path, changes: dict[str, str], named: str) -> None:
    assert named in refused(environment(tmp_path, **changes))


def test_a_part_that_cannot_start_is_named_with_its_log(tmp_path: Path) -> None:
    variables = environment(tmp_path / "data")
    (tmp_path / "data" / "orthanc" / "index").mkdir(parents=True)
    done = subprocess.run(
        [NEURONOVA, "run"], env=variables, capture_output=True, text=True, timeout=PATIENCE, cwd=tmp_path, check=False
    )
    assert done.returncode == 1
    assert "orthanc ended each time it was started" in done.stderr
    assert "SQLite" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_setting_in_dotenv_is_read_and_the_environment_wins(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("NEURONOVA_AET='TOO LONG AN AE TITLE'\n")
    assert "NEURONOVA_AET=" in refused(environment(tmp_path / "data"), folder=tmp_path)
    (tmp_path / ".env").write_text("NEURONOVA_HTTP_PORT=none\nNEURONOVA_BIND=203.0.113.9\n")
    assert "203.0.113.9" in refused(environment(tmp_path / "data"), folder=tmp_path)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_an_unwritable_data_folder_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir(mode=0o555)
    for open_to_all in (tmp_path, *tmp_path.parents):
        if open_to_all != Path("/"):
            open_to_all.chmod(0o755)
    line = refused(environment(folder), user=65534)
    assert "cannot write to" in line
    assert "set NEURONOVA_DATA to a folder of your own" in line


def test_demo_without_a_platform_says_so(tmp_path: Path) -> None:
    variables = environment(tmp_path / "data")
    done = subprocess.run(
        [NEURONOVA, "demo"], env=variables, capture_output=True, text=True, timeout=PATIENCE, cwd=tmp_path, check=False
    )
    assert done.returncode == 1
    assert "start the platform with `make run` first" in done.stderr
    assert done.stderr.count("\n") == 1
