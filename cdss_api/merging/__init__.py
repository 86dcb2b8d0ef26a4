"""Two Patients that are one person: merged, confirmed or taken apart again (FHIR R5, Patient/$merge)."""
