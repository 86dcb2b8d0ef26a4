"""How the tests are shared out."""

from __future__ import annotations

import pytest

from neuronova.platform.layout import REPOSITORY
from tests.sharing import APART, LONGEST, ON_POSTGRESQL, TOGETHER, is_long, rank, unit_of


@pytest.mark.parametrize("named", [*TOGETHER, *APART, *LONGEST, *ON_POSTGRESQL])
def test_what_is_named_exists(named: str) -> None:
    assert (REPOSITORY / named).exists()


@pytest.mark.parametrize(
    ("nodeid", "unit"),
    [
        ("tests/viewer/test_login.py::test_a", "tests/viewer"),
        ("tests/platform/test_running.py::test_a[x::y]", "tests/platform/test_running.py::test_a[x::y]"),
        ("tests/unit/test_token.py::test_a", "tests/unit/test_token.py"),
    ],
    ids=["a folder", "a test", "a file"],
)
def test_what_a_test_is_handed_out_with(nodeid: str, unit: str) -> None:
    assert unit_of(nodeid) == unit


def test_the_longest_come_first_and_then_those_of_most_tests() -> None:
    counts = {"tests/viewer": 50, "tests/a/test_few.py": 2, "tests/a/test_many.py": 90}
    nodes = ["tests/a/test_few.py::t", "tests/a/test_many.py::t", "tests/viewer/test_login.py::t"]
    assert sorted(nodes, key=lambda one: rank(one, counts)) == [nodes[2], nodes[1], nodes[0]]


@pytest.mark.parametrize(
    ("nodeid", "long"),
    [
        ("tests/emr/test_worker.py::test_a_worker[sqlite-slow]", True),
        ("tests/emr/test_worker.py::test_a_worker[postgresql-slow]", False),
        ("tests/emr/test_worker.py::test_a_worker", False),
        ("tests/fhir/test_search.py::test_a_search[sqlite]", False),
    ],
)
def test_what_is_left_to_the_long_form(nodeid: str, long: bool) -> None:
    assert is_long(nodeid) is long
