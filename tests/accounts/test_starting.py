"""The first start: an account to begin with, told once."""

from __future__ import annotations

from cdss_api.starting import open_service, prepare
from neuronova.contract.settings import read_settings
from tests.accounts.api import Api, Hasher
from tests.running import ADMIN_PASSWORD


def test_the_first_password_comes_from_the_settings(api: Api) -> None:
    assert api.said == []
    assert api.log_in("admin", ADMIN_PASSWORD).status_code == 200


def test_or_it_is_made_and_told_once(variables: dict[str, str]) -> None:
    del variables["NEURONOVA_ADMIN_PASSWORD"]
    api = Api(read_settings(variables))
    (line,) = api.said
    password = line.split("its password ")[1].split()[0]
    assert len(password) >= 20
    assert api.log_in("admin", password).status_code == 200
    prepare(api.service, api.said.append)
    assert api.said == [line]
    api.service.database.close()


def test_a_later_setting_changes_no_password(api: Api, variables: dict[str, str]) -> None:
    later = read_settings(variables | {"NEURONOVA_ADMIN_PASSWORD": "another one entirely"})
    service = open_service(later, hasher=Hasher())
    prepare(service, api.said.append)
    service.database.close()
    assert api.log_in("admin", ADMIN_PASSWORD).status_code == 200
    assert api.log_in("admin", "another one entirely").status_code == 401
