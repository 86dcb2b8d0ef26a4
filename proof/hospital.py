"""A hospital of a long run: a platform on free ports and a folder of its own, and whoever asks it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from neuronova.contract.token import TOKEN_HEADER
from tests.kills.ward import settings_in
from tests.running import ADMIN_PASSWORD, Platform, start
from tests.server import until

MODALITIES = ("CT_ONE", "CT_TWO", "CT_THREE", "CT_FOUR", "CT_FIVE")
FOR_MODEL = "for the model"  # the SeriesDescription of what it runs on
RULES = f"""
rules:
  - {{name: described, model: test-held, conditions: [{{all: SeriesDescription, equals: {FOR_MODEL}}}]}}
"""
_TIMEOUT = 15.0  # seconds
_UP_WITHIN = 300.0


class Person:
    """Somebody with an account, who logs in when the platform wants it."""

    def __init__(self, url: str, username: str) -> None:
        self.username = username
        self._url = url
        self._token = ""
        self._session = requests.Session()

    def ask(self, method: str, path: str, **more: Any) -> requests.Response:
        """Ask the gateway; log in first where there is no token, or it does not count any more.

        Raises:
            requests.RequestException: there is no answer, or no login.
        """
        answer = self._asked(method, path, **more) if self._token else None
        if answer is None or answer.status_code == requests.codes.unauthorized:
            body = {"username": self.username, "password": ADMIN_PASSWORD}
            login = self._session.post(f"{self._url}/api/v1/auth/login", json=body, timeout=_TIMEOUT)
            login.raise_for_status()
            self._session.cookies.clear()  # else it is taken for a browser
            self._token = login.json()["access_token"]
            answer = self._asked(method, path, **more)
        return answer

    def told(self, method: str, path: str, **more: Any) -> Any:
        """Ask what has to work; return the JSON.

        Raises:
            requests.RequestException: it does not work.
        """
        answer = self.ask(method, path, **more)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def _asked(self, method: str, path: str, **more: Any) -> requests.Response:
        headers = {"Authorization": f"Bearer {self._token}"} | more.pop("headers", {})
        return self._session.request(method, self._url + path, headers=headers, timeout=_TIMEOUT, **more)


@dataclass
class Hospital:
    """A platform that is started again when all of it ended, as systemd does."""

    platform: Platform

    def person(self, username: str) -> Person:
        """Return somebody who has an account."""
        return Person(self.platform.url, username)

    def revive(self) -> None:
        """Start the platform again if it has ended."""
        if self.platform.process.poll() is not None and not self.platform.left():
            self.platform.start_again()

    def is_up(self) -> bool:
        """Tell whether the platform is well; start it again where it gave up, as it does on a machine that is busy."""
        self.revive()
        return self.platform.healthy()

    def backlog(self) -> int:
        """Return how many images are to be encoded."""
        headers = {TOKEN_HEADER: self.platform.login()["access_token"]}
        answer = requests.get(
            f"{self.platform.settings.orthanc_url}/neuronova/health", headers=headers, timeout=_TIMEOUT
        )
        return int(answer.json()["backlog"])


@contextmanager
def hospital(data: Path, radiologists: int, **changes: str) -> Iterator[Hospital]:
    """Run a platform whose modalities and radiologists (`rad0`, `rad1`, ..) are let in."""
    platform = start(data, **changes)
    try:
        place = Hospital(platform)
        until(place.is_up, f"the platform is up; {platform.output}", _UP_WITHIN)
        for number in range(radiologists):
            platform.add_user(f"rad{number}", "radiologist")
        for title in MODALITIES:
            platform.allow(title)
        yield place
    finally:
        platform.end()


def models(folder: Path) -> Mapping[str, str]:
    """Return settings by which a quick model runs on each series of that description; its files go to `folder`."""
    return settings_in(folder, RULES)
