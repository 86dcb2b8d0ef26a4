"""W3C Trace Context, and what of this thread's work belongs to which span."""

from __future__ import annotations

import pytest

from neuronova.contract.trace import TraceContext, is_trace_id, read_traceparent
from neuronova.telemetry import current
from neuronova.telemetry.serving import serving
from neuronova.telemetry.spans import Open, Span, carried, export_to, span

TRACE, OWN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
CONTEXT = TraceContext(TRACE, OWN)


def test_a_context_is_read_as_it_is_written() -> None:
    assert CONTEXT.traceparent == f"00-{TRACE}-{OWN}-01"
    assert read_traceparent(CONTEXT.traceparent) == CONTEXT


@pytest.mark.parametrize(
    "odd",
    [
        None,
        "",
        f"00-{TRACE}-{OWN}",
        f"01-{TRACE}-{OWN}-01",
        f"00-{'0' * 32}-{OWN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{OWN}-01",
        f"00-{TRACE}-{OWN}-01\n",
        f"00-{TRACE}-{OWN}-01-more",
    ],
)
def test_what_is_odd_names_no_context(odd: str | None) -> None:
    assert read_traceparent(odd) is None


def test_a_trace_has_a_name_of_its_form() -> None:
    assert is_trace_id(TRACE)
    assert not any(map(is_trace_id, (None, "", TRACE[1:], "0" * 32, TRACE + "\n", "g" * 32)))


@pytest.fixture
def told() -> list[Span]:
    return []


@pytest.fixture(autouse=True)
def _exporting(told: list[Span]) -> object:
    export_to(told.append)
    yield
    export_to(None)


def test_spans_are_one_in_another(told: list[Span]) -> None:
    ticks = iter((1.0, 2.0, 3.0, 5.0))
    with span("outer", clock=lambda: next(ticks)), span("inner", clock=lambda: next(ticks), study="s", no=None):
        pass
    inner, outer = told
    assert (inner.parent, outer.parent) == (outer.context, None)
    assert inner.context.trace_id == outer.context.trace_id
    assert (inner.began, inner.ended, outer.began, outer.ended) == (2.0, 3.0, 1.0, 5.0)
    assert inner.attributes == {"neuronova.study": "s"}
    assert current.context() is None


def test_an_error_makes_a_span_fail_by_its_type_alone(told: list[Span]) -> None:
    with pytest.raises(ValueError, match="Kim"), span("odd"):
        raise ValueError("Kim")
    assert [one.failed for one in told] == ["ValueError"]


def test_a_span_that_is_dropped_is_not_told(told: list[Span]) -> None:
    with span("looked") as opened:
        opened.drop()
    assert told == []


@pytest.mark.parametrize(
    ("headers", "trace", "parent"),
    [
        ({"x-request-id": TRACE}, TRACE, None),
        ({"traceparent": CONTEXT.traceparent}, TRACE, CONTEXT),
        ({"traceparent": CONTEXT.traceparent, "x-request-id": "ab" * 16}, TRACE, CONTEXT),
        ({"x-request-id": "Kim"}, None, None),
        ({}, None, None),
    ],
)
def test_a_request_is_in_its_callers_trace_or_in_the_gateways(
    told: list[Span], headers: dict[str, str], trace: str | None, parent: TraceContext | None
) -> None:
    with serving("GET /x", headers):
        named = dict(current.names())
    (found,) = told
    assert found.parent == parent
    assert trace in (None, found.context.trace_id)
    known = headers.get("x-request-id", "")
    assert named == ({"request": known} if is_trace_id(known) else {})


def test_other_systems_are_told_the_span_where_it_is_exported() -> None:
    assert carried() == {}
    with span("out") as opened:
        assert carried() == {"traceparent": opened.context.traceparent}
        export_to(None)
        assert carried() == {}


def test_attributes_are_below_our_name() -> None:
    opened = Open(CONTEXT, "x")
    opened.add(job="1", reason=None)
    assert opened.attributes == {"neuronova.job": "1"}
