"""From settings to the service's own values."""

from __future__ import annotations

from pathlib import Path

from neuronova.contract.settings import Settings

OWN_MODELS = Path(__file__).parent / "models"


def work_folder(settings: Settings) -> Path:
    """Return where jobs have their files: patients' images, so inside the data folder."""
    return settings.data / "run" / "inference"


def allowed_roots(settings: Settings) -> frozenset[str]:
    """Return the DICOMweb roots that series may be fetched from: Orthanc's, and those of the settings."""
    return frozenset({settings.dicomweb_root, *(root.rstrip("/") for root in settings.inference_roots)})
