"""Every call that leaves the process says how long it waits. Ruff's S113 sees this of `requests.get` alone."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from neuronova.platform.layout import REPOSITORY

PACKAGES = ("neuronova", "orthanc_plugins", "cdss_api", "inference")
# A dump takes as long as there is data; whoever asked for it sees it, and may end it.
UNBOUNDED = {("neuronova/backup/postgres.py", "subprocess.run")}
_CALLS = re.compile(
    r"(.*\.)?(HTTPS?Connection(Pool)?|create_connection|SMTP(_SSL)?|PyJWKClient|urlopen)"
    r"|subprocess\.(run|call|check_call|check_output)"
    r"|(requests|.*session(\(\))?|asking)\.(request|get|post|put|patch|delete|head)"
)
_WITHOUT = re.compile(r".*connections\.urlopen")  # a pool has it for all its calls


def waiting_for_ever(source: str) -> list[str]:
    """Return the calls in a module that name no time-out."""
    tree = ast.parse(source)
    over_http = any(isinstance(one, ast.Import) and one.names[0].name == "requests" for one in ast.walk(tree))
    found = [ast.unparse(one.func) for one in ast.walk(tree) if isinstance(one, ast.Call) and _waits(one, over_http)]
    if ".associate(" in source and not {"connection_timeout", "dimse_timeout"} <= set(re.findall(r"\w+", source)):
        found.append("associate")
    return found


def _waits(call: ast.Call, over_http: bool) -> bool:
    name = ast.unparse(call.func)
    if name == "psycopg.connect":
        return "connect_timeout" not in ast.unparse(call) and "UNTIL_LOST" not in ast.unparse(call)
    if not _CALLS.fullmatch(name) or _WITHOUT.fullmatch(name):
        return False
    if "session" in name and (not over_http or _is_of_a_table(call)):
        return False
    return "timeout" not in {one.arg for one in call.keywords}


def _is_of_a_table(call: ast.Call) -> bool:
    """Tell whether it is SQLAlchemy's `session.get(Model, ..)` or `session.delete(row)`."""
    return (
        bool(call.args) and isinstance(call.args[0], ast.Name) and (call.args[0].id[0].isupper() or len(call.args) == 1)
    )


@pytest.mark.parametrize(
    "source",
    [
        "requests.get(url)",
        "import requests\nself._session.request(method, self._url + path, headers=sent)",
        "import requests\nself._session().post(f'{url}/instances', data=content)",
        "http.client.HTTPConnection(host, port)",
        "socket.create_connection((host, port))",
        "smtplib.SMTP(host, port)",
        "subprocess.run(command, check=True)",
        "psycopg.connect(address, autocommit=True)",
        "entity.dimse_timeout = 5\nentity.associate(host, port)",
    ],
)
def test_a_call_without_one_is_found(source: str) -> None:
    assert len(waiting_for_ever(source)) == 1


@pytest.mark.parametrize(
    "source",
    [
        "requests.get(url, timeout=5)",
        "import requests\nself._session.get(self._url + path, timeout=TIMEOUT)",
        "import requests\nwork.session.get(Account, 'kim')",
        "session.get(Account, 'kim')",
        "subprocess.run(command, timeout=3)",
        "psycopg.connect(address, connect_timeout=5)",
        "psycopg.connect(**given | UNTIL_LOST)",
        "entity.connection_timeout = entity.dimse_timeout = 5\nentity.associate(host, port)",
    ],
)
def test_a_call_with_one_is_left(source: str) -> None:
    assert waiting_for_ever(source) == []


def test_every_call_says_how_long_it_waits() -> None:
    files = [file for package in PACKAGES for file in sorted((REPOSITORY / package).rglob("*.py"))]
    found = {(_named(file), call) for file in files for call in waiting_for_ever(file.read_text(encoding="utf-8"))}
    assert found == UNBOUNDED


def _named(file: Path) -> str:
    return str(file.relative_to(REPOSITORY))
