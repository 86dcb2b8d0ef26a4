"""Whose a study is, as Orthanc knows it: the service itself knows patients and no studies."""

from __future__ import annotations

import requests

from cdss_api.accounts.service_tokens import token
from cdss_api.service import Service
from neuronova.contract.grants import Patient
from neuronova.contract.roles import Permission
from neuronova.contract.token import TOKEN_HEADER
from neuronova.web.problems import Problem

_TIMEOUT = 5.0  # seconds


def patients_of(service: Service, study: str) -> list[Patient]:
    """Return all patients under whom a StudyInstanceUID exists.

    Raises:
        Problem: Orthanc does not answer.
    """
    headers = {TOKEN_HEADER: token(service, "access", (Permission.ARCHIVE_MANAGE,))}
    url = f"{service.settings.orthanc_url}/neuronova/holdings"
    try:
        answer = requests.get(url, params={"study": study}, headers=headers, timeout=_TIMEOUT)
        answer.raise_for_status()
        return [Patient(one["patient_id"], one["issuer"]) for one in answer.json()["patients"]]
    except (requests.RequestException, ValueError, KeyError):
        raise Problem(503, "archive_unavailable", "The archive does not answer; try again in a moment.") from None
