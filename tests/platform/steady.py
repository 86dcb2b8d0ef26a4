"""Steady questions to the API while something happens to it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import requests

from tests.patience import PATIENCE
from tests.running import ADMIN_PASSWORD, Platform
from tests.server import until

LOGIN = "/api/v1/auth/login"
ME = "/api/v1/auth/me"
ASKING = 4  # threads
PAUSE = 0.02  # seconds between two questions of each


def log_in(platform: Platform, password: str, username: str = "admin") -> int:
    body = {"username": username, "password": password}
    return requests.post(platform.url + LOGIN, json=body, timeout=PATIENCE).status_code


class Load:
    """What steady questions were answered; a status of 0 is no answer."""

    def __init__(self) -> None:
        self.answers: list[tuple[float, int]] = []  # when it was asked, and the status
        self.ended = threading.Event()

    def ask(self, platform: Platform, token: str) -> None:
        """Look at one's account again and again, and log in now and then, each over a connection of its own."""
        number = 0
        while not self.ended.is_set():
            number, began = number + 1, time.monotonic()
            try:
                if number % 8 == 0:
                    status = log_in(platform, ADMIN_PASSWORD)
                else:
                    headers = {"Authorization": f"Bearer {token}"}
                    status = requests.get(platform.url + ME, headers=headers, timeout=PATIENCE).status_code
            except requests.RequestException:
                status = 0
            self.answers.append((began, status))
            self.ended.wait(PAUSE)  # both cores would else be kept from what is to come up

    def failed(self) -> list[tuple[float, int]]:
        return [one for one in self.answers if one[1] != 200]

    def go_on(self, more: int = 40) -> None:
        """Wait until so many more questions were answered."""
        wanted = len(self.answers) + more
        until(lambda: len(self.answers) >= wanted, "answers to steady questions")


@contextmanager
def load(platform: Platform) -> Iterator[Load]:
    made, token = Load(), platform.bearer()
    with ThreadPoolExecutor(ASKING) as threads:
        try:
            for _ in range(ASKING):
                threads.submit(made.ask, platform, token)
            made.go_on()
            yield made
        finally:
            made.ended.set()
