"""How many messages are claimed, and of which streams."""

from __future__ import annotations

import pytest

from cdss_api.outbox.claiming import claim
from tests.outbox.sending import Bench

# Three streams of five messages each: at most how many, how deep, and how many of each stream are claimed.
CLAIMS = [
    (1, 1, [1]),
    (1, 10, [1]),
    (2, 1, [1, 1]),
    (2, 10, [2]),
    (3, 1, [1, 1, 1]),
    (7, 3, [3, 3, 1]),
    (7, 10, [5, 1, 1]),
    (9, 1, [3, 3, 3]),
    (12, 10, [5, 3, 3]),
    (50, 10, [5, 5, 5]),
]


@pytest.mark.parametrize(("most", "depth", "expected"), CLAIMS)
def test_no_more_is_claimed_than_is_asked_for(bench: Bench, most: int, depth: int, expected: list[int]) -> None:
    written = {name: [bench.write(f"{name}{n}", aggregate=name) for n in range(5)] for name in "abc"}
    with bench.database.writing() as session:
        claims = claim(session, "emr", bench.now, bench.policy, most, depth)
    assert [len(one.deliveries) for one in claims] == expected
    for one in claims:  # the first of each stream, in their order
        numbers = [delivery.number for delivery in one.deliveries]
        assert numbers == written[one.deliveries[0].aggregate][: len(numbers)]
