"""Which objects leave for research: those whose pixels are of the examination alone, and no others."""

from __future__ import annotations

from pydicom import Dataset
from pydicom.uid import (
    UID,
    BreastTomosynthesisImageStorage,
    ComputedRadiographyImageStorage,
    CTImageStorage,
    DigitalMammographyXRayImageStorageForPresentation,
    DigitalMammographyXRayImageStorageForProcessing,
    DigitalXRayImageStorageForPresentation,
    DigitalXRayImageStorageForProcessing,
    EnhancedCTImageStorage,
    EnhancedMRImageStorage,
    EnhancedPETImageStorage,
    MRImageStorage,
    NuclearMedicineImageStorage,
    ParametricMapStorage,
    PositronEmissionTomographyImageStorage,
    SegmentationStorage,
)

ALLOWED = frozenset(
    {
        BreastTomosynthesisImageStorage,
        CTImageStorage,
        ComputedRadiographyImageStorage,
        DigitalMammographyXRayImageStorageForPresentation,
        DigitalMammographyXRayImageStorageForProcessing,
        DigitalXRayImageStorageForPresentation,
        DigitalXRayImageStorageForProcessing,
        EnhancedCTImageStorage,
        EnhancedMRImageStorage,
        EnhancedPETImageStorage,
        MRImageStorage,
        NuclearMedicineImageStorage,
        ParametricMapStorage,
        PositronEmissionTomographyImageStorage,
        SegmentationStorage,
    }
)


def reason_against(dataset: Dataset) -> str:
    """Return why an object is left out, empty where it may leave."""
    kind = str(dataset.get("SOPClassUID", ""))
    if kind not in ALLOWED:
        return f"{UID(kind).name}: may carry names in its pixels or text"
    if str(dataset.get("BurnedInAnnotation", "")).strip().upper() == "YES":
        return "Burned In Annotation is YES"
    image_type = dataset.get("ImageType") or []
    words = {str(one).upper() for one in ([image_type] if isinstance(image_type, str) else image_type)}
    if any("SCREEN" in one or "CAPTURE" in one for one in words):
        return "a screen save: text may be in its pixels"
    return ""
