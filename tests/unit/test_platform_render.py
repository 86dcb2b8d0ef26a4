"""Settings to configuration, as tables."""

from __future__ import annotations

import configparser
import json
import re
import shlex
from pathlib import Path

import pytest

from neuronova.contract.orthancs import number_of
from neuronova.contract.settings import NAMES, read_settings
from neuronova.platform import render
from neuronova.platform.environment import orthanc_variables, platform_environment
from neuronova.platform.errors import PlatformError
from neuronova.platform.layout import REPOSITORY, Layout
from neuronova.platform.preflight import check_path
from neuronova.platform.programs import Programs
from neuronova.platform.viewer import wanted
from orthanc_plugins.listening import loopback_ports

PROGRAMS = Programs(orthanc="/usr/sbin/Orthanc", nginx="/usr/sbin/nginx", plugins=Path("/plugins"))
SEVERAL = {"MORE_ORTHANCS": "8143:4343", "ORTHANC_INDEX_URL": "postgresql://h/d"}
LAYOUT = Layout(Path("/data folder"))
TEMPLATE = render.GATEWAY_TEMPLATE.read_text()


def gateway(**changes: str) -> str:
    settings = read_settings({f"NEURONOVA_{name}": value for name, value in changes.items()})
    return render.gateway_config(TEMPLATE, settings, LAYOUT, user=None)


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({}, "listen 127.0.0.1:8080;"),
        ({"BIND": "0.0.0.0", "HTTP_PORT": "80"}, "listen 0.0.0.0:80;"),
        ({"BIND": "::"}, "listen [::]:8080;"),
        ({}, "proxy_set_header X-Forwarded-Host $http_host;"),
        ({"PUBLIC_URL": "https://pacs.example.org"}, "proxy_set_header X-Forwarded-Host pacs.example.org;"),
        ({"PUBLIC_URL": "https://pacs.example.org"}, "proxy_set_header X-Forwarded-Proto https;"),
        ({"ORTHANC_PORT": "9042"}, "server 127.0.0.1:9042;"),
        ({}, 'root "/data folder/viewer";'),
        (
            SEVERAL,
            "server 127.0.0.1:8042 max_fails=1 fail_timeout=1s; server 127.0.0.1:8143 max_fails=1 fail_timeout=1s;",
        ),
        (SEVERAL, "server 127.0.0.1:8143 backup max_fails=1 fail_timeout=1s;"),
    ],
)
def test_gateway(changes: dict[str, str], line: str) -> None:
    assert line in gateway(**changes)


def test_the_template_is_filled_completely() -> None:
    assert not re.search(r"@[A-Z_]+@", gateway())
    with pytest.raises(KeyError):
        render.fill("@UNKNOWN@", {})


def test_the_supervisor_runs_each_program_under_its_own_death() -> None:
    settings = read_settings({})
    commands = render.commands(settings, LAYOUT, PROGRAMS, Path("/venv/bin/python"))
    config = configparser.RawConfigParser()
    config.read_string(render.supervisor_config(LAYOUT, commands, user="root"))
    assert config["supervisord"]["user"] == "root"
    for name, command in commands.items():
        words = shlex.split(config[f"program:{name}"]["command"])
        assert words == ["setpriv", "--pdeathsig", "TERM", "--", *command]
        assert config[f"program:{name}"]["stdout_logfile"] == f"/data folder/log/{name}.log"


@pytest.mark.parametrize("part", ["api", "notifications", "inference"])
def test_a_machine_that_stands_still_for_two_minutes_ends_no_process(part: str) -> None:
    command = render.commands(read_settings({}), LAYOUT, PROGRAMS, Path("/venv/bin/python"))[part]
    assert int(command[command.index("--timeout") + 1]) > 120


def test_a_further_orthanc_is_told_of_its_own_ports() -> None:
    settings = read_settings({f"NEURONOVA_{name}": text for name, text in SEVERAL.items()})
    commands = render.commands(settings, LAYOUT, PROGRAMS, Path("/venv/bin/python"))
    assert list(commands)[:2] == ["orthanc", "orthanc-2"]
    env, *words = commands["orthanc-2"]
    own = dict(word.split("=", 1) for word in words if "=" in word)
    common = platform_environment(settings, LAYOUT, PROGRAMS, {})
    assert (env, words[len(own) :]) == ("env", commands["orthanc"])
    assert (own["ORTHANC_HTTP_PORT"], own["ORTHANC_DICOM_PORT"]) == ("8143", "4343")
    assert (number_of(common), number_of(common | own)) == (1, 2)
    further = read_settings({name: text for name, text in (common | own).items() if name.startswith("NEURONOVA_")})
    assert (further.orthanc_port, further.dicom_port, further.more_orthancs) == (8143, 4343, ())
    assert common["ORTHANC_INDEX_LOCK"] == "false"


