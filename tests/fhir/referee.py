"""HL7's own validator: one run over some resources, and the errors that it finds in each."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from cdss_api.fhir.document import write
from neuronova.platform.layout import REPOSITORY

FETCHED = REPOSITORY / ".referee"
JARS = FETCHED / "node-java-fhir-validator@1.1.0" / "package" / "src" / "java-pkgs"
# What it reads at its start, by the names that it looks for. Of the last two it wants no more than that they are there.
PACKAGES = {
    "hl7.fhir.r4b.core#4.3.0": "hl7.fhir.r4b.core@4.3.0",
    "hl7.terminology#7.0.1": "hl7.terminology.r4@7.0.1",
    "hl7.fhir.uv.extensions#1.0.0": None,
    "hl7.fhir.xver-extensions#0.0.12": None,
}
MAIN = "org.hl7.fhir.validation.ValidatorCli"
FILE_OF = "http://hl7.org/fhir/StructureDefinition/operationoutcome-file"


def judged(folder: Path, documents: Iterable[Mapping[str, Any]]) -> dict[str, list[str]]:
    """Return the errors by file, which is named by the resource's id; skip the test where the validator is missing."""
    java = shutil.which("java")
    if java is None:
        pytest.skip("Java is missing; run ./install.sh test")
    if not JARS.is_dir() or not all((FETCHED / name).is_dir() for name in PACKAGES.values() if name):
        pytest.skip("HL7's validator is missing; run ./install.sh test")
    for named, fetched in PACKAGES.items():
        _lay(folder / ".fhir" / "packages" / named / "package", named, fetched)
    files = []
    for document in documents:
        files.append(folder / f"{document['id']}.json")
        files[-1].write_text(write(document), encoding="utf-8")
    told = folder / "told.json"
    options: list[str | Path] = ["-version", "4.3", "-tx", "n/a", "-output", told]
    command: list[str | Path] = [java, f"-Duser.home={folder}", "-Xmx2g", "-cp", f"{JARS}/*", MAIN, *files, *options]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert told.is_file(), done.stdout[-2000:] + done.stderr[-2000:]
    outcomes = [entry["resource"] for entry in json.loads(told.read_text(encoding="utf-8"))["entry"]]
    return {_file_of(one): _errors(one) for one in outcomes}


def _lay(folder: Path, named: str, fetched: str | None) -> None:
    """Lay a package where it looks; one that depends on what npm lacks is laid without its dependencies."""
    folder.mkdir(parents=True)
    name, _, version = named.partition("#")
    about = {"name": name, "version": version, "fhirVersions": ["4.3.0"], "dependencies": {}}
    if fetched is not None:
        origin = FETCHED / fetched / "package"
        about = json.loads((origin / "package.json").read_text(encoding="utf-8")) | {"dependencies": {}}
        for file in origin.iterdir():
            if file.name != "package.json":
                (folder / file.name).symlink_to(file)
    (folder / "package.json").write_text(json.dumps(about), encoding="utf-8")


def _file_of(outcome: dict[str, list[dict[str, str]]]) -> str:
    return next(Path(one["valueString"]).name for one in outcome["extension"] if one["url"] == FILE_OF)


def _errors(outcome: dict[str, list[dict[str, str]]]) -> list[str]:
    return [json.dumps(one) for one in outcome["issue"] if one["severity"] in ("error", "fatal")]
