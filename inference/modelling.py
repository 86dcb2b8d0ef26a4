"""What a model is: a folder with model.toml, model.py, and README.md; of kind `remote` it needs no model.py.

`model.py` has one function, `run(volume: Volume) -> Output`, which raises `NotEvaluable` where its gates say so. It is
loaded in the child process alone; what everybody may know of the model stands in model.toml.
"""

from __future__ import annotations

import hashlib
import importlib.util
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inference import relay, remote
from inference.output import Output
from inference.volume import Volume
from neuronova.contract.inference import Model

_UNCOUNTED = ("README.md",)
LOCAL, REMOTE = "local", "remote"


class BadModel(Exception):
    """A folder is no model; the message says why."""


@dataclass(frozen=True, kw_only=True)
class Description:
    """model.toml: memory in MiB, deadline in seconds (of the whole child process)."""

    folder: Path
    model: Model
    title: str
    modality: str
    intended_use: str
    limits: tuple[str, ...]
    gates: tuple[str, ...]
    licence: str
    memory: int
    deadline: float


def describe(folder: Path) -> Description:
    """Read the description of the model in `folder`.

    Raises:
        BadModel: there is none, or it lacks something.
    """
    try:
        known: dict[str, Any] = tomllib.loads((folder / "model.toml").read_text())
        if known.get("kind", LOCAL) not in (LOCAL, REMOTE):
            raise ValueError(f"kind is neither {LOCAL} nor {REMOTE}")
        if known.get("kind") == REMOTE:
            _server(known)
        elif not (folder / "model.py").is_file():
            raise BadModel(f"{folder} has no model.py")
        return Description(
            folder=folder,
            model=Model(id=str(known["id"]), version=str(known["version"]), digest=digest_of(folder)),
            title=str(known["title"]),
            modality=str(known["modality"]),
            intended_use=str(known["intended_use"]),
            limits=tuple(map(str, known["limits"])),
            gates=tuple(map(str, known["gates"])),
            licence=str(known["licence"]),
            memory=int(known["memory"]),
            deadline=float(known["deadline"]),
        )
    except (OSError, KeyError, TypeError, ValueError) as odd:
        raise BadModel(f"{folder / 'model.toml'} cannot be used ({type(odd).__name__}: {odd})") from None


def _server(known: Mapping[str, Any]) -> Callable[[Volume], Output]:
    modality, deadline = str(known["modality"]), float(known["deadline"])
    protocol = known["server"]["protocol"]
    if protocol == remote.PROTOCOL:
        return remote.runner(remote.read_remote(known), modality, deadline)
    if protocol == relay.PROTOCOL:
        return relay.runner(relay.read_relay(known), modality, deadline)
    raise ValueError(f"server.protocol is neither {remote.PROTOCOL} nor {relay.PROTOCOL}")


def digest_of(folder: Path) -> str:
    """Return the SHA-256 over the names and contents of the model's files, but its README."""
    total = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and name not in _UNCOUNTED and "__pycache__" not in path.parts:
            total.update(f"{name}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return total.hexdigest()


def models_in(*folders: Path) -> dict[str, Description]:
    """Return the models in `folders`, each a folder of its own there, by their ids.

    Raises:
        BadModel: one cannot be read, or two have the same id.
    """
    found: dict[str, Description] = {}
    for folder in folders:
        for one in sorted(path.parent for path in folder.glob("*/model.toml")):
            description = describe(one)
            if description.model.id in found:
                raise BadModel(f"{one} has the id {description.model.id}, which another model has")
            found[description.model.id] = description
    return found


def load(folder: Path) -> Callable[[Volume], Output]:
    """Return the function of the model; what is wrong with its code is raised as it comes."""
    known = tomllib.loads((folder / "model.toml").read_text())
    if known.get("kind") == REMOTE:
        return _server(known)
    spec = importlib.util.spec_from_file_location("neuronova_model", folder / "model.py")
    if spec is None or spec.loader is None:
        raise BadModel(f"{folder} has no model.py that can be loaded")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    run: Callable[[Volume], Output] = module.run
    return run
