"""The modality worklist: FHIR's orders as Orthanc is told of them."""
