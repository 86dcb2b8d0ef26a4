"""`/api/v1/settings`: what is in force, for who runs the platform."""

from __future__ import annotations

from typing import Literal

from flask import Response, jsonify
from flask_openapi3 import APIBlueprint
from pydantic import BaseModel, Field

from cdss_api.accounts import recording
from cdss_api.accounts.bearer import bearer, guarded_routes, requires
from cdss_api.service import Service
from cdss_api.settings.told import told
from neuronova.contract.roles import Permission
from neuronova.doctor.finding import Outcome
from neuronova.doctor.weak_settings import look_at_settings


class SettingEntry(BaseModel):
    """A setting; `value` is none for a secret, and where nothing is set."""

    name: str
    secret: bool
    is_set: bool = Field(description="It has a value, be it its default.")
    value: str | None
    origin: Literal["environment", "dotenv", "secret-file", "default"]


class SettingWarning(BaseModel):
    """A setting that is allowed and unwise, and what to do about it."""

    name: str
    found: str
    advice: str


class InForceAnswer(BaseModel):
    """All settings as the API was started with, and what `neuronova doctor` says of them."""

    settings: list[SettingEntry]
    warnings: list[SettingWarning]


def blueprint(service: Service) -> APIBlueprint:
    """Return the route."""
    routes = guarded_routes("settings", "/api/v1/settings", tag="settings")

    @routes.get("", responses={"200": InForceAnswer})
    @requires(service, Permission.SETTINGS_READ)
    def show() -> Response:
        """Show the settings in force, where each comes from, and which of them are unwise; never a secret."""
        recording.write(service.record, bearer().actor, recording.Action.SETTINGS_SHOW)
        found = look_at_settings(service.settings, has_accounts=True)
        warnings = [
            SettingWarning(name=one.name, found=one.found, advice=one.advice)
            for one in found
            if one.outcome is not Outcome.OK
        ]
        entries = [SettingEntry.model_validate(one) for one in told(service.settings)]
        return jsonify(InForceAnswer(settings=entries, warnings=warnings).model_dump(mode="json"))

    return routes
