"""The HTJ2K of studies: asked of the plugin, which keeps what became of each instance."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import requests

from cdss_api.accounts.service_tokens import token
from cdss_api.imaging.archive import Archive, Unavailable
from cdss_api.service import Service
from neuronova.contract.roles import Permission
from neuronova.contract.token import TOKEN_HEADER

MOST_AT_ONCE = 10_000  # instances of one question, as the plugin takes them
_TIMEOUT = 25.0


class Encoding:
    """Orthanc and its plugin over loopback HTTP."""

    def __init__(self, service: Service) -> None:
        self._url = service.settings.orthanc_url
        self._token: Callable[[], str] = partial(token, service, "studies", (Permission.ARCHIVE_MANAGE,))
        self._archive = Archive(self._url, self._token)

    def instances(self, study: str) -> list[str]:
        """Return the instances of a study of Orthanc, by its identifiers.

        Raises:
            Unavailable: Orthanc does not answer.
        """
        return [one for series in self._archive.instances(study).values() for one in series]

    def outcomes(self, studies: Mapping[str, Sequence[str]]) -> dict[str, dict[str, Any]]:
        """Return what became of each study's instances.

        Raises:
            Unavailable: the plugin does not answer.
        """
        wanted = {study: list(instances) for study, instances in studies.items() if instances}
        found: dict[str, dict[str, Any]] = {study: {} for study in studies}
        batch: dict[str, list[str]] = {}
        for study, instances in wanted.items():
            # A study beyond the limit is shown by its first instances.
            part = instances[:MOST_AT_ONCE]
            if batch and sum(map(len, batch.values())) + len(part) > MOST_AT_ONCE:
                found |= self._ask("outcomes", {"studies": batch})["studies"]
                batch = {}
            batch[study] = part
        return found | (self._ask("outcomes", {"studies": batch})["studies"] if batch else {})

    def encode(self, instances: Sequence[str]) -> int:
        """Have instances encoded that are not, and those tried again that failed; return how many were noted.

        Raises:
            Unavailable: the plugin does not answer.
        """
        parts = [list(instances[at : at + MOST_AT_ONCE]) for at in range(0, len(instances), MOST_AT_ONCE)]
        return sum(self._ask("encode", {"instances": part, "retry_failed": True})["noted"] for part in parts)

    def _ask(self, what: str, body: dict[str, Any]) -> Any:
        try:
            headers = {TOKEN_HEADER: self._token()}
            answer = requests.post(f"{self._url}/neuronova/{what}", json=body, headers=headers, timeout=_TIMEOUT)
            answer.raise_for_status()
            return answer.json()
        except (requests.RequestException, ValueError) as error:
            raise Unavailable(f"the plugin does not answer ({type(error).__name__})") from None
