"""`/api/v1/overview`."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import Response, jsonify
from flask_openapi3 import APIBlueprint
from pydantic import BaseModel, Field

from cdss_api.accounts.bearer import guarded_routes, requires
from cdss_api.health import HealthAnswer
from cdss_api.health.checks import look_at
from cdss_api.health.side_by_side import SideBySide
from cdss_api.input import Input
from cdss_api.overview.gathering import counted, disk
from cdss_api.service import Service
from neuronova.backup.last import read_last
from neuronova.contract.roles import Permission


class OverviewQuery(Input):
    """Where the reader's days begin."""

    zone: int = Field(default=0, ge=-720, le=840, description="Minutes that the reader's clock is before UTC's.")


class Day(BaseModel):
    """How many studies came on a day."""

    day: str
    studies: int


class JobCount(BaseModel):
    """How many jobs are in a state."""

    state: str
    count: int


class TargetState(BaseModel):
    """What waits for a target."""

    target: str
    own: bool
    profile: str | None
    paused: bool
    waiting: int
    dead: int
    oldest_seconds: float
    breaker: str


class Disk(BaseModel):
    """The data folder's disk."""

    bytes: int
    free_bytes: int
    reserve_bytes: int


class StandingAnswer(BaseModel):
    """How everything stands; `days` ends with today, `backup` is when the last one was made, in seconds since 1970."""

    now: float
    health: HealthAnswer
    days: list[Day]
    unreported: int
    held: int
    jobs: list[JobCount]
    targets: list[TargetState]
    disk: Disk
    backup: float | None


def blueprint(service: Service, checks: SideBySide[dict[str, Any]]) -> APIBlueprint:
    """Return the route; `checks` are those of the health routes, so that none is run twice at a time."""
    routes = guarded_routes("overview", "/api/v1/overview", tag="health")
    settings = service.settings

    @routes.get("", responses={"200": StandingAnswer})
    @requires(service, Permission.PLATFORM_HEALTH)
    def overview(query: OverviewQuery) -> Response:
        """Tell how every part stands, what came, and what waits."""
        now = service.now()
        with service.database.reading() as session:
            found = counted(session, now, timedelta(minutes=query.zone))
        room = disk(settings.data) | {"reserve_bytes": settings.disk_reserve << 20}
        found |= {"now": now, "health": look_at(checks), "disk": room, "backup": read_last(settings.data)}
        return jsonify(found)

    return routes
