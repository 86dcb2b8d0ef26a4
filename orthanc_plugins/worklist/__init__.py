"""The modality worklist: what the API ordered, matched and answered inside Orthanc."""
