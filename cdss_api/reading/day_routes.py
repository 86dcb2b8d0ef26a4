"""`/api/v1/worklist`: a day's orders for the technologist, and what they say of each."""

from __future__ import annotations

from typing import Annotated

from flask import Response, jsonify
from flask_openapi3 import APIBlueprint
from pydantic import BaseModel, ConfigDict, StringConstraints, model_validator

from cdss_api.accounts.bearer import guarded_routes, requires
from cdss_api.fhir.document import Document
from cdss_api.fhir.interactions import alone_with
from cdss_api.fhir.moment import instant
from cdss_api.fhir.query import parse
from cdss_api.fhir.searching import matching
from cdss_api.fhir.store import Store, Stored
from cdss_api.fhir.validation import check
from cdss_api.input import Input
from cdss_api.reading.asking import changing, looking
from cdss_api.reading.day import of_day
from cdss_api.reading.performing import MINE, Performed, task_of
from cdss_api.reading.progress import Progress
from cdss_api.reading.shapes import Day, OneLine, OrderShown, PersonShown
from cdss_api.service import Service
from cdss_api.worklist.mapping import is_imaging
from neuronova.contract.audit import Action
from neuronova.contract.roles import Permission
from neuronova.web.problems import Problem


class DayQuery(Input):
    """Which day, of the hospital's own calendar."""

    day: Day


class DayRow(OrderShown):
    """One order of the day; `performed` is what a technologist said last."""

    order: str
    time: str
    stations: list[str]
    modality: str
    priority: str
    patient: PersonShown
    progress: Progress
    performed: str
    not_done_reason: str
    studies: list[str]


class DayAnswer(BaseModel):
    """The day's orders in the order of their times."""

    day: str
    orders: list[DayRow]


class OrderPath(Input):
    """Which ServiceRequest."""

    order: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9.-]{1,64}$")]


class PerformedBody(Input):
    """What a technologist says of it; that it was not done has a reason."""

    model_config = ConfigDict(extra="forbid")
    performed: Performed
    reason: OneLine = ""

    @model_validator(mode="after")
    def _has_reason(self) -> PerformedBody:
        if self.performed is Performed.NOT_DONE and not self.reason.strip():
            raise ValueError("not-done needs a reason")
        return self


class PerformedAnswer(BaseModel):
    """The Task that says so now."""

    order: str
    performed: str
    task: str
    version: int


def blueprint(service: Service) -> APIBlueprint:
    """Return the routes."""
    routes = guarded_routes("worklist_day", "/api/v1/worklist", tag="worklist")

    @routes.get("/day", responses={"200": DayAnswer})
    @requires(service, Permission.RECORDS_READ)
    def day(query: DayQuery) -> Response:
        """List the imaging orders of a day."""
        with looking(service) as asking:
            rows = of_day(asking.seen.session, asking.seen.compartments, query.day)
            asking.touched(Action.QUERY, None)
        return jsonify({"day": query.day.isoformat(), "orders": rows})

    @routes.put("/orders/<order>", responses={"200": PerformedAnswer})
    @requires(service, Permission.ORDERS_WRITE)
    def perform(path: OrderPath, body: PerformedBody) -> Response:
        """Say that a patient has arrived, that the examination was done, or that it was not, and why."""
        with changing(service) as asking:
            order = asking.seen.read("ServiceRequest", path.order).document()
            stored = _said(asking.writer, order, body.performed, body.reason.strip())
            asking.touched(Action.STORE, stored)
        told = {"order": path.order, "performed": body.performed.value, "task": stored.id, "version": stored.version}
        return jsonify(told)

    return routes


def _said(store: Store, order: Document, performed: Performed, reason: str) -> Stored:
    """Write what was said as the order's one Task; the last to say something is right, and versions keep the rest."""
    if not is_imaging(order) or order.get("status") not in ("active", "completed", "on-hold"):
        raise Problem(409, "not_open", "This is no imaging order, or it was withdrawn.")
    named = [("identifier", f"{MINE}|{order['id']}")]
    alone_with(store, "Task", named)
    known = matching(store, parse("Task", named, strict=True), 1)
    before = known[0].document() if known else None
    task = task_of(order, before, performed, reason, instant(store.now))
    check(task)
    return store.update("Task", known[0].id, task)[0] if known else store.create("Task", task)
