"""The settings in force: where each comes from, what is unwise, and that no secret is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from cdss_api.settings.told import told
from neuronova.contract.roles import Role
from neuronova.contract.settings import NAMES, PREFIX, SECRETS, Origin, origins_of, read_settings
from tests.accounts.api import Api, json_of
from tests.databases import api

__all__ = ["api"]
SECRET = "a-secret-that-nobody-is-told"
GIVEN = {
    "DATABASE_URL": f"postgresql://u:{SECRET}@h/d",
    "ORTHANC_INDEX_URL": f"postgresql://u:{SECRET}@h/index",
    "ADMIN_PASSWORD": SECRET,
    "BROKER_URL": f"redis://:{SECRET}@h/0",
    "BACKUP_REPOSITORY": f"rest:https://u:{SECRET}@h/",
    "BACKUP_PASSWORD": SECRET,
    "SMTP": "smtp://mail.example.org",
    "SMTP_FROM": "pacs@example.org",
    "SMTP_PASSWORD": SECRET,
}


@pytest.mark.parametrize(
    ("environment", "dotenv", "origin"),
    [
        ({"AET": "A"}, {}, Origin.ENVIRONMENT),
        ({}, {"AET": "A"}, Origin.DOTENV),
        ({"AET": "A"}, {"AET": "B"}, Origin.ENVIRONMENT),
        ({"AET_FILE": "/run/aet"}, {}, Origin.SECRET_FILE),
        ({}, {"AET_FILE": "/run/aet"}, Origin.SECRET_FILE),
        ({}, {}, None),
    ],
)
def test_where_a_setting_comes_from(environment: dict[str, str], dotenv: dict[str, str], origin: Origin | None) -> None:
    named = [
        {PREFIX + name: text for name, text in given.items()} | {"PATH": "/bin"} for given in (environment, dotenv)
    ]
    assert origins_of(*named) == ({} if origin is None else {"AET": origin})


def test_a_part_of_the_platform_knows_what_the_command_knew() -> None:
    first = read_settings({"NEURONOVA_AET": "CT1"})
    assert first.origins == {"AET": Origin.ENVIRONMENT}
    handed_on = read_settings(first.environment())  # in which every setting is a variable
    assert handed_on.origins == first.origins
    assert read_settings(read_settings({}).environment()).origins == {}


def test_no_secret_is_told() -> None:
    settings = read_settings({PREFIX + name: text for name, text in GIVEN.items()})
    rows = told(settings)
    assert [one["name"] for one in rows] == list(NAMES)
    assert SECRET not in str(rows)
    secrets = {one["name"]: one["is_set"] for one in rows if one["secret"]}
    assert secrets == {PREFIX + name: True for name in SECRETS}


def test_what_a_part_is_not_given_is_known_to_be_set() -> None:
    handed_on = read_settings({PREFIX + "BACKUP_PASSWORD": SECRET, PREFIX + "BACKUP_REPOSITORY": "/b"}).environment()
    del handed_on["NEURONOVA_BACKUP_PASSWORD"], handed_on["NEURONOVA_BACKUP_REPOSITORY"]
    (row,) = [one for one in told(read_settings(handed_on)) if one["name"] == "NEURONOVA_BACKUP_PASSWORD"]
    assert (row["is_set"], row["value"], row["origin"]) == (True, None, Origin.ENVIRONMENT)


def test_the_settings_are_shown_to_admins_and_that_is_recorded(api: Api) -> None:
    admin = api.admin()
    answer = json_of(api.client.get("/api/v1/settings", headers=admin))
    rows = {one["name"]: one for one in answer["settings"]}
    data = rows["NEURONOVA_DATA"]
    assert (Path(data["value"]), data["origin"]) == (api.service.settings.data, "environment")
    assert (rows["NEURONOVA_AET"]["value"], rows["NEURONOVA_AET"]["origin"]) == ("NEURONOVA", "default")
    assert rows["NEURONOVA_SYSLOG"] | {"is_set": False, "value": None} == rows["NEURONOVA_SYSLOG"]
    assert "settings-show done" in api.journal.actions()
    api.person(Role.RADIOLOGIST)
    assert api.client.get("/api/v1/settings", headers=api.bearer("radiologist")).status_code == 403


def test_what_is_unwise_is_said(tmp_path: Path) -> None:
    (tmp_path / "api").mkdir()
    settings = read_settings(
        {"NEURONOVA_DATA": str(tmp_path), "NEURONOVA_LOG_LEVEL": "debug", "NEURONOVA_ADMIN_PASSWORD": SECRET}
    )
    api = Api(settings)
    try:
        answer = json_of(api.client.get("/api/v1/settings", headers=api.bearer("admin", SECRET)))
    finally:
        api.service.database.close()
    assert [one["name"] for one in answer["warnings"]] == ["NEURONOVA_ADMIN_PASSWORD", "NEURONOVA_LOG_LEVEL"]
    assert SECRET not in str(answer)
