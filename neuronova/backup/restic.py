"""restic as a child process: its password in its environment alone, what it says as values, its errors in one line.

restic (BSD-2-Clause, a package of Debian) is incremental, de-duplicating and encrypted, and can read everything again
to verify it. There is no kept Python library that tells its progress, so its JSON messages are read here.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from neuronova.backup.restic_said import LOCKED, NO_REPOSITORY, failed, known, messages, unreadable
from neuronova.platform.errors import PlatformError

TAG, UNFINISHED = "neuronova", "neuronova-unfinished"
_SOME_UNREADABLE = 3  # exit code of `restic backup`
Done = Callable[[float, int], None]  # part of the whole, and bytes that were read so far


@dataclass(frozen=True, kw_only=True, slots=True)
class Snapshot:
    """A backup in the repository; `time` is as restic writes it."""

    id: str
    time: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Added:
    """What a run of restic put into the repository; `unreadable` are the files that it could not read."""

    snapshot: str
    files_new: int
    bytes_added: int
    bytes_all: int
    unreadable: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Repository:
    """Where backups are kept."""

    address: str = field(repr=False)  # may hold a password
    password: str = field(repr=False)
    cache: Path

    def exists(self) -> bool:
        """Tell whether it has been made.

        Raises:
            PlatformError: the password does not open it.
        """
        done = self._run("cat", "config")
        if done.returncode == 0:
            return True
        if NO_REPOSITORY in done.stderr:
            return False
        raise failed(done.stderr)

    def make(self) -> None:
        """Make it."""
        self._ask("init")

    def snapshots(self, *tags: str) -> list[Snapshot]:
        """Return its backups, the oldest first: those that are whole, or that have one of these tags."""
        wanted = [word for tag in tags or (TAG,) for word in ("--tag", tag)]
        found = json.loads(self._ask("snapshots", "--json", *wanted)) or []
        return sorted((Snapshot(id=one["id"], time=one["time"]) for one in found), key=lambda one: one.time)

    def find(self, name: str) -> Snapshot:
        """Return the backup whose identifier begins so, or the `latest`.

        Raises:
            PlatformError: there is none, or more than one.
        """
        there = self.snapshots()
        found = there[-1:] if name == "latest" else [one for one in there if one.id.startswith(name)]
        if len(found) != 1:
            why = "no backup" if not found else f"{len(found)} backups"
            raise PlatformError(f"the repository has {why} {name}; `neuronova backup list` shows them")
        return found[0]

    def add(
        self, folder: Path, places: Sequence[str], leave_out: Sequence[str], parent: str | None, done: Done
    ) -> Added:
        """Back up `places` of a folder; what did not change since the snapshot `parent` is not read again."""
        words = ["backup", "--json", "--tag", UNFINISHED, *(f"--exclude={_pattern(folder / one)}" for one in leave_out)]
        words += ["--parent", parent] if parent else ["--force"]
        summary: dict[str, Any] = {}
        with tempfile.TemporaryFile() as errors:
            process = self._start([*words, "--", *places], cwd=folder, stdout=subprocess.PIPE, stderr=errors)
            for message in messages(process):
                if message.get("message_type") == "status":
                    done(float(message.get("percent_done", 0)), int(message.get("bytes_done", 0)))
                elif message.get("message_type") == "summary":
                    summary = message
            errors.seek(0)
            said = errors.read().decode(errors="replace")
        if process.returncode not in (0, _SOME_UNREADABLE) or "snapshot_id" not in summary:
            raise failed(said)
        return Added(
            snapshot=summary["snapshot_id"],
            files_new=summary["files_new"],
            bytes_added=summary["data_added"],
            bytes_all=summary["total_bytes_processed"],
            unreadable=tuple(unreadable(said)),
        )

    def finish(self, snapshot: str) -> str:
        """Make an unfinished backup one that is listed; return its new identifier."""
        done = self._run("tag", "--set", TAG, snapshot)
        # A repository that only takes more (append-only) keeps the old name beside the new one.
        found = json.loads(self._ask("snapshots", "--json", "--tag", TAG)) or []
        full = [one["id"] for one in found if str(one.get("original", "")).startswith(snapshot)]
        if not full:
            raise failed(done.stderr)
        return str(full[-1])

    def files(self, snapshot: str, place: str) -> Iterator[tuple[str, int]]:
        """Yield path and size of each file below a place of a backup."""
        process = self._start(
            ["ls", "--json", "--recursive", snapshot, f"/{place}"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        for node in messages(process):
            if node.get("struct_type") == "node" and node.get("type") == "file":
                yield str(node["path"]), int(node.get("size", 0))
        if process.returncode != 0:
            raise PlatformError(f"restic could not list the backup (exit code {process.returncode})")

    def restore(self, snapshot: str, target: Path, place: str = "") -> None:
        """Put the files of a backup, or of one place of it, into a folder."""
        self._ask("restore", snapshot, "--target", str(target), *(["--include", f"/{place}"] if place else []))

    def content(self, snapshot: str, path: str) -> str:
        """Return one text file of a backup."""
        return self._ask("dump", snapshot, f"/{path}")

    def damage(self, *, read_data: bool) -> str | None:
        """Verify its structure, and by `read_data` every byte; return what is wrong.

        Raises:
            PlatformError: it cannot be looked into.
        """
        done = self._run("check", *(["--read-data"] if read_data else []))
        if done.returncode == 0:
            return None
        why = known(done.stderr)
        if why is not None:
            raise PlatformError(why)
        said = [line for line in (done.stdout + done.stderr).splitlines() if "error" in line.lower()]
        return "the repository is damaged: " + "; ".join(said[:5] or [f"exit code {done.returncode}"])

    def forget(self, keep: Mapping[str, int]) -> None:
        """Remove the backups that `keep` (daily, weekly, monthly) leaves out, unfinished ones, and their data."""
        rules = [word for name, number in keep.items() for word in (f"--keep-{name}", str(number))]
        self._ask("forget", "--tag", TAG, "--group-by", "tags", *rules)
        left = [one.id for one in self.snapshots(UNFINISHED)]
        if left:
            self._ask("forget", *left)
        self._ask("prune")

    def _start(self, words: Sequence[str], **more: Any) -> subprocess.Popen[str]:
        program = shutil.which("restic")
        if program is None:
            raise PlatformError("restic is not installed; run ./install.sh system")
        foreign = ("NEURONOVA_", "RESTIC_PASSWORD", "RESTIC_REPOSITORY")
        ambient = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
        secret = {"RESTIC_REPOSITORY": self.address, "RESTIC_PASSWORD": self.password}
        self.cache.mkdir(mode=0o700, parents=True, exist_ok=True)
        return subprocess.Popen(
            [program, "--cache-dir", str(self.cache), *words],
            env=ambient | secret | {"RESTIC_PROGRESS_FPS": "4"},
            stdin=subprocess.DEVNULL,
            text=True,
            **more,
        )

    def _run(self, *words: str, again: bool = True) -> subprocess.CompletedProcess[str]:
        process = self._start(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        output, errors = process.communicate()
        if process.returncode != 0 and LOCKED in errors and again:
            self._run("unlock", again=False)  # removes the locks of those that have died, and no others
            return self._run(*words, again=False)
        return subprocess.CompletedProcess(words, process.returncode, output, errors)

    def _ask(self, *words: str) -> str:
        done = self._run(*words)
        if done.returncode != 0:
            raise failed(done.stderr)
        return done.stdout


def _pattern(path: Path) -> str:
    """Return what excludes this path and no other, whatever is in its name."""
    return re.sub(r"([*?\[\]\\])", r"\\\1", str(path))
