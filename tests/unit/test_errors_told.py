"""The page of errors against the code: each is told, and none is told that is not there."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from cdss_api.mpps.steps import Failure
from neuronova.platform.layout import REPOSITORY
from orthanc_plugins.access.decision import Decision, Reason
from orthanc_plugins.duplicates import OTHER_CONTENT
from orthanc_plugins.room import OUT_OF_RESOURCES

_ALLOWING = frozenset({"internal", "role", "care-team", "own", "break-glass", "recent", "listed"})
_ROW = re.compile(r"^\| ([0-9, ]+) \| (`[^|]+`) \|", re.MULTILINE)
_STATUSES = re.compile(r"^\| ([0-9A-F, ]+) \| (?:C-STORE|MPPS) \|", re.MULTILINE)


def raised() -> Iterator[tuple[int, str]]:
    """Yield status and code of each Problem that is made with words."""
    for part in ("cdss_api", "inference", "neuronova"):
        for file in (REPOSITORY / part).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text())):
                if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) == "Problem":
                    words = [one.value for one in node.args[:2] if isinstance(one, ast.Constant)]
                    match words:
                        case [int(status), str(code)] if status >= 400:
                            yield status, code


def told() -> set[tuple[int, str]]:
    """Return status and code of each row."""
    page = (REPOSITORY / "docs" / "errors.md").read_text()
    return {
        (int(status), code)
        for statuses, codes in _ROW.findall(page)
        for status in statuses.split(", ")
        for code in re.findall("`([^`]+)`", codes)
    }


def test_each_error_is_told_with_its_status() -> None:
    found = set(raised())
    assert len(found) > 60
    assert found - told() == set()


def test_each_refusal_of_an_image_is_told() -> None:
    refusals = {(Decision(False, one).status, one.value) for one in Reason if one.value not in _ALLOWING}
    assert refusals - told() == set()


def test_nothing_is_told_that_is_not_answered() -> None:
    sources = "".join(
        file.read_text()
        for part in ("cdss_api", "inference", "neuronova", "orthanc_plugins")
        for file in (REPOSITORY / part).rglob("*.py")
    )
    assert [code for _, code in sorted(told()) if f'"{code}"' not in sources] == []


def test_the_statuses_of_dicom_are_told() -> None:
    page = (REPOSITORY / "docs" / "errors.md").read_text()
    found = {int(one, 16) for row in _STATUSES.findall(page) for one in row.split(", ")}
    assert found == {OUT_OF_RESOURCES, OTHER_CONTENT, *Failure}
