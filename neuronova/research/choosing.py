"""Which objects leave for research: those whose pixels are of the examination alone, and no others."""

from __future__ import annotations

from pydicom import Dataset, uid

ALLOWED = frozenset(
    {
        uid.BreastTomosynthesisImageStorage,
        uid.CTImageStorage,
        uid.ComputedRadiographyImageStorage,
        uid.DigitalMammographyXRayImageStorageForPresentation,
        uid.DigitalMammographyXRayImageStorageForProcessing,
        uid.DigitalXRayImageStorageForPresentation,
        uid.DigitalXRayImageStorageForProcessing,
        uid.EnhancedCTImageStorage,
        uid.EnhancedMRImageStorage,
        uid.EnhancedPETImageStorage,
        uid.MRImageStorage,
        uid.NuclearMedicineImageStorage,
        uid.ParametricMapStorage,
        uid.PositronEmissionTomographyImageStorage,
        uid.SegmentationStorage,
    }
)


def reason_against(dataset: Dataset) -> str:
    """Return why an object is left out, empty where it may leave."""
    kind = str(dataset.get("SOPClassUID", ""))
    if kind not in ALLOWED:
        return f"{uid.UID(kind).name}: may carry names in its pixels or text"
    if str(dataset.get("BurnedInAnnotation", "")).strip().upper() == "YES":
        return "Burned In Annotation is YES"
    image_type = dataset.get("ImageType") or []
    words = {str(one).upper() for one in ([image_type] if isinstance(image_type, str) else image_type)}
    if any("SCREEN" in one or "CAPTURE" in one for one in words):
        return "a screen save: text may be in its pixels"
    return ""
