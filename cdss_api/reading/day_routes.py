"""`/api/v1/worklist`: a day's orders for the technologist, and what they say of each."""

from __future__ import annotations

from typing import Annotated

from flask import Response, jsonify
from flask_openapi3 import APIBlueprint
from pydantic import BaseModel, ConfigDict, StringConstraints, model_validator

from cdss_api.accounts.bearer import guarded_routes, requires
from cdss_api.input import Input
from cdss_api.mpps.listing import steps_without_order
from cdss_api.mpps.steps import StepStatus
from cdss_api.reading.asking import changing, looking
from cdss_api.reading.day import of_day, span_of
from cdss_api.reading.performing import Performed
from cdss_api.reading.progress import Progress
from cdss_api.reading.saying import is_carried_out, say
from cdss_api.reading.shapes import Day, OneLine, OrderShown, PersonShown
from cdss_api.service import Service
from neuronova.contract.audit import Action
from neuronova.contract.roles import Permission
from neuronova.web.problems import Problem


class DayQuery(Input):
    """Which day, of the hospital's own calendar."""

    day: Day


class StepShown(BaseModel):
    """A step as its modality tells of it (MPPS); `ended` is empty while it goes on."""

    uid: str
    station: str
    modality: str
    status: StepStatus
    began: str
    ended: str
    reason: str
    series: int


class UnscheduledStep(StepShown):
    """A step that fits no order, and whom it names."""

    patient_id: str
    issuer: str
    patient_name: str
    accession_numbers: list[str]


class DayRow(OrderShown):
    """One order of the day; `performed` is what a technologist or a modality said last."""

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
    steps: list[StepShown]


class DayAnswer(BaseModel):
    """The day's orders in the order of their times; and steps that fit none, for who may match studies."""

    day: str
    orders: list[DayRow]
    unscheduled: list[UnscheduledStep]


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
            session = asking.seen.session
            rows = of_day(session, asking.seen.compartments, query.day)
            may_match = Permission.IMAGING_MATCH in asking.bearer.claims.permissions
            others = steps_without_order(session, *span_of(query.day)) if may_match else []
            asking.touched(Action.QUERY, None)
        return jsonify({"day": query.day.isoformat(), "orders": rows, "unscheduled": others})

    @routes.put("/orders/<order>", responses={"200": PerformedAnswer})
    @requires(service, Permission.ORDERS_WRITE)
    def perform(path: OrderPath, body: PerformedBody) -> Response:
        """Say that a patient has arrived, that the examination was done, or that it was not, and why."""
        with changing(service) as asking:
            order = asking.seen.read("ServiceRequest", path.order).document()
            if not is_carried_out(order):
                raise Problem(409, "not_open", "This is no imaging order, or it was withdrawn.")
            stored = say(asking.writer, order, body.performed, body.reason.strip())
            asking.touched(Action.STORE, stored)
        told = {"order": path.order, "performed": body.performed.value, "task": stored.id, "version": stored.version}
        return jsonify(told)

    return routes