def test_every_variable_of_orthanc_json_is_set() -> None:
    text = (REPOSITORY / "orthanc.json").read_text()
    settings = read_settings({"NEURONOVA_AET": 'A"B', "NEURONOVA_ORTHANC_PORT": "9042"})
    variables = orthanc_variables(settings, LAYOUT, PROGRAMS)
    plain = "\n".join(line for line in text.splitlines() if not line.strip().startswith("//"))
    assert set(re.findall(r"\$\{([A-Z_]+)\}", plain)) == set(variables)
    filled = json.loads(re.sub(r"\$\{([A-Z_]+)\}", lambda match: variables[match[1]], plain))
    assert filled["DicomAet"] == 'A"B'
    assert filled["HttpPort"] == 9042
    assert filled["Plugins"] == ["/plugins/libOrthancPython.so", "/plugins/libOrthancDicomWeb.so"]
    assert (filled["PostgreSQL"]["EnableIndex"], filled["PostgreSQL"]["ConnectionUri"]) == (False, "")


def test_orthanc_is_told_of_an_index_in_postgresql_alone_where_there_is_one() -> None:
    address = 'postgresql://u:p"w@h/d'
    variables = orthanc_variables(read_settings({"NEURONOVA_ORTHANC_INDEX_URL": address}), LAYOUT, PROGRAMS)
    assert json.loads(variables["ORTHANC_PLUGINS"])[-1] == "/plugins/libOrthancPostgreSQLIndex.so"
    assert json.loads(f'"{variables["ORTHANC_INDEX_URL"]}"') == address
    assert variables["ORTHANC_INDEX_IN_POSTGRESQL"] == "true"


def test_the_environment_carries_the_settings_and_no_foreign_python() -> None:
    settings = read_settings({"NEURONOVA_AET": "A"})
    found = platform_environment(settings, LAYOUT, PROGRAMS, {"PYTHONHOME": "/x", "NEURONOVA_AET": "B", "LANG": "C"})
    assert read_settings(found) == settings
    assert "PYTHONHOME" not in found
    assert found["LANG"] == "C"
    assert (found["TCP_NODELAY"], found["MALLOC_ARENA_MAX"]) == ("1", "5")
    own = platform_environment(settings, LAYOUT, PROGRAMS, {"MALLOC_ARENA_MAX": "2"})
    assert own["MALLOC_ARENA_MAX"] == "2"


@pytest.mark.parametrize(
    ("bind", "ports"),
    [("127.0.0.1", {8042, 4242}), ("::1", {8042, 4242}), ("localhost", {8042, 4242}), ("0.0.0.0", {8042})],
)
def test_ports_kept_to_loopback(bind: str, ports: set[int]) -> None:
    assert loopback_ports(read_settings({"NEURONOVA_BIND": bind})) == ports


@pytest.mark.parametrize(
    ("member", "place"),
    [
        ("package/dist/index.html", "index.html"),
        ("package/dist/assets/a.png", "assets/a.png"),
        ("package/dist/ort/x.wasm", None),
        ("package/dist/app-config.js", None),
        ("package/LICENSE", None),
    ],
)
def test_what_of_the_viewer_is_laid_out(member: str, place: str | None) -> None:
    found = wanted(member)
    assert (None if found is None else str(found)) == place


@pytest.mark.parametrize("odd", ['a"b', "a%b", "a;b", "a$b", "a\nb", "a{b"])
def test_odd_paths_are_refused(odd: str) -> None:
    with pytest.raises(PlatformError, match="choose a folder"):
        check_path(Path(odd), "NEURONOVA_DATA")


def test_env_example_lists_exactly_the_settings() -> None:
    text = (REPOSITORY / ".env.example").read_text()
    assert re.findall(r"^(?:# )?(NEURONOVA_\w+)=", text, re.MULTILINE) == list(NAMES)
