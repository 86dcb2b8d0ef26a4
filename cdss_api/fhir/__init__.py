"""FHIR R4: clinical records as versioned resources, with search."""
